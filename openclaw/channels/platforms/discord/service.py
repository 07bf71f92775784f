"""One Discord bot: its connections one after the other, and what is asked of it meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.channels.platforms.discord.account import Account
from openclaw.channels.platforms.discord.api import (
    USER_AGENT,
    DiscordError,
    Limited,
    Unauthorized,
)
from openclaw.channels.platforms.discord.codes import (
    AUTHENTICATION_FAILED,
    FATAL_CLOSES,
    disallowed_intents,
)
from openclaw.channels.platforms.discord.gateway import (
    Connection,
    Greeting,
    IdentifyPace,
    IntentsRefused,
    Patience,
)
from openclaw.channels.platforms.discord.registering import register
from openclaw.channels.platforms.discord.settings import DiscordSettings
from openclaw.channels.text.discord import render
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

T = TypeVar("T")

MOST_QUICK_RETURNS = 5
QUICK_SECONDS = 60.0
FILE_HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
BAD_TOKEN = FATAL_CLOSES[AUTHENTICATION_FAILED]


@implementer(IChannel)
class DiscordChannel:
    """One bot account.

    :param patience: how long is waited for what the gateway has to say.
    """

    _log = Logger()

    def __init__(self, link: ILink, patience: Patience | None = None) -> None:
        self._link = link
        self._settings: DiscordSettings = link.settings
        self._patience = patience or Patience()
        self._pace = IdentifyPace()
        self._tasks = Tasks()
        self._quick: deque[float] = deque()
        self._made: Account | None = None
        self._connection: Connection | None = None
        self._is_live = False

    # -- connections -----------------------------------------------------------------------------

    @deferred
    async def run(self) -> None:
        """Connect, and serve until the connection ends; see :meth:`IChannel.run`."""
        account = self._account()
        account.api.start_again()
        try:
            await self._connect(account)
        except CancelledError:
            await account.hooks.cancel()
            raise
        except Unauthorized:
            raise ChannelFailed(BAD_TOKEN) from None
        except Limited as error:
            raise ChannelDown(error.message, error.after_seconds) from None
        except IntentsRefused:
            raise ChannelFailed(await self._which_intents(account)) from None
        except (DiscordError, OutboundError) as error:
            raise ChannelDown(error.message) from None

    async def _connect(self, account: Account) -> None:
        session = account.sessions.current
        url = await account.addresses.next(session)
        connection = Connection(
            self._link.clock,
            self._link.random,
            self._patience,
            Greeting(
                token=account.token,
                intents=self._settings.intent_bits(),
                session=session,
                pace=self._pace,
            ),
            on_event=lambda name, seq, data: self._event(account, name, seq, data),
            on_frame=self._link.heard,
        )
        account.intake.begin(session.id if session else "", session.seq if session else 0)
        connection.safe = lambda: account.intake.safe or None
        try:
            await self._link.sockets.websocket(
                url, connection, headers={"user-agent": USER_AGENT}, trusted=True
            )
        except OutboundError:
            account.addresses.shun(session)
            raise
        await self._serve(account, connection)

    async def _serve(self, account: Account, connection: Connection) -> None:
        """Stay until the connection ends, and leave nothing of it behind."""
        self._connection = connection
        try:
            await connection.ended
        except ChannelDown as error:
            at_once = error.at_once and self._may_return_at_once()
            raise ChannelDown(error.message, error.after_seconds, at_once) from None
        finally:
            self._is_live = False
            connection.end(ChannelDown("the account was stopped"))
            await connection.gone
            self._connection = None
            if connection.forgets_session or account.sessions.missed_since_ms:
                account.sessions.forget()
            elif connection.failed_resume:
                account.sessions.resume_failed()
            await account.missed.stop()
            await account.intake.stop()
            await self._tasks.cancel()

    def _may_return_at_once(self) -> bool:
        """A server that sends everybody away at once shall not be asked without a pause."""
        now = self._link.clock.seconds()
        while self._quick and self._quick[0] < now - QUICK_SECONDS:
            self._quick.popleft()
        self._quick.append(now)
        return len(self._quick) <= MOST_QUICK_RETURNS

    async def _which_intents(self, account: Account) -> str:
        try:
            flags = (await account.api.get("/applications/@me")).get("flags")
        except DiscordError:
            flags = None
        bits = self._settings.intent_bits()
        return disallowed_intents(bits, flags if isinstance(flags, int) else None)

    # -- events ----------------------------------------------------------------------------------

    def _event(self, account: Account, name: str, seq: int, data: Any) -> None:
        if name == "READY":
            try:
                account.opened(seq, data)
            except (KeyError, TypeError, AttributeError):
                self._end(ChannelDown("Discord's READY lacks what a session needs"))
                return
        if name in ("READY", "RESUMED"):
            self._works(account)
        account.intake.take(name, seq, data)
        # After the directory has learnt where it happens, before anything else comes.
        if name == "READY":
            account.missed.ready(data)
        elif name == "GUILD_CREATE" and isinstance(data, dict):
            account.missed.guild(data)

    def _works(self, account: Account) -> None:
        session = account.sessions.current
        if session is None:
            return
        account.sessions.resumed()
        account.delivery.own_id = session.user_id
        self._is_live = True
        self._link.connected(session.user_name)
        registering = register(self._link, account.api, session.application_id)
        self._tasks.spawn("discord commands", registering)

    def _not_taken(self, error: Exception) -> None:
        """An event is not in the gateway: Discord has to send it again."""
        self._end(ChannelDown(f"a message could not be taken in ({type(error).__name__})"))

    def _end(self, why: Exception) -> None:
        if self._connection is not None:
            self._connection.end(why)

    # -- what goes out ---------------------------------------------------------------------------

    @deferred
    async def send(self, outgoing: Outgoing) -> Sent:
        """Send one message; see :meth:`IChannel.send`."""
        account = self._connected()
        return await self._watched(account, account.delivery.send(outgoing, render(outgoing.text)))

    @deferred
    async def edit(self, outgoing: Outgoing) -> Sent:
        """Change a message; see :meth:`IChannel.edit`."""
        account = self._connected()
        return await self._watched(account, account.delivery.edit(outgoing, render(outgoing.text)))

    @deferred
    async def delete(self, target: Target, message_id: str) -> None:
        """Delete a message; see :meth:`IChannel.delete`."""
        account = self._connected()
        await self._watched(account, account.delivery.delete(target, message_id))

    @deferred
    async def react(self, target: Target, message_id: str, emoji: str) -> None:
        """React to a message; see :meth:`IChannel.react`."""
        account = self._connected()
        await self._watched(account, account.delivery.react(target, message_id, emoji))

    @deferred
    async def typing(self, target: Target, on: bool) -> None:
        """Show that an answer is being written; it ends by itself after ten seconds."""
        if on:
            account = self._connected()
            await self._watched(account, account.delivery.typing(target))

    @deferred
    async def find(self, outgoing: Outgoing) -> Sent | None:
        """Never asked: a repeated message has the nonce of the first."""
        return None

    async def _watched(self, account: Account, sending: Coroutine[Any, Any, T]) -> T:
        """Make a call; a token that is refused again and again ends the account."""
        try:
            return await sending
        finally:
            if account.api.has_stopped:
                self._end(ChannelFailed(BAD_TOKEN))

    @deferred
    async def fetch(self, attachment: Attachment) -> IOutboundResponse:
        """Begin to fetch a file from Discord's own servers; from no others."""
        split = urlsplit(attachment.ref)
        own = self._account().root.is_beside(attachment.ref)
        if not own and (split.scheme != "https" or split.hostname not in FILE_HOSTS):
            raise OutboundError("the file is on no server of Discord's", "refused")
        return await self._link.http.request(
            "GET", attachment.ref, {"user-agent": USER_AGENT}, idle_seconds=30.0, trusted=own
        )

    # -- the rest --------------------------------------------------------------------------------

    @deferred
    async def webhook(self, request: WebhookRequest) -> WebhookAnswer:
        """Serve an interaction that Discord brings by HTTP."""
        return await self._account().endpoint.serve(request)

    def render(self, text: str) -> str:
        """Markdown as Discord reads it."""
        return render(text)

    @deferred
    async def probe(self) -> str:
        """Ask who we are."""
        try:
            user = await self._account().api.get("/users/@me")
        except Unauthorized:
            raise ChannelFailed(BAD_TOKEN) from None
        except DiscordError as error:
            raise ChannelDown(error.message) from None
        return f"{user.get('username')} ({user.get('id')})"

    def _connected(self) -> Account:
        if not self._is_live or self._made is None:
            raise Undelivered("Discord is not connected", "later")
        return self._made

    def _account(self) -> Account:
        """Everything that needs usable settings; made when it is first needed.

        :raises ChannelFailed: they are not usable.
        """
        if self._made is None:
            self._made = Account(self._link, self._not_taken)
        return self._made


def make_channel(link: ILink) -> DiscordChannel:
    """Make one account's channel; it does nothing yet."""
    return DiscordChannel(link)
