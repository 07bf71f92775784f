"""How far the account has read: one value, replaced at once, for after a restart."""

import msgspec
from twisted.internet.defer import Deferred

from openclaw.interfaces.channels import ILink

MOST_ROOMS = 200
"""Rooms whose latest event is kept; of others a gap is bounded by the homeserver alone."""


class _Kept(msgspec.Struct, kw_only=True):
    next_batch: str
    last: dict[str, str] = {}


class Position:
    """Where one account goes on; empty for one that never synced.

    :param user_id: whose it is: with another account's token, another one counts.
    :ivar since: the token to go on from.
    """

    def __init__(self, link: ILink, user_id: str) -> None:
        self._link = link
        self._key = f"sync:{user_id}"
        self._last: dict[str, str] = {}
        self.since = ""
        try:
            kept = msgspec.json.decode(link.state.get(self._key), type=_Kept)
        except msgspec.MsgspecError:
            return
        self.since, self._last = kept.next_batch, kept.last

    def last(self, room_id: str) -> str:
        """The latest event that was taken of a room; empty if that is not known."""
        return self._last.get(room_id, "")

    def moves(self, next_batch: str) -> bool:
        """Whether a token is another than the kept one."""
        return next_batch != self.since

    async def move(self, next_batch: str, latest: dict[str, str]) -> None:
        """Everything before ``next_batch`` was taken; fires when that is on disk.

        :param latest: the last event of each room in it.
        """
        last = {room: event for room, event in self._last.items() if room not in latest} | latest
        last = dict(list(last.items())[-MOST_ROOMS:])
        kept = _Kept(next_batch=next_batch, last=last)
        putting: Deferred[None] = self._link.state.put(
            self._key, msgspec.json.encode(kept).decode()
        )
        await putting
        self.since, self._last = next_batch, last
