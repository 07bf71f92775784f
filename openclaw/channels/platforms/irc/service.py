"""One IRC account: connects, signs in, hears and speaks; the parts are in the modules beside it."""

from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from openclaw.channels.hosts import is_loopback
from openclaw.channels.platforms.irc.connection import SILENCE_SECONDS, Connection
from openclaw.channels.platforms.irc.intake import Intake
from openclaw.channels.platforms.irc.lines import is_target
from openclaw.channels.platforms.irc.pace import Pace
from openclaw.channels.platforms.irc.registration import Registration, wanted_channels
from openclaw.channels.platforms.irc.settings import IRCSettings
from openclaw.channels.platforms.irc.talk import Talk
from openclaw.channels.text import irc, plain
from openclaw.deferreds import Tasks, deferred
from openclaw.interfaces.channels import (
    ChannelDown,
    ChannelFailed,
    IChannel,
    ILink,
    WebhookAnswer,
    WebhookRequest,
)
from openclaw.interfaces.messages import Attachment, Outgoing, Sent, Target
from openclaw.interfaces.outbound import IOutboundResponse, OutboundError
from openclaw.interfaces.queue import Undelivered

GOODBYE = "the assistant is leaving"


def make(link: ILink) -> "IRCChannel":
    """Make an account; nothing is opened before it runs."""
    return IRCChannel(link)


@implementer(IChannel)
class IRCChannel:
    """One nick on one network.

    :param silence_seconds: see :data:`openclaw.channels.platforms.irc.connection.SILENCE_SECONDS`.
    """

    mode = "socket"

    def __init__(self, link: ILink, silence_seconds: float = SILENCE_SECONDS) -> None:
        self._link = link
        self._settings: IRCSettings = link.settings
        self._silence = silence_seconds
        self._intake = Intake(link)
        self._talk: Talk | None = None

    @deferred
    async def run(self) -> None:
        """See :meth:`IChannel.run`."""
        settings, link = self._settings, self._link
        check(settings)
        connection = Connection(link.clock, link.heard, self._silence)
        port = settings.port or (6697 if settings.tls else 6667)
        try:
            await link.sockets.tcp(settings.host, port, connection, tls=settings.tls, trusted=True)
        except OutboundError as error:
            raise ChannelDown(error.message) from None
        try:
            pace = Pace(link.clock, settings.flood_burst, settings.flood_ms / 1000)
            session = await Registration(connection, settings, link.clock, pace).run()
            await self._serve(Talk(link, connection, session, self._intake, pace), connection)
        finally:
            connection.leave(GOODBYE)
            await connection.ended()

    async def _serve(self, talk: Talk, connection: Connection) -> None:
        tasks = Tasks()
        self._talk = talk
        talk.begin(tasks)
        try:
            # The handler gets every line; what comes out here is the end.
            await connection.read()
        finally:
            self._talk = None
            talk.end(connection.down or ChannelDown("the account was stopped"))
            await tasks.cancel()

    def send(self, outgoing: Outgoing) -> Deferred[Sent]:
        """See :meth:`IChannel.send`."""
        if self._talk is None:
            return fail(Undelivered("there is no connection to the server", "later", 1000))
        return self._talk.send(outgoing, self.render(outgoing.text))

    def render(self, text: str) -> str:
        """See :meth:`IChannel.render`."""
        codes = self._settings.formatting == "codes"
        return irc.render(text) if codes else plain.render(text)

    @deferred
    async def probe(self) -> str:
        """See :meth:`IChannel.probe`."""
        if self._talk is None:
            raise ChannelDown("there is no connection to the server")
        return await self._talk.ask()

    def edit(self, outgoing: Outgoing) -> Deferred[Sent]:
        """Send it anew: on IRC what is said is said."""
        return self.send(outgoing)

    def delete(self, target: Target, message_id: str) -> Deferred[None]:
        """Fail: IRC has no such thing."""
        return fail(_impossible("messages cannot be deleted"))

    def react(self, target: Target, message_id: str, emoji: str) -> Deferred[None]:
        """Fail: IRC has no such thing."""
        return fail(_impossible("there are no reactions"))

    def typing(self, target: Target, on: bool) -> Deferred[None]:
        """Fail: IRC has no such thing."""
        return fail(_impossible("there is no typing sign"))

    def find(self, outgoing: Outgoing) -> Deferred[Sent | None]:
        """Fail: nothing tells what was sent."""
        return fail(_impossible("messages cannot be looked up"))

    def fetch(self, attachment: Attachment) -> Deferred[IOutboundResponse]:
        """Fail: no files come this way."""
        return fail(_impossible("there are no files"))

    def webhook(self, request: WebhookRequest) -> Deferred[WebhookAnswer]:
        """Fail: there is none."""
        return fail(_impossible("there is no webhook"))


def check(settings: IRCSettings) -> None:
    """Find what nobody could connect with.

    :raises ChannelFailed: names the key.
    """
    if not settings.host:
        raise ChannelFailed("channels.irc.host is missing: set it to a server's name")
    if (settings.port or 1) > 65535:
        raise ChannelFailed("channels.irc.port: expected 1 to 65535, mostly 6697")
    secure = settings.tls or settings.allow_insecure or is_loopback(settings.host)
    if not secure:
        raise ChannelFailed(
            f"channels.irc.tls: without it everything, passwords too, can be read on the way to "
            f"{settings.host}; set it to true, or set allowInsecure"
        )
    if not is_target(settings.nick) or settings.nick[:1] in "#&+~%0123456789-":
        raise ChannelFailed(f"channels.irc.nick: {settings.nick!r} is none; try letters alone")
    if not is_target(settings.username) or "@" in settings.username:
        raise ChannelFailed("channels.irc.username: expected one word without @, such as openclaw")
    for channel in wanted_channels(settings):
        name, _, key = channel.partition(" ")
        if not is_target(name) or " " in key or key.startswith(":"):
            raise ChannelFailed(
                f"channels.irc.channels: {channel!r} is no channel; expected such as #room, or "
                '"#room key"'
            )


def _impossible(what: str) -> Undelivered:
    return Undelivered(f"on IRC {what}", "never")
