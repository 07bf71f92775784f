"""Ids of messages that were accepted lately, in memory only; a restart forgets them."""

from collections import OrderedDict


class RecentIds:
    """Remembers each id for the same time.

    :param keep_ms: for how long; 0 remembers nothing.
    """

    def __init__(self, keep_ms: int) -> None:
        self._keep_ms = keep_ms
        self._expires: OrderedDict[str, int] = OrderedDict()  # The oldest first.

    def __len__(self) -> int:
        return len(self._expires)

    def has(self, message_id: str, now_ms: int) -> bool:
        """Whether the id was noted within the time."""
        return self._expires.get(message_id, 0) > now_ms

    def note(self, message_id: str, now_ms: int) -> None:
        """Remember an id from now on."""
        if self._keep_ms:
            self._expires[message_id] = now_ms + self._keep_ms
            self._expires.move_to_end(message_id)
            self.forget(now_ms)

    def forget(self, now_ms: int) -> None:
        """Drop what is over."""
        while self._expires:
            message_id, expires = next(iter(self._expires.items()))
            if expires > now_ms:
                return
            del self._expires[message_id]
