"""Sends whose answers were lost: they are looked for before they are made again. Kept on disk."""

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

    def since(self, outgoing_id: str) -> int | None:
        """When a send began of which nobody knows the end; None for all others."""
        return self._since.get(outgoing_id)

    async def note(self, outgoing_id: str, began_ms: int) -> None:
        """Remember one; the first attempt counts.

        :raises openclaw.errors.StoreError: it is not remembered over a restart.
        """
        self._since.setdefault(outgoing_id, began_ms)
        while len(self._since) > _MOST:
            del self._since[next(iter(self._since))]
        await self._keep()

    async def settle(self, outgoing_id: str) -> None:
        """Forget one whose end is known now; if the disk keeps it, it is looked for once more."""
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
