"""Takes the events of rooms in: in order within a room, each on disk before the next."""

from collections.abc import Sequence

from attrs import define, field
from twisted.logger import Logger

from openclaw.channels.platforms.matrix import content
from openclaw.channels.platforms.matrix.api import Homeserver, Refused, Unanswered, path
from openclaw.channels.platforms.matrix.events import Event
from openclaw.channels.platforms.matrix.rooms import Rooms
from openclaw.channels.platforms.matrix.wire import Facts, Reader
from openclaw.deferreds import Tasks
from openclaw.errors import StoreError
from openclaw.interfaces.channels import ILink
from openclaw.interfaces.messages import ChatType, Inbound, Quote
from openclaw.interfaces.queue import QueueFull

HINT = (
    "I cannot read encrypted messages. Please write to me in a room without encryption: when you "
    "create one, switch encryption off (in an existing room it cannot be switched off)."
)


class NotTaken(Exception):
    """An event could not be stored, so it has to come again."""


@define(kw_only=True)
class Intake:
    """What happens to the events of one account.

    :ivar tasks: owns what nothing waits for: receipts and hints.
    """

    _log = Logger()

    link: ILink
    api: Homeserver
    rooms: Rooms
    reader: Reader
    tasks: Tasks
    _hinted: set[str] = field(factory=set)

    async def take_room(self, room_id: str, events: Sequence[Event]) -> str:
        """Take events of one room in.

        :return: fires with the last event that became work, for a receipt; empty if none did.
            Fails with :class:`NotTaken`; with Refused or Unanswered where the homeserver did
            not tell what has to be known first.
        """
        latest = ""
        for event in events:
            self.rooms.note(room_id, event)
            self.rooms.saw(event)
            if await self._take(room_id, event):
                latest = event.id
        return latest

    async def _take(self, room_id: str, event: Event) -> bool:
        if event.type == "m.room.encrypted" and event.sender != self.reader.me.user_id:
            self._hint(room_id)
            return False
        if not self.reader.wants(event):
            return False
        inbound = await self._read(room_id, event)
        if inbound is None:
            return False
        try:
            return await self.link.receive(inbound) == "queued"
        except (QueueFull, StoreError) as error:
            raise NotTaken(str(error) or type(error).__name__) from error

    async def _read(self, room_id: str, event: Event) -> Inbound | None:
        facts = await self._facts(room_id, event)
        try:
            return self.reader.inbound(room_id, event, facts)
        except Exception:  # One odd event must not stop all that come after it for ever.
            self._log.failure("a Matrix event of type {type} cannot be read", type=event.type)
            return None

    async def _facts(self, room_id: str, event: Event) -> Facts:
        chat_type, name = await self._kind_of_room(room_id)
        original = None
        if event.relates_as == "m.replace" and event.type == "m.room.message":
            original = await self.rooms.event(room_id, event.relates_to)
        return Facts(
            chat_type=chat_type,
            chat_name=name,
            alias=self.rooms.aliases.get(room_id, ""),
            sender_name=await self.rooms.sender_name(room_id, event.sender),
            quote=await self._quote(room_id, event),
            original=original,
        )

    async def _kind_of_room(self, room_id: str) -> tuple[ChatType, str]:
        try:
            kind = await self.rooms.chat_type(room_id)
            return kind, "" if kind == "dm" else await self.rooms.name(room_id)
        except Refused as error:
            if error.status not in (403, 404):
                raise
            return "group", ""  # We were thrown out meanwhile.

    async def _quote(self, room_id: str, event: Event) -> Quote | None:
        if not event.answers:
            return None
        answered = await self.rooms.event(room_id, event.answers)
        return Quote(message_id=event.answers) if answered is None else self.reader.quote(answered)

    def _hint(self, room_id: str) -> None:
        key = f"encrypted:{room_id}"
        if room_id in self._hinted or self.link.state.get(key):
            return
        self._hinted.add(room_id)
        self._log.warn(
            "the Matrix room {room} is encrypted, so nothing said in it can be read", room=room_id
        )
        self.tasks.spawn("hinting at encryption", self._tell(room_id, key))

    async def _tell(self, room_id: str, key: str) -> None:
        """Say once per room that we read nothing there; what fails is tried at the next event."""
        where = path("rooms", room_id, "send", "m.room.message", content.transaction(key))
        try:
            await self.api.call("PUT", where, content.notice(HINT))
            await self.link.state.put(key, "told")
        except (Refused, Unanswered, StoreError) as error:
            self._hinted.discard(room_id)
            self._log.warn("the hint at encryption was not sent: {why}", why=str(error))

    def receipt(self, room_id: str, event_id: str) -> None:
        """Let people see that a message was read."""
        self.tasks.spawn("a Matrix receipt", self._receipt(room_id, event_id))

    async def _receipt(self, room_id: str, event_id: str) -> None:
        try:
            await self.api.call("POST", path("rooms", room_id, "receipt", "m.read", event_id))
        except (Refused, Unanswered) as error:
            self._log.debug("a Matrix receipt was not sent: {why}", why=str(error))
