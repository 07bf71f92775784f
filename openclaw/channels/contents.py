"""The same words of the same person again: a second sign that a platform repeats itself."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from openclaw.interfaces.messages import Inbound

CAPACITY = 10_000


class RecentContents:
    """What was said within a window, by a digest of it; in memory, for it is only a second sign.

    :param seconds: monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float], window_seconds: float) -> None:
        self._seconds = seconds
        self._window_seconds = window_seconds
        self._said: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._said)

    def repeats(self, message: Inbound) -> bool:
        """Whether a message says what its sender said there a moment ago; notes it if not.

        The same message once more is no repeat: it comes again because it was not taken.
        """
        now = self._seconds()
        while self._said and next(iter(self._said.values()))[0] <= now:
            self._said.popitem(last=False)
        digest = _digest(message)
        if digest in self._said:
            return self._said[digest][1] != message.dedupe_id
        self._said[digest] = now + self._window_seconds, message.dedupe_id
        if len(self._said) > CAPACITY:
            self._said.popitem(last=False)
        return False


def _digest(message: Inbound) -> bytes:
    files = [(one.kind, one.name, one.size) for one in message.attachments]
    said = (
        message.channel,
        message.account,
        message.chat_id,
        message.thread_id,
        message.sender.id,
        message.kind,
        message.text,
        files,
    )
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=16).digest()
