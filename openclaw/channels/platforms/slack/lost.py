"""Sends whose end is not known: they are looked for before they are made again. Kept on disk.

Those that a failure was answered to are told from those that nothing was; that is not kept.
"""

import msgspec
from twisted.logger import Logger

from openclaw.errors import StoreError
from openclaw.interfaces.channels import IChannelState

STATE = "lost"
_MOST = 200


class Lost:
    """When each of them began, Unix milliseconds by their ids; the newest few hundred."""

    _log = Logger()

    def __init__(self, state: IChannelState) -> None:
        self._state = state
        self._since = _read(state.get(STATE))
        self._answered: dict[str, bool] = {}

    def since(self, outgoing_id: str) -> int | None:
        """When a send began of which nobody knows the end; None for all others."""
        return self._since.get(outgoing_id)

    def has_failed(self, outgoing_id: str) -> bool:
        """Whether every attempt was answered, with a failure."""
        return self._answered.get(outgoing_id, False)

    async def note(self, outgoing_id: str, began_ms: int, answered: bool) -> None:
        """Remember one; the first attempt counts.

        :raises openclaw.errors.StoreError: it is not remembered over a restart.
        """
        known = outgoing_id not in self._since or self._answered.get(outgoing_id, False)
        self._answered[outgoing_id] = answered and known
        self._since.setdefault(outgoing_id, began_ms)
        while len(self._since) > _MOST:
            oldest = next(iter(self._since))
            del self._since[oldest]
            self._answered.pop(oldest, None)
        await self._keep()

    async def settle(self, outgoing_id: str) -> None:
        """Forget one whose end is known now; if the disk keeps it, it is looked for once more."""
        self._answered.pop(outgoing_id, None)
        if self._since.pop(outgoing_id, None) is None:
            return
        try:
            await self._keep()
        except StoreError as error:
            self._log.warn("lost slack message not forgotten: {error}", error=error)

    async def _keep(self) -> None:
        kept = msgspec.json.encode(self._since).decode() if self._since else ""
        await self._state.put(STATE, kept)


def _read(kept: str) -> dict[str, int]:
    try:
        return msgspec.json.decode(kept, type=dict[str, int]) if kept else {}
    except (msgspec.DecodeError, msgspec.ValidationError):
        return {}
