"""Who may not be written to for now, because Telegram said so; it keeps nobody waiting itself."""

from collections.abc import Callable

from openclaw.interfaces.queue import Undelivered

CHATS_FOR_ALL = 3
"""So many chats in a pause at a time mean that the bot itself is too fast: then all pause."""


class Pauses:
    """The pauses of one bot.

    :param seconds: a clock that only goes forward.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def impose(self, chat_id: str, seconds: float) -> None:
        """Note that a chat may not be written to for so long."""
        self._until[chat_id] = max(self._until.get(chat_id, 0.0), self._seconds() + seconds)

    def check(self, chat_id: str) -> None:
        """Let a call pass.

        :raises Undelivered: ``later``, with how long that is.
        """
        now = self._seconds()
        self._until = {chat: until for chat, until in self._until.items() if until > now}
        until = self._until.get(chat_id, now)
        if len(self._until) >= CHATS_FOR_ALL:
            until = max(until, min(self._until.values()))
        if until > now:
            left = max(1, round((until - now) * 1000))
            raise Undelivered("Telegram asked for a pause", "later", left)
