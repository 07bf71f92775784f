"""One Slack account: how it begins, serves and ends; what it does is in the modules beside it."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec
from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from zope.interface import implementer

from openclaw.channels.platforms.slack.api import WebApi, checked_root
from openclaw.channels.platforms.slack.failures import ONCE, SlackError, undelivered, unusable
from openclaw.channels.platforms.slack.fields import part, text
from openclaw.channels.platforms.slack.files import Files
from openclaw.channels.platforms.slack.intake import Intake
from openclaw.channels.platforms.slack.lost import Lost
from openclaw.channels.platforms.slack.people import People
from openclaw.channels.platforms.slack.posts import Posts
from openclaw.channels.platforms.slack.search import SETTLE_MS, Search
from openclaw.channels.platforms.slack.settings import SlackSettings
from openclaw.channels.platforms.slack.socket_mode import SocketMode
from openclaw.channels.platforms.slack.threads import Threads
from openclaw.channels.platforms.slack.typing_sign import TypingSign
from openclaw.channels.platforms.slack.webhook import Told, is_signed, refusal, understood
from openclaw.channels.platforms.slack.wire import Identity
from openclaw.channels.text import slack as mrkdwn
from openclaw.deferreds import deferred
from openclaw.errors import StoreError
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
from openclaw.interfaces.queue import QueueFull, Undelivered

T = TypeVar("T")

CHECK_SECONDS = 30.0
"""How often Slack is asked for a sign of life in HTTP mode, where no connection would tell."""


@frozen(kw_only=True)
class _Session:
    """What works while the account does."""

    me: Identity
    intake: Intake
    posts: Posts
    files: Files
    lost: Lost
    search: Search
    typing: TypingSign


Work = Callable[[_Session], Coroutine[Deferred[Any], Any, T]]


def make(link: ILink) -> "SlackChannel":
    """Make an account; nothing is opened before it runs."""
    return SlackChannel(link)


@implementer(IChannel)
class SlackChannel:
    """One app in one workspace."""

    def __init__(self, link: ILink) -> None:
        self._link = link
        self._settings: SlackSettings = link.settings
        self._session: _Session | None = None
        self._serving: Deferred[None] | None = None
        self._failure: ChannelDown | ChannelFailed | None = None

    @deferred
    async def run(self) -> None:
        """See :meth:`IChannel.run`."""
        self._failure = None
        self._serving = Deferred.fromCoroutine(self._serve())
        try:
            await self._serving
        except CancelledError:
            if self._failure is not None:
                raise self._failure from None
            raise
        finally:
            self._session = self._serving = None

    async def _serve(self) -> None:
        api = self._api("botToken", self._settings.bot_token)
        over_http = self._settings.mode == "http"
        app = None if over_http else self._api("appToken", self._settings.app_token)
        if over_http:
            _needed("signingSecret", self._settings.signing_secret)
        app_id = _app_of(self._settings.app_token)
        me = await self._identify(api)
        await self._check_apps(api, me, app_id)
        session = self._begin(api, me, app_id)
        if app is None:
            await self._serve_http(session, api)
        else:
            allowed = self._settings.max_connections or self._link.manifest.max_connections
            mode = SocketMode(self._link, app, app_id, allowed, session.intake.take)
            await mode.serve(lambda: self._connected(session))

    async def _serve_http(self, session: _Session, api: WebApi) -> None:
        self._connected(session)
        while True:
            await deferLater(self._link.clock, CHECK_SECONDS)
            await self._identify(api)
            self._link.heard()

    def _connected(self, session: _Session) -> None:
        self._session = session
        self._link.connected(session.me.name)

    def _api(self, key: str, token: Any) -> WebApi:
        root = checked_root(self._settings.api_url, self._settings.allow_insecure)
        return WebApi(self._link.http, self._link.clock, root, _needed(key, token))

    async def _identify(self, api: WebApi) -> Identity:
        try:
            answer = await api.call("auth.test", {})
        except SlackError as error:
            raise unusable(error, "botToken") from None
        me = Identity(
            channel=self._link.channel,
            account=self._link.account,
            user_id=text(answer, "user_id"),
            bot_id=text(answer, "bot_id"),
            team_id=text(answer, "team_id"),
            name=text(answer, "user"),
            team=text(answer, "team"),
            app_id=text(answer, "app_id"),
        )
        if not me.user_id:
            raise ChannelDown("auth.test: Slack does not say who we are")
        return me

    async def _check_apps(self, api: WebApi, me: Identity, app_id: str) -> None:
        """Find tokens of different apps: such an account sends, and never hears anything."""
        if not app_id:
            return
        theirs = me.app_id or await self._app_of_bot(api, me)
        if theirs and theirs != app_id:
            raise ChannelFailed(
                f"the tokens belong to different apps: appToken to {app_id}, botToken to {theirs}; "
                "copy both from one app at api.slack.com/apps"
            )

    async def _app_of_bot(self, api: WebApi, me: Identity) -> str:
        if not me.bot_id:
            return ""
        try:
            answer = await api.read("bots.info", bot=me.bot_id)
        except SlackError:
            return ""  # It takes a scope that may be missing; events will tell as well.
        return text(part(answer, "bot"), "app_id")

    def _begin(self, api: WebApi, me: Identity, app_id: str) -> _Session:
        link = self._link
        threads = Threads(link.state)
        files = Files(api, link.http, link.clock, link.state)
        posts = Posts(link, api, me, threads, files)
        people = People(api, link.clock)
        return _Session(
            me=me,
            intake=Intake(link, me, people, threads, app_id, self._fail),
            posts=posts,
            files=files,
            lost=Lost(link.state),
            search=Search(api, link.clock, link.now_ms),
            typing=TypingSign(api, posts, self._settings),
        )

    def _fail(self, why: ChannelDown | ChannelFailed) -> None:
        """End the run from elsewhere."""
        self._failure = self._failure or why
        if self._serving is not None:
            self._serving.cancel()

    @deferred
    async def send(self, outgoing: Outgoing) -> Sent:
        """See :meth:`IChannel.send`."""
        return await self._outcome(lambda session: self._once(session, outgoing))

    @deferred
    async def edit(self, outgoing: Outgoing) -> Sent:
        """See :meth:`IChannel.edit`."""
        return await self._outcome(lambda session: session.posts.edit(outgoing))

    @deferred
    async def delete(self, target: Target, message_id: str) -> None:
        """See :meth:`IChannel.delete`."""
        await self._outcome(lambda session: session.posts.delete(target, message_id))

    @deferred
    async def react(self, target: Target, message_id: str, emoji: str) -> None:
        """See :meth:`IChannel.react`."""
        await self._outcome(lambda session: session.posts.react(target, message_id, emoji))

    @deferred
    async def typing(self, target: Target, on: bool) -> None:
        """See :meth:`IChannel.typing`."""
        await self._outcome(lambda session: session.typing.show(target, on))

    @deferred
    async def find(self, outgoing: Outgoing) -> Sent | None:
        """See :meth:`IChannel.find`; fails with :class:`Undelivered` if nobody can tell."""
        return await self._outcome(lambda session: self._found(session, outgoing))

    async def _once(self, session: _Session, outgoing: Outgoing) -> Sent:
        """Send a message, and after a lost answer only if it is not there."""
        if session.lost.since(outgoing.id) is not None:
            found = await self._found(session, outgoing)
            if found is not None:
                return found
        began_ms = self._link.now_ms()
        try:
            return await session.posts.send(outgoing)
        except SlackError as error:
            if error.kind != "lost" or error.method not in ONCE:
                raise
            try:
                await session.lost.note(outgoing.id, began_ms, error.answered)
            except StoreError as store:
                raise Undelivered(f"{error}, and {store}", "unknown") from None
            why = f"{error}; it will be looked for before it is sent again"
            raise Undelivered(why, "retry", SETTLE_MS) from None

    async def _found(self, session: _Session, outgoing: Outgoing) -> Sent | None:
        since = session.lost.since(outgoing.id)
        chat = await session.posts.chat(outgoing.target.chat_id)
        try:
            if outgoing.attachment is not None:
                ts = await session.files.find(outgoing, chat)
            else:
                thread = session.posts.thread(outgoing.target)
                ts = await session.search.find(outgoing.id, chat, thread, since)
        except SlackError as error:
            if error.kind != "refused" or error.fatal:
                raise
            if error.code == "unknown_method" and session.lost.has_failed(outgoing.id):
                await session.lost.settle(outgoing.id)
                return None  # No Slack but something in its place: its failure is its word.
            why = f"nobody can tell whether it was sent: {undelivered(error).message}"
            raise Undelivered(why, "unknown") from None
        await session.lost.settle(outgoing.id)
        if not ts:
            return None
        return Sent(message_id=ts, chat_id="" if chat == outgoing.target.chat_id else chat)

    async def _outcome(self, work: Work[T]) -> T:
        session = self._session
        if session is None:
            raise Undelivered("slack is not connected", "later")
        try:
            return await work(session)
        except SlackError as error:
            if error.fatal:
                self._fail(unusable(error, "botToken"))
            raise undelivered(error) from None
        except OSError as error:
            raise Undelivered(f"the file cannot be read: {error.strerror}", "never") from None
        except StoreError as error:
            raise Undelivered(str(error), "retry") from None

    @deferred
    async def fetch(self, attachment: Attachment) -> IOutboundResponse:
        """See :meth:`IChannel.fetch`."""
        if self._session is None:
            raise OutboundError("slack is not connected", "connect")
        return await self._session.files.fetch(attachment)

    def render(self, text: str) -> str:
        """See :meth:`IChannel.render`."""
        return mrkdwn.render(text)

    @deferred
    async def probe(self) -> str:
        """See :meth:`IChannel.probe`."""
        me = await self._identify(self._api("botToken", self._settings.bot_token))
        return f"{me.name} ({me.user_id}) in {me.team or me.team_id}"

    @deferred
    async def webhook(self, request: WebhookRequest) -> WebhookAnswer:
        """See :meth:`IChannel.webhook`."""
        if self._settings.mode != "http":
            return refusal(404, "this account does not take requests")
        if request.method != "POST":
            return refusal(405, "expected POST", allow="POST")
        secret = self._settings.signing_secret
        signed = isinstance(secret, str) and is_signed(request, secret, self._link.now_ms())
        if not signed:
            return refusal(401, "wrong signature, or an old request")
        told = understood(request)
        return told if isinstance(told, WebhookAnswer) else await self._told(told)

    async def _told(self, told: Told) -> WebhookAnswer:
        if told.kind == "url_verification":
            return WebhookAnswer(body=text(told.payload, "challenge").encode())
        if told.kind == "ssl_check":
            return WebhookAnswer()
        if self._session is None:
            return refusal(503, "not connected")
        self._link.heard()
        try:
            said = await self._session.intake.take(told.kind, told.payload, "")
        except (QueueFull, StoreError):
            return refusal(503, "not taken")  # Slack comes again.
        if said is None:
            return WebhookAnswer()
        return WebhookAnswer(body=msgspec.json.encode(said), content_type="application/json")


def _needed(key: str, secret: Any) -> str:
    """A secret's value.

    :raises ChannelFailed: there is none.
    """
    if isinstance(secret, str) and secret.strip():
        return secret.strip()
    where = {
        "botToken": "under OAuth & Permissions (xoxb-…)",
        "appToken": "under Basic Information, App-Level Tokens, with connections:write (xapp-…)",
        "signingSecret": "under Basic Information, App Credentials",
    }[key]
    raise ChannelFailed(
        f"channels.slack.{key} is missing; copy it from api.slack.com/apps, {where}"
    )


def _app_of(app_token: Any) -> str:
    """The app's id, which stands in an app-level token: ``xapp-1-<app>-…``."""
    pieces = app_token.strip().split("-") if isinstance(app_token, str) else []
    named = len(pieces) > 3 and pieces[0] == "xapp" and pieces[2].startswith("A")
    return pieces[2] if named else ""
