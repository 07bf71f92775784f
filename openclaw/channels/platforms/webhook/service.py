"""One other service: its events are checked and taken, answers are posted to it."""

from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from openclaw.channels.platforms.webhook import wire
from openclaw.channels.platforms.webhook.api import Poster, Unauthorized, checked_url
from openclaw.channels.platforms.webhook.settings import WebhookSettings
from openclaw.channels.platforms.webhook.signing import proof
from openclaw.channels.text import plain
from openclaw.deferreds import deferred
from openclaw.interfaces.channels import (
    ChannelDown,
    ChannelFailed,
    IChannel,
    ILink,
    WebhookAnswer,
    WebhookRequest,
)
from openclaw.interfaces.messages import Attachment, Outgoing, Sent, Target
from openclaw.interfaces.outbound import IOutboundResponse
from openclaw.interfaces.queue import Undelivered

RETRY_SECONDS = 5


def make(link: ILink) -> "WebhookChannel":
    """Make an account; nothing is opened, now or later."""
    return WebhookChannel(link)


@implementer(IChannel)
class WebhookChannel:
    """One account. It has no connection: it works from when it runs until it is stopped."""

    mode = "webhook"

    def __init__(self, link: ILink) -> None:
        self._link = link
        self._settings: WebhookSettings = link.settings
        self._poster: Poster | None = None
        self._serving: Deferred[None] | None = None

    @deferred
    async def run(self) -> None:
        """See :meth:`IChannel.run`."""
        settings, path = self._settings, f"channels.webhook, account {self._link.account}"
        if not str(settings.secret).strip():
            raise ChannelFailed(
                f"{path}: the webhook is not started without a secret: set secret to a long "
                "random text, and sign requests with it"
            )
        if settings.outbound_url:
            url = checked_url(settings.outbound_url, settings.allow_insecure)
            own = str(settings.outbound_secret or settings.secret)
            self._poster = Poster(self._link.http, url, own)
        self._serving = Deferred()
        self._link.connected(settings.name or self._link.account)
        try:
            await self._serving
        finally:
            self._serving = self._poster = None

    @deferred
    async def webhook(self, request: WebhookRequest) -> WebhookAnswer:
        """Take one event: 200 once it is stored, 401 before anything of it is read."""
        if request.method != "POST":
            return _answer(405, "POST only", allow="POST")
        settings, now_ms = self._settings, self._link.now_ms()
        shown = proof(
            request.headers,
            request.body,
            str(settings.secret),
            now_ms // 1000,
            settings.window_seconds,
        )
        if shown is None:
            return _answer(401, "the signature is missing, wrong, or not of now")
        if self._serving is None:
            return _answer(503, "this account does not work now", **_later())
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return _answer(415, "expected application/json")
        return await self._take(request.body, now_ms, shown)

    async def _take(self, body: bytes, now_ms: int, shown: bytes) -> WebhookAnswer:
        self._link.heard()
        try:
            event = wire.read(body)
        except ValueError as error:
            return _answer(400, str(error))
        link = self._link
        taken = await link.receive(wire.inbound(event, link.channel, link.account, now_ms, shown))
        # Whoever tells need not know who is let in: refused and queued look the same.
        said = "duplicate" if taken == "duplicate" else "accepted"
        return WebhookAnswer(
            body=f'{{"status":"{said}"}}'.encode(), content_type="application/json"
        )

    @deferred
    async def send(self, outgoing: Outgoing) -> Sent:
        """See :meth:`IChannel.send`."""
        if self._serving is None:
            raise Undelivered("the account does not work now", "later", 1000)
        if self._poster is None:
            raise Undelivered(
                "nothing can be said to this service: set channels.webhook.outboundUrl", "never"
            )
        now_ms = self._link.now_ms()
        body = wire.outbound(outgoing, self.render(outgoing.text), now_ms)
        try:
            said = await self._poster.post(body, outgoing.id, now_ms)
        except Unauthorized:
            self._give_up()
            raise Undelivered("the service does not believe our signature", "later") from None
        return Sent(message_id=wire.message_id(said, outgoing.id))

    def _give_up(self) -> None:
        """Every answer would be refused: they wait until somebody mends it."""
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.errback(
                ChannelFailed(
                    "the service at channels.webhook.outboundUrl does not believe our signature: "
                    "set outboundSecret to what it expects, then reload webhook"
                )
            )

    def render(self, text: str) -> str:
        """See :meth:`IChannel.render`."""
        return plain.render(text) if self._settings.format == "plain" else text

    @deferred
    async def probe(self) -> str:
        """See :meth:`IChannel.probe`; nobody is asked, for that would be an event there."""
        if self._serving is None:
            raise ChannelDown("the account does not work now")
        return "takes events" + (" and posts answers" if self._poster is not None else "")

    def edit(self, outgoing: Outgoing) -> Deferred[Sent]:
        """Send it anew: what was posted is posted."""
        return self.send(outgoing)

    def delete(self, target: Target, message_id: str) -> Deferred[None]:
        """Fail: the documents have no such thing."""
        return fail(_impossible())

    def react(self, target: Target, message_id: str, emoji: str) -> Deferred[None]:
        """Fail: the documents have no such thing."""
        return fail(_impossible())

    def typing(self, target: Target, on: bool) -> Deferred[None]:
        """Fail: the documents have no such thing."""
        return fail(_impossible())

    def find(self, outgoing: Outgoing) -> Deferred[Sent | None]:
        """Fail: nothing tells what was posted, and nothing has to: it may be repeated."""
        return fail(_impossible())

    def fetch(self, attachment: Attachment) -> Deferred[IOutboundResponse]:
        """Fail: no files come this way."""
        return fail(_impossible())


def _answer(status: int, words: str, **headers: str) -> WebhookAnswer:
    return WebhookAnswer(status=status, body=words.encode(), headers=headers)


def _later() -> dict[str, str]:
    return {"retry-after": str(RETRY_SECONDS)}


def _impossible() -> Undelivered:
    return Undelivered("a webhook carries nothing but messages", "never")
