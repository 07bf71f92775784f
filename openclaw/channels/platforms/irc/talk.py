"""What goes on over a connection once it is up: who says what, who is called how, kicks."""

from collections import OrderedDict

from twisted.internet.task import deferLater

from openclaw.channels.platforms.irc.connection import Connection
from openclaw.channels.platforms.irc.deliveries import Deliveries
from openclaw.channels.platforms.irc.history import History
from openclaw.channels.platforms.irc.intake import Intake
from openclaw.channels.platforms.irc.lines import Line
from openclaw.channels.platforms.irc.pace import Pace
from openclaw.channels.platforms.irc.registration import (
    Session,
    name_and_key,
    wanted_channels,
)
from openclaw.channels.platforms.irc.settings import IRCSettings
from openclaw.channels.platforms.irc.wire import Place, inbound, milliseconds
from openclaw.deferreds import Tasks, deferred
from openclaw.interfaces.channels import ChannelDown, ILink
from openclaw.interfaces.messages import Inbound, Outgoing, Sent

REMEMBERED = 1000
REJOIN_SECONDS = 2.0
"""The pause after a kick: whoever throws out everybody who comes back would do it in a circle."""


class Talk:
    """One connection's conversation with the server."""

    def __init__(
        self, link: ILink, connection: Connection, session: Session, intake: Intake, pace: Pace
    ) -> None:
        settings: IRCSettings = link.settings
        self._link = link
        self._connection = connection
        self._session = session
        self._intake = intake
        self._place = Place(channel=link.channel, account=link.account, listed=settings.people())
        self._settings = settings
        self._pace = pace
        self._tasks = Tasks()
        self._deliveries = Deliveries(connection, session, link.clock, pace)
        self._history = History(connection, session, link.clock, pace)
        # What people who wrote to us are called now, by what they were called when they did.
        self._names: OrderedDict[str, str] = OrderedDict()

    def begin(self, tasks: Tasks) -> None:
        """Hear, and catch up; the account works from now on."""
        self._tasks = tasks
        self._intake.keeps_moment = self._session.has_history
        self._intake.hold()
        early, self._session.early = self._session.early, []
        for line in early:
            self._said(line)
        self._connection.handler = self._hear
        self._tell()
        tasks.spawn("irc intake", self._intake.work())
        tasks.spawn("irc history", self._catch_up())

    def end(self, down: ChannelDown) -> None:
        """The connection is gone."""
        self._deliveries.lost(down)

    @deferred
    async def send(self, outgoing: Outgoing, text: str) -> Sent:
        """Say something; see :meth:`openclaw.interfaces.channels.IChannel.send`."""
        chat = outgoing.target.chat_id
        return await self._deliveries.send(outgoing, self._names.get(self._fold(chat), chat), text)

    @deferred
    async def ask(self) -> str:
        """Ask for a sign of life; see :meth:`openclaw.interfaces.channels.IChannel.probe`."""
        await self._deliveries.ask()
        return f"{self._session.nick} on {self._session.server or self._settings.host}"

    # -- what the server says ------------------------------------------------------------------

    def _hear(self, line: Line) -> None:
        if self._history.hear(line):
            return
        self._deliveries.hear(line)
        if line.command == "PRIVMSG":
            self._said(line)
        elif line.command == "NICK":
            self._renamed(line)
        elif line.command == "KICK":
            self._kicked(line)
        elif line.command == "JOIN" and self._session.is_own(line.nick):
            self._came_in(line)
        elif line.command == "396":
            self._session.mask = f"{self._session.mask.partition('@')[0]}@{line.param(1)}"
        if line.command in ("NICK", "QUIT"):
            self._want_own_nick(line)

    def _said(self, line: Line) -> None:
        message = self._message(line)
        if message is None:
            return
        if message.chat_type == "dm":
            self._names[self._fold(line.nick)] = line.nick
            if len(self._names) > REMEMBERED:
                self._names.popitem(last=False)
        if self._intake.is_full:
            self._connection.end(ChannelDown("the gateway has not taken messages for too long"))
        else:
            self._intake.put(message)

    def _message(self, line: Line, called: str = "") -> Inbound | None:
        own = self._deliveries.own
        return inbound(line, self._session, self._place, self._link.now_ms(), own, called)

    def _renamed(self, line: Line) -> None:
        new = line.param(0)
        if self._session.is_own(line.nick):
            self._session.nick = new
            self._tell()
            return
        for called, nick in self._names.items():
            if self._fold(nick) == self._fold(line.nick):
                self._names[called] = new

    def _kicked(self, line: Line) -> None:
        if not self._session.is_own(line.param(1)):
            return
        channel = line.param(0)
        self._session.joined.discard(self._fold(channel))
        self._session.not_joined[self._fold(channel)] = f"{line.nick}: {line.param(-1)}"
        if self._settings.rejoin_after_kick:
            self._tasks.spawn("irc: joining again", self._rejoin(channel))
        self._tell()

    async def _rejoin(self, channel: str) -> None:
        """Enter a channel again, with its key if it has one."""
        await deferLater(self._link.clock, REJOIN_SECONDS)
        await self._pace.take()
        known = (name_and_key(one) for one in wanted_channels(self._settings))
        same = (one for one in known if self._fold(one[0]) == self._fold(channel))
        self._connection.send("JOIN", *next(same, [channel]))

    def _came_in(self, line: Line) -> None:
        self._session.mask = line.mask
        self._session.joined.add(self._fold(line.param(0)))
        self._session.not_joined.pop(self._fold(line.param(0)), None)
        self._tell()

    def _want_own_nick(self, line: Line) -> None:
        """Take the configured nick once whoever had it lets it go: mostly our own dead self."""
        wanted = self._settings.nick
        if self._fold(line.nick) == self._fold(wanted) and not self._session.is_own(wanted):
            self._connection.send("NICK", wanted)

    def _tell(self) -> None:
        self._link.connected(self._session.nick)
        if self._session.not_joined:
            missing = (f"{name} ({why})" for name, why in self._session.not_joined.items())
            self._link.degraded(f"not in {', '.join(missing)}")

    def _fold(self, name: str) -> str:
        return self._session.fold(name)

    # -- what was said before ------------------------------------------------------------------

    async def _catch_up(self) -> None:
        found: list[Inbound | None] = []
        try:
            if self._session.has_history:
                # Our own dead self may still have the nick that people wrote to.
                nick = self._settings.nick
                found = [self._message(line, nick) for line in await self._missed()]
        finally:
            self._intake.release([one for one in found if one is not None])

    async def _missed(self) -> list[Line]:
        """What was said since the last message that was taken; nothing at the first time."""
        now_ms, moment_ms = self._link.now_ms(), self._intake.moment_ms
        if moment_ms:
            return await self._history.since(moment_ms, now_ms)
        await self._intake.begin(milliseconds(self._session.began) or now_ms)
        return []
