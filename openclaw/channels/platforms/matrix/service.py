"""One account on Matrix: signs in, syncs, sends. What keeps it running is the kit."""

from itertools import count
from typing import Any, TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.channels.platforms.matrix import content
from openclaw.channels.platforms.matrix.api import (
    Homeserver,
    Refused,
    Unanswered,
    address,
    broken,
    path,
    undelivered,
)
from openclaw.channels.platforms.matrix.events import words
from openclaw.channels.platforms.matrix.files import Files
from openclaw.channels.platforms.matrix.intake import Intake
from openclaw.channels.platforms.matrix.invites import Invites
from openclaw.channels.platforms.matrix.login import Login, Me
from openclaw.channels.platforms.matrix.places import Places
from openclaw.channels.platforms.matrix.position import Position
from openclaw.channels.platforms.matrix.rooms import Rooms
from openclaw.channels.platforms.matrix.settings import MatrixSettings
from openclaw.channels.platforms.matrix.syncing import Syncer
from openclaw.channels.platforms.matrix.upgrades import Upgrades
from openclaw.channels.platforms.matrix.wire import Reader
from openclaw.channels.text.matrix import counted
from openclaw.deferreds import Tasks, Work, deferred
from openclaw.interfaces.channels import IChannel, ILink, WebhookAnswer, WebhookRequest
from openclaw.interfaces.messages import Attachment, Outgoing, Sent, Target
from openclaw.interfaces.outbound import IOutboundResponse, OutboundError
from openclaw.interfaces.queue import Undelivered

T = TypeVar("T")

TYPING_MS = 30_000
"""How long a sign is shown; the kit repeats it earlier."""


def make(link: ILink) -> "Matrix":
    """Make one account's channel; the manifest names this."""
    return Matrix(link)


@frozen(kw_only=True)
class Connected:
    """What sending needs, while there is a connection."""

    api: Homeserver
    me: Me
    rooms: Rooms
    places: Places
    files: Files
    syncer: Syncer


@implementer(IChannel)
class Matrix:
    """One account.

    :param link: the account's settings and tools, and its way into the gateway.
    """

    _log = Logger()

    def __init__(self, link: ILink) -> None:
        self._link = link
        self._settings: MatrixSettings = link.settings
        self._now: Connected | None = None
        self._quiet_until = 0.0
        # Reactions may be made, taken back, and made again: each call is one of its own.
        self._boot = f"{link.now_ms()}-{link.random.getrandbits(64)}"
        self._calls = count()

    @deferred
    async def run(self) -> None:
        """See :meth:`IChannel.run`."""
        tasks = Tasks()
        api = self._homeserver()
        login = Login(self._link, api)
        try:
            me = await login.sign_in()
            await self._serve(api, me, tasks)
        except Refused as error:
            if error.signed_out:
                await login.signed_out(error)
            raise broken(error) from None
        except Unanswered as error:
            raise broken(error) from None
        finally:
            self._now = None
            await tasks.cancel()

    def _homeserver(self) -> Homeserver:
        root = address(self._settings.homeserver, self._settings.allow_insecure)
        return Homeserver(http=self._link.http, clock=self._link.clock, root=root)

    async def _serve(self, api: Homeserver, me: Me, tasks: Tasks) -> None:
        link = self._link
        rooms = Rooms(api, me)
        await rooms.load_direct()
        await rooms.learn_aliases(key for key in self._settings.groups if key.startswith("#"))
        upgrades = Upgrades(link, api, rooms, tasks)
        reader = Reader(channel=link.channel, account=link.account, me=me)
        syncer = Syncer(
            link=link,
            api=api,
            me=me,
            rooms=rooms,
            intake=Intake(link=link, api=api, rooms=rooms, reader=reader, tasks=tasks),
            invites=Invites(link, api, me, rooms, tasks, upgrades.awaits),
            upgrades=upgrades,
            position=Position(link, me.user_id),
        )
        self._now = Connected(
            api=api,
            me=me,
            rooms=rooms,
            places=Places(api, rooms),
            files=Files(api),
            syncer=syncer,
        )
        await syncer.forever()

    @deferred
    async def send(self, outgoing: Outgoing) -> Sent:
        """See :meth:`IChannel.send`; a person's id as the chat stands for the direct room."""
        return await self._sending(outgoing.target, self._send(self._ready(), outgoing))

    async def _send(self, now: Connected, outgoing: Outgoing) -> Sent:
        # What was asked in a room that was replaced meanwhile is answered where people are now.
        room_id = now.syncer.upgrades.latest(await now.places.room(outgoing.target.chat_id))
        if outgoing.attachment is None:
            event = content.message(outgoing)
        else:
            uri, size = await now.files.store(outgoing.attachment)
            event = content.file(outgoing, uri, size)
        return await self._put(
            now, room_id, outgoing, event, content.transaction("send", outgoing.id)
        )

    @deferred
    async def edit(self, outgoing: Outgoing) -> Sent:
        """See :meth:`IChannel.edit`."""
        if not outgoing.message_id.startswith("$"):
            return await self.send(outgoing)
        return await self._sending(outgoing.target, self._edit(self._ready(), outgoing))

    async def _edit(self, now: Connected, outgoing: Outgoing) -> Sent:
        room_id = await now.places.room(outgoing.target.chat_id)
        # A growing answer is edited under one id: each of its texts is an edit of its own.
        key = content.transaction("edit", outgoing.id, outgoing.message_id, outgoing.text)
        sent = await self._put(now, room_id, outgoing, content.edit(outgoing), key)
        # Later edits and answers are about the first event, not about this one.
        return Sent(message_id=outgoing.message_id, chat_id=sent.chat_id)

    async def _put(
        self, now: Connected, room_id: str, outgoing: Outgoing, event: dict[str, Any], key: str
    ) -> Sent:
        """Send an event, without its HTML if it is too large with it."""
        where = path("rooms", room_id, "send", "m.room.message", key)
        try:
            said = await now.api.call("PUT", where, event)
        except Refused as error:
            if error.status != 413 and error.errcode != "M_TOO_LARGE":
                raise
            said = await now.api.call("PUT", where, content.plain(event))
        event_id = words(said.get("event_id"))
        if not event_id:
            raise Unanswered("a message was answered without an id")
        return Sent(
            message_id=event_id,
            chat_id="" if room_id == outgoing.target.chat_id else room_id,
        )

    @deferred
    async def delete(self, target: Target, message_id: str) -> None:
        """See :meth:`IChannel.delete`."""
        await self._sending(target, self._redact_one(self._ready(), target, message_id))

    async def _redact_one(self, now: Connected, target: Target, message_id: str) -> None:
        await self._redact(now, await now.places.room(target.chat_id), message_id)

    async def _redact(self, now: Connected, room_id: str, event_id: str) -> None:
        key = content.transaction("redact", event_id)
        try:
            await now.api.call("PUT", path("rooms", room_id, "redact", event_id, key))
        except Refused as error:
            if error.status != 404 or error.unknown:
                raise

    @deferred
    async def react(self, target: Target, message_id: str, emoji: str) -> None:
        """See :meth:`IChannel.react`."""
        work = self._annotate if emoji else self._take_back
        await self._sending(target, work(self._ready(), target, message_id, emoji))

    async def _annotate(self, now: Connected, target: Target, message_id: str, emoji: str) -> None:
        room_id = await now.places.room(target.chat_id)
        key = content.transaction("react", self._boot, str(next(self._calls)))
        where = path("rooms", room_id, "send", "m.reaction", key)
        try:
            await now.api.call("PUT", where, content.reaction(message_id, emoji))
        except Refused as error:
            if error.errcode != "M_DUPLICATE_ANNOTATION":
                raise

    async def _take_back(self, now: Connected, target: Target, message_id: str, _: str) -> None:
        room_id = await now.places.room(target.chat_id)
        for event_id in await now.rooms.reactions_of_ours(room_id, message_id):
            await self._redact(now, room_id, event_id)

    @deferred
    async def typing(self, target: Target, on: bool) -> None:
        """See :meth:`IChannel.typing`."""
        now = self._ready()
        if not target.chat_id.startswith("!"):
            return  # A direct room is not made for this.
        where = path("rooms", target.chat_id, "typing", now.me.user_id)
        shown: dict[str, Any] = {"typing": True, "timeout": TYPING_MS} if on else {"typing": False}
        try:
            await now.api.call("PUT", where, shown)
        except (Refused, Unanswered) as error:
            raise undelivered(error) from None

    @deferred
    async def find(self, outgoing: Outgoing) -> Sent | None:
        """Nothing: a repeated send is the same event, so nothing has to be looked up."""
        return None

    @deferred
    async def fetch(self, attachment: Attachment) -> IOutboundResponse:
        """See :meth:`IChannel.fetch`."""
        if self._now is None:
            raise OutboundError("Matrix is not connected", "connect")
        return await self._now.files.fetch(attachment)

    @deferred
    async def webhook(self, request: WebhookRequest) -> WebhookAnswer:
        """Matrix has none."""
        return WebhookAnswer(status=404)

    def render(self, text: str) -> str:
        """See :meth:`IChannel.render`: both bodies, for both count."""
        return counted(text)

    @deferred
    async def probe(self) -> str:
        """See :meth:`IChannel.probe`."""
        now = self._now
        if now is None:
            me = await Login(self._link, self._homeserver()).sign_in()
            return f"{me.name} ({me.user_id})"
        try:
            said = await now.api.call("GET", path("account", "whoami"))
        except (Refused, Unanswered) as error:
            raise broken(error) from None
        return f"{now.me.name} ({words(said.get('user_id'))})"

    def _ready(self) -> Connected:
        if self._now is None:
            raise Undelivered("Matrix is not connected", "later")
        left = self._quiet_until - self._link.clock.seconds()
        if left > 0:
            # The limit is the account's, not the room's: asking again would only lengthen it.
            raise Undelivered(
                "the homeserver asked for a pause", "later", max(1, round(left * 1000))
            )
        return self._now

    async def _sending(self, target: Target, work: Work[T]) -> T:
        """Do something that a message asks for, and say what became of it in the kit's words."""
        doing: Deferred[T] = Deferred.fromCoroutine(work)
        try:
            return await doing
        except Unanswered as error:
            raise undelivered(error) from None
        except Refused as error:
            problem = undelivered(error)
            if error.status == 429:
                until = self._link.clock.seconds() + problem.after_ms / 1000
                self._quiet_until = max(self._quiet_until, until)
            if error.status == 403:
                problem = await self._explained(target.chat_id, problem)
            raise problem from None

    async def _explained(self, room_id: str, problem: Undelivered) -> Undelivered:
        """Find out whether we may only not write, or are in the room no more."""
        now = self._now
        if now is None or not room_id.startswith("!"):
            return problem
        try:
            gone = room_id not in await now.places.joined()
        except (Refused, Unanswered):
            return problem
        if not gone:
            return Undelivered(
                f"{problem.message}; the assistant is in the room but may not write there", "never"
            )
        await now.syncer.forget(room_id)
        return Undelivered(
            f"{problem.message}; the assistant is no longer in the room: invite it again", "never"
        )
