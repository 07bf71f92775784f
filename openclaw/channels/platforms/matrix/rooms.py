"""What is known of the rooms we are in: who is in them, what they are called, which are direct."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from attrs import define, field
from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from openclaw.channels.platforms.matrix.api import CLIENT_V1, Homeserver, Refused, Unanswered, path
from openclaw.channels.platforms.matrix.events import Event, Json, mapping, read, sequence, words
from openclaw.channels.platforms.matrix.login import Me
from openclaw.interfaces.messages import ChatType

MOST_EVENTS = 1000
MOST_NAMES = 5000


@define
class Room:
    """One room.

    :ivar name: empty for one without; ``None`` while that is not known.
    :ivar members: who has joined; ``None`` while that is not known.
    :ivar seen: who was seen to join, and not to leave; others may be there too.
    """

    name: str | None = None
    members: set[str] | None = None
    seen: set[str] = field(factory=set)


@define
class Rooms:
    """The rooms of one account, as far as they had to be asked for.

    :ivar api: asked for what no sync told.
    :ivar direct: the direct rooms of each person, as ``m.direct`` has them.
    :ivar aliases: what the settings call a room, by its id.
    """

    _log = Logger()

    api: Homeserver
    me: Me
    direct: dict[str, list[str]] = field(factory=dict)
    aliases: dict[str, str] = field(factory=dict)
    _rooms: dict[str, Room] = field(factory=dict)
    _names: OrderedDict[tuple[str, str], str] = field(factory=OrderedDict)
    _events: OrderedDict[str, Event | None] = field(factory=OrderedDict)
    _writing: DeferredLock = field(factory=DeferredLock)

    async def load_direct(self) -> None:
        """Ask which rooms are direct; fails with Refused or Unanswered."""
        self.set_direct(await self._read_direct())

    def set_direct(self, content: Json) -> None:
        """``m.direct`` is this now."""
        self.direct = {
            user: [room for room in sequence(rooms) if isinstance(room, str)]
            for user, rooms in content.items()
        }

    def is_direct(self, room_id: str) -> bool:
        """Whether ``m.direct`` has a room."""
        return any(room_id in rooms for rooms in self.direct.values())

    async def chat_type(self, room_id: str) -> ChatType:
        """Whether a room is direct: it is said to be, or two are in it and it has no name.

        Fails with Refused, for a room that we are not in, or with Unanswered.
        """
        if self.is_direct(room_id):
            return "dm"
        if await self.name(room_id):
            return "group"
        return "dm" if len(await self._members(room_id)) == 2 else "group"

    async def name(self, room_id: str) -> str:
        """A room's name, empty for one without; fails as :meth:`chat_type` does."""
        room = self._room(room_id)
        if room.name is None:
            try:
                said = await self.api.call("GET", path("rooms", room_id, "state", "m.room.name"))
            except Refused as error:
                if error.status != 404:
                    raise
                said = {}
            room.name = words(said.get("name"))
        return room.name

    async def sender_name(self, room_id: str, user_id: str) -> str:
        """What somebody is called in a room, empty if it does not say; fails with Unanswered."""
        key = (room_id, user_id)
        if key not in self._names:
            where = path("rooms", room_id, "state", "m.room.member", user_id)
            try:
                said = await self.api.call("GET", where)
            except Refused as error:
                self._log.debug("a Matrix member was not told: {why}", why=str(error))
                return ""
            self._remember_name(key, words(said.get("displayname")))
        return self._names[key]

    async def learn_aliases(self, aliases: Iterable[str]) -> None:
        """Ask which rooms have these aliases; fails with Refused or Unanswered.

        One that no room has is left out: it may come to be one later, and is asked for again then.
        """
        found = {}
        for alias in aliases:
            try:
                said = await self.api.call("GET", path("directory", "room", alias))
            except Refused as error:
                if error.signed_out or error.status == 429 or error.status >= 500:
                    raise
                self._log.warn("no Matrix room has the alias {it}: {why}", it=alias, why=str(error))
            else:
                found[words(said.get("room_id"))] = alias
        self.aliases = found

    async def event(self, room_id: str, event_id: str) -> Event | None:
        """An event that another one is about; ``None`` if the homeserver does not give it.

        Fails with Unanswered, or Refused where it only wants a pause.
        """
        if event_id not in self._events:
            try:
                raw = await self.api.call("GET", path("rooms", room_id, "event", event_id))
            except Refused as error:
                if error.status == 429:
                    raise
                self._keep(event_id, None)
            except Unanswered:
                # One event that cannot be had must not stop all others for ever.
                self._keep(event_id, None)
                raise
            else:
                self._keep(event_id, read(raw))
        return self._events[event_id]

    def saw(self, event: Event) -> None:
        """An event came: it may be answered or changed later."""
        if event.type in ("m.room.message", "m.sticker") and event.relates_as != "m.replace":
            self._keep(event.id, event)

    def note(self, room_id: str, event: Event) -> None:
        """Take in what a state event changes."""
        room = self._room(room_id)
        if event.state_key is None:
            return
        if event.type == "m.room.name":
            room.name = words(event.content.get("name"))
        elif event.type == "m.room.member":
            self._note_member(room_id, room, event)

    def missed(self, room_id: str) -> None:
        """Events of a room are missing, so who is in it has to be asked again."""
        self._room(room_id).members = None

    def forget(self, room_id: str) -> None:
        """We are not in a room any more."""
        self._rooms.pop(room_id, None)

    async def reactions_of_ours(self, room_id: str, event_id: str) -> list[str]:
        """Our reactions to a message, by their ids; fails with Refused or Unanswered."""
        where = path(
            "rooms", room_id, "relations", event_id, "m.annotation", "m.reaction", base=CLIENT_V1
        )
        said = await self.api.call("GET", where, query={"limit": "100"})
        found = [read(raw) for raw in sequence(said.get("chunk"))]
        return [one.id for one in found if one is not None and one.sender == self.me.user_id]

    async def set_direct_room(self, room_id: str, user_id: str = "") -> None:
        """Note a room in ``m.direct`` as one with a person, or take it out for none.

        Fails with Refused or Unanswered.
        """
        async with self._writing:
            # Another client of the account may have written it since.
            content = await self._read_direct()
            changed: dict[str, Any] = {}
            for user, rooms in content.items():
                kept = [room for room in sequence(rooms) if room != room_id]
                if kept:
                    changed[user] = kept
            if user_id:
                changed.setdefault(user_id, []).append(room_id)
            if changed != content:
                where = path("user", self.me.user_id, "account_data", "m.direct")
                await self.api.call("PUT", where, changed)
            self.set_direct(changed)

    async def _read_direct(self) -> Json:
        where = path("user", self.me.user_id, "account_data", "m.direct")
        try:
            return await self.api.call("GET", where)
        except Refused as error:
            if error.status != 404:
                raise
            return {}

    async def _members(self, room_id: str) -> set[str]:
        room = self._room(room_id)
        if room.members is None:
            try:
                said = await self.api.call("GET", path("rooms", room_id, "joined_members"))
            except Refused as error:
                if not error.unknown:
                    raise
                room.members = {self.me.user_id} | room.seen
                return room.members
            joined = mapping(said.get("joined"))
            for user, member in joined.items():
                self._remember_name((room_id, user), words(mapping(member).get("display_name")))
            room.members = set(joined)
        return room.members

    def _note_member(self, room_id: str, room: Room, event: Event) -> None:
        user = event.state_key or ""
        if event.membership == "join":
            self._remember_name((room_id, user), words(event.content.get("displayname")))
            room.seen.add(user)
            if room.members is not None:
                room.members.add(user)
            return
        room.seen.discard(user)
        if room.members is not None:
            room.members.discard(user)

    def _room(self, room_id: str) -> Room:
        return self._rooms.setdefault(room_id, Room())

    def _remember_name(self, key: tuple[str, str], name: str) -> None:
        self._names[key] = name
        self._names.move_to_end(key)
        if len(self._names) > MOST_NAMES:
            self._names.popitem(last=False)

    def _keep(self, event_id: str, event: Event | None) -> None:
        self._events[event_id] = event
        self._events.move_to_end(event_id)
        if len(self._events) > MOST_EVENTS:
            self._events.popitem(last=False)
