"""Threads in which the assistant has spoken; small, and kept over restarts."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from twisted.logger import Logger

from openclaw.errors import StoreError
from openclaw.interfaces.channels import IChannelState

STATE = "threads"
_MOST = 300


class Threads:
    """The newest of them; older ones are forgotten, and have to name the assistant again."""

    _log = Logger()

    def __init__(self, state: IChannelState) -> None:
        self._state = state
        self._names = dict.fromkeys(_read(state.get(STATE)))
        self._speaking: Counter[str] = Counter()

    def has(self, chat_id: str, thread_ts: str) -> bool:
        """Whether it has spoken there, or is just doing so."""
        name = _name(chat_id, thread_ts)
        return name in self._names or self._speaking[name] > 0

    @contextmanager
    def speaking(self, chat_id: str, thread_ts: str) -> Iterator[None]:
        """It is said to speak there meanwhile: people may answer before Slack has told us."""
        name = _name(chat_id, thread_ts)
        self._speaking[name] += 1
        try:
            yield
        finally:
            self._speaking[name] -= 1
            if not self._speaking[name]:
                del self._speaking[name]

    async def spoke(self, chat_id: str, thread_ts: str) -> None:
        """Remember that it did; what was said is said, so a full disk is no failure of that."""
        name = _name(chat_id, thread_ts)
        if name in self._names:
            return
        self._names[name] = None
        while len(self._names) > _MOST:
            del self._names[next(iter(self._names))]
        try:
            await self._state.put(STATE, msgspec.json.encode(list(self._names)).decode())
        except StoreError as error:
            self._log.warn("slack threads not kept: {error}", error=error)


def _name(chat_id: str, thread_ts: str) -> str:
    return f"{chat_id}:{thread_ts}"


def _read(kept: str) -> list[str]:
    if not kept:
        return []
    try:
        return msgspec.json.decode(kept, type=list[str])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return []
