"""The sync loop: one request at a time, each with a hard deadline, the token kept after the rest.

https://spec.matrix.org/latest/client-server-api/#syncing
"""

from typing import Any

import msgspec
from attrs import define, field
from twisted.internet.defer import Deferred, DeferredList, DeferredSemaphore
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from openclaw.channels.platforms.matrix.api import Homeserver, Refused, Unanswered, path
from openclaw.channels.platforms.matrix.events import Json, mapping, sequence, words
from openclaw.channels.platforms.matrix.intake import Intake, NotTaken
from openclaw.channels.platforms.matrix.invites import Invites
from openclaw.channels.platforms.matrix.login import Me
from openclaw.channels.platforms.matrix.position import Position
from openclaw.channels.platforms.matrix.rooms import Rooms
from openclaw.channels.platforms.matrix.timeline import (
    Gaps,
    joining,
    read_batch,
    since_we_came,
)
from openclaw.channels.platforms.matrix.upgrades import Upgrades
from openclaw.deferreds import deferred
from openclaw.errors import StoreError
from openclaw.interfaces.channels import ILink

GRACE_SECONDS = 15.0
"""What a sync may take beyond the time that it waits at the homeserver."""

TIMELINE = 50
"""The most events of one room in one sync; what is beyond is asked for."""

STORE_SECONDS = 1.0
"""The pause before events are asked for again that could not be stored."""

SPIN_SECONDS = 0.5
"""The pause after a sync that came back empty at once: a server that does not wait is not asked
in a circle."""

ROOMS_AT_ONCE = 8
"""Rooms that are taken in side by side."""

_STATE = [
    "m.room.member",
    "m.room.name",
    "m.room.canonical_alias",
    "m.room.encryption",
    "m.room.tombstone",
]


def sync_filter(timeline: int) -> Json:
    """What is asked for, and no more."""
    nothing: Json = {"types": [], "not_types": ["*"]}
    return {
        "presence": nothing,
        "account_data": {"types": ["m.direct"]},
        "room": {
            "timeline": {"limit": timeline, "lazy_load_members": True},
            "state": {"types": _STATE, "lazy_load_members": True},
            "ephemeral": nothing,
            "account_data": nothing,
        },
    }


@define(kw_only=True)
class Syncer:
    """Syncs one account."""

    _log = Logger()

    link: ILink
    api: Homeserver
    me: Me
    rooms: Rooms
    intake: Intake
    invites: Invites
    upgrades: Upgrades
    position: Position
    gaps: Gaps = field(init=False)
    _well: bool = False

    def __attrs_post_init__(self) -> None:
        self.gaps = Gaps(self.api, self.me)

    async def forever(self) -> None:
        """Sync until that fails, with Refused or Unanswered."""
        if not self.position.since:
            await self._begin()
        filter_id = await self._filter()
        self.invites.resume()
        self.upgrades.resume()
        # The first one does not wait, so that status soon knows whether it works at all.
        first, wait = True, 0
        while True:
            started = self.link.clock.seconds()
            try:
                said = await self._sync(filter_id, wait, self.position.since)
            except Refused as error:
                await self._refused(error)
                continue
            moved = await self._take(said)
            quick = self.link.clock.seconds() - started < SPIN_SECONDS
            if not first and not moved and quick:
                await deferLater(self.link.clock, SPIN_SECONDS)
            first, wait = False, self.link.settings.sync_timeout_seconds

    async def _refused(self, error: Refused) -> None:
        """Wait, or begin anew; anything else ends the syncing."""
        if error.status == 429:
            await self._pause("the homeserver asks for a pause", error.retry_after)
        elif error.status == 400 and not error.signed_out:
            # A homeserver that was set up anew, or restored, does not know the token any more.
            self._log.warn("Matrix does not know where we were: {why}", why=str(error))
            await self._begin()
        else:
            raise error

    async def _begin(self) -> None:
        """The first sync ever: remember where we are, and answer nothing that was said before."""
        wanted = sync_filter(1)
        # Synapse answers the same first sync of the same device for two minutes with what it said
        # before: it would put us back there. A filter that nobody asked for before is new to it.
        nonce = self.link.random.getrandbits(64)
        wanted["room"]["timeline"]["not_types"] = [f"org.openclaw.first.{nonce:x}"]
        said = await self._sync(_inline(wanted), 0, "")
        joined = mapping(mapping(said.get("rooms")).get("join"))
        latest = {}
        for room_id, raw in joined.items():
            batch = read_batch(raw)
            for event in (*batch.state, *batch.events):
                self.rooms.note(room_id, event)
            if batch.events:
                latest[room_id] = batch.events[-1].id
        await self._settle(said, latest)

    async def _filter(self) -> str:
        """The filter's id; itself, for a homeserver that stores none."""
        wanted = sync_filter(TIMELINE)
        try:
            said = await self.api.call("POST", path("user", self.me.user_id, "filter"), wanted)
        except Refused as error:
            if error.signed_out or error.status == 429 or error.status >= 500:
                raise
            said = {}
        return words(said.get("filter_id")) or _inline(wanted)

    async def _sync(self, filter_id: str, wait: int, since: str) -> Json:
        query = {"filter": filter_id, "timeout": str(wait * 1000)}
        if since:
            query["since"] = since
        said = await self.api.call("GET", path("sync"), query=query, seconds=wait + GRACE_SECONDS)
        if not words(said.get("next_batch")):
            raise Unanswered("a sync without a token to go on from")
        self.link.heard()
        return said

    async def _take(self, said: Json) -> bool:
        """Take a sync in, and keep its token once everything in it is safe.

        :return: whether that token is a new one.
        """
        moved = self.position.moves(said["next_batch"])
        self._note_account(said)
        joined = mapping(mapping(said.get("rooms")).get("join"))
        try:
            taken = await self._all_rooms(joined)
            await self._settle(said, {room: last for room, last, _ in taken if last})
        except (NotTaken, StoreError) as error:
            await self._not_taken(error)
            return True
        for room_id, _, read in taken:
            if read and self.link.settings.read_receipts:
                self.intake.receipt(room_id, read)
        if not self._well:
            self._well = True
            self.link.connected(f"{self.me.name} ({self.me.user_id})")
        return moved

    async def _all_rooms(self, joined: Json) -> list[tuple[str, str, str]]:
        """Take all rooms in, and fail only once none is being worked on any more."""
        some = DeferredSemaphore(ROOMS_AT_ONCE)
        working: list[Deferred[tuple[str, str, str]]] = [
            some.run(self._room, room_id, raw) for room_id, raw in joined.items()
        ]
        outcomes: list[tuple[bool, Any]] = await DeferredList(working, consumeErrors=True)
        failures: list[Failure] = [value for ok, value in outcomes if not ok]
        # What the connection died of comes before what can be waited out.
        for failure in sorted(failures, key=lambda one: bool(one.check(NotTaken))):
            failure.raiseException()
        return [value for _, value in outcomes]

    @deferred
    async def _room(self, room_id: str, raw: Any) -> tuple[str, str, str]:
        """Take one room in; its id, its last event, and the last that became work."""
        batch = read_batch(raw)
        events = list(batch.events)
        replaces = self.upgrades.awaits(room_id)
        if replaces:
            await self.upgrades.arrived(room_id)
        if batch.limited:
            self.rooms.missed(room_id)
            if not any(joining(event, self.me) for event in events):
                since, last = self.position.since, self.position.last(room_id)
                events = await self.gaps.fill(room_id, batch, since, last) + events
        # Where the talk only goes on, what was said before we came was said to us as well.
        news = events if replaces else since_we_came(events, self.me)
        for event in (*batch.state, *events[: len(events) - len(news)]):
            self.rooms.note(room_id, event)
        for event in batch.state:
            await self.upgrades.note(room_id, event)
        read = await self.intake.take_room(room_id, news)
        for event in events:
            await self.upgrades.note(room_id, event)
        return room_id, events[-1].id if events else "", read

    async def _settle(self, said: Json, latest: dict[str, str]) -> None:
        """Keep what has to outlast the token, then the token."""
        rooms = mapping(said.get("rooms"))
        left = mapping(rooms.get("leave"))
        await self.invites.take(mapping(rooms.get("invite")), [*mapping(rooms.get("join")), *left])
        if self.position.moves(said["next_batch"]):
            await self.position.move(said["next_batch"], latest)
        for room_id in left:
            self.intake.tasks.spawn("forgetting a Matrix room", self.forget(room_id))

    async def forget(self, room_id: str) -> None:
        """We were thrown out of a room, or it is gone: it is not offered for messages again."""
        self.rooms.forget(room_id)
        try:
            await self.api.call("POST", path("rooms", room_id, "forget"))
            if self.rooms.is_direct(room_id):
                await self.rooms.set_direct_room(room_id)
        except (Refused, Unanswered) as error:
            self._log.debug("a Matrix room was not forgotten: {why}", why=str(error))

    def _note_account(self, said: Json) -> None:
        for event in sequence(mapping(said.get("account_data")).get("events")):
            if mapping(event).get("type") == "m.direct":
                self.rooms.set_direct(mapping(mapping(event).get("content")))

    async def _not_taken(self, error: NotTaken | StoreError) -> None:
        """Wait for room in the queue; the next sync brings the same events again."""
        self._log.warn("Matrix messages were not stored: {why}", why=str(error))
        await self._pause(
            "messages cannot be stored now; the homeserver keeps them until they can",
            STORE_SECONDS,
        )

    async def _pause(self, why: str, seconds: float) -> None:
        self._well = False
        self.link.degraded(why)
        await deferLater(self.link.clock, seconds)


def _inline(wanted: Json) -> str:
    return msgspec.json.encode(wanted).decode()
