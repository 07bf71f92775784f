"""Rooms that were replaced by others: followed, checked, and what held for one holds for the next.

https://spec.matrix.org/latest/client-server-api/#room-upgrades
"""

import json

from twisted.internet.task import deferLater
from twisted.logger import Logger

from openclaw.channels.platforms.matrix.api import Homeserver, Refused, Unanswered, path
from openclaw.channels.platforms.matrix.events import Event, mapping, words
from openclaw.channels.platforms.matrix.rooms import Rooms
from openclaw.deferreds import Tasks
from openclaw.interfaces.channels import ILink

TOMBSTONE = "m.room.tombstone"
PENDING = "upgrades"
FOLLOWED = "upgraded rooms"
MOST = 200
JOIN_PAUSES = (2.0, 5.0, 15.0, 60.0)
"""Pauses before joining is tried again; a room that asks for an invitation is joined with that."""


class Upgrades:
    """The replacements of one account's rooms.

    Anybody with enough power in a room may name any other as its replacement, so the other one has
    to say itself that it replaces the first, before anything that holds there holds for it.

    :param tasks: owns the attempts to join.
    """

    _log = Logger()

    def __init__(self, link: ILink, api: Homeserver, rooms: Rooms, tasks: Tasks) -> None:
        self._link = link
        self._api = api
        self._rooms = rooms
        self._tasks = tasks
        self._pending = self._read(PENDING)
        self._followed = self._read(FOLLOWED)
        self._joining: set[str] = set()

    def awaits(self, room_id: str) -> bool:
        """Whether a room is said to replace one of ours, and we are not in it yet."""
        return room_id in self._pending

    def latest(self, room_id: str) -> str:
        """The room that one has become; itself if it is none but itself."""
        seen = set()
        while room_id in self._followed and room_id not in seen:
            seen.add(room_id)
            room_id = self._followed[room_id]
        return room_id

    def resume(self) -> None:
        """Go on with what an earlier connection did not get done."""
        for new, old in self._pending.items():
            self._go(new, old, "")

    async def note(self, room_id: str, event: Event) -> None:
        """A room may have been replaced; fires when that is on disk, fails with StoreError."""
        if event.type != TOMBSTONE or event.state_key != "":
            return
        new = words(event.content.get("replacement_room"))
        if not new.startswith("!") or new == room_id:
            return
        if new in self._pending or self._followed.get(room_id) == new:
            return
        pending = dict([*self._pending.items(), (new, room_id)][-MOST:])
        await self._link.state.put(PENDING, json.dumps(pending))
        self._pending = pending
        self._go(new, room_id, event.sender)

    async def arrived(self, room_id: str) -> None:
        """We are in a room that is said to replace one of ours: see whether it does.

        Fires when what holds for the old one holds for it, or we have left it again. Fails with
        Refused, Unanswered or StoreError: then it has to be asked once more.
        """
        old = self._pending[room_id]
        created = await self._api.call("GET", path("rooms", room_id, "state", "m.room.create"))
        if words(mapping(created.get("predecessor")).get("room_id")) == old:
            await self._follow(old, room_id)
        else:
            self._log.warn(
                "the Matrix room {new} does not say that it replaces {old}: we leave it",
                new=room_id,
                old=old,
            )
            self._tasks.spawn("leaving a Matrix room", self._leave(room_id))
        left = {new: one for new, one in self._pending.items() if new != room_id}
        await self._link.state.put(PENDING, json.dumps(left) if left else "")
        self._pending = left

    async def _follow(self, old: str, new: str) -> None:
        followed = dict([*self._followed.items(), (old, new)][-MOST:])
        await self._link.state.put(FOLLOWED, json.dumps(followed))
        self._followed = followed
        self._log.info("the Matrix room {old} has become {new}", old=old, new=new)
        self._link.moved(old, new)
        person = next((one for one, rooms in self._rooms.direct.items() if old in rooms), "")
        if person:
            await self._rooms.set_direct_room(old)
            await self._rooms.set_direct_room(new, person)

    async def _leave(self, room_id: str) -> None:
        try:
            await self._api.call("POST", path("rooms", room_id, "leave"))
        except (Refused, Unanswered) as error:
            self._log.warn("the Matrix room {room} was not left: {why}", room=room_id, why=error)

    def _go(self, new: str, old: str, sender: str) -> None:
        if new not in self._joining:
            self._joining.add(new)
            self._tasks.spawn("following a Matrix room", self._join(new, old, sender))

    async def _join(self, new: str, old: str, sender: str) -> None:
        through = {one.partition(":")[2] for one in (sender, old, new)} - {""}
        query = {"server_name": sorted(through)[0]} if through else {}
        try:
            for pause in (*JOIN_PAUSES, None):
                try:
                    await self._api.call("POST", path("join", new), query=query)
                    return  # The sync says so too, and goes on from there.
                except (Refused, Unanswered) as error:
                    if pause is None or getattr(error, "signed_out", False):
                        self._log.warn(
                            "the Matrix room {new}, which replaces {old}, cannot be joined; invite"
                            " the assistant, or it is tried again at the next start: {why}",
                            new=new,
                            old=old,
                            why=str(error),
                        )
                        return
                    await deferLater(
                        self._link.clock, max(pause, getattr(error, "retry_after", 0.0))
                    )
        finally:
            self._joining.discard(new)

    def _read(self, key: str) -> dict[str, str]:
        kept: dict[str, str] = json.loads(self._link.state.get(key) or "{}")
        return kept
