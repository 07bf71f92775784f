"""Tests of the webhook: registered, guarded, watched; the counterpart delivers by real HTTP."""

import json
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from openclaw.channels.platforms.telegram.service import Telegram
from openclaw.channels.platforms.telegram.webhook import WATCH_SECONDS
from openclaw.interfaces.channels import (
    ChannelDown,
    ChannelFailed,
    WebhookAnswer,
    WebhookRequest,
)
from openclaw.interfaces.queue import QueueFull
from tests.channels.channel_case import until
from tests.channels.loopback import Fault
from tests.channels.telegram.bot_server import BotError
from tests.channels.telegram.rig import CHAT, ServiceCase, text

SECRET = "s3cret_S3CRET-0"
UPDATE = {
    "update_id": 1,
    "message": {"message_id": 1, "chat": {"id": 42}, "from": {"id": 42}, "text": "hello"},
}


class Route(Resource):
    """Hands every request to the channel, as the gateway's own route does."""

    isLeaf = True
    channel: Telegram | None = None

    def render(self, request: Request) -> int:
        Deferred.fromCoroutine(self._serve(request))
        return NOT_DONE_YET

    async def _serve(self, request: Request) -> None:
        assert self.channel is not None and request.content is not None
        answer = await self.channel.webhook(
            WebhookRequest(
                method=request.method.decode(),
                path="",
                query={},
                headers={
                    name.decode().lower(): values[0].decode()
                    for name, values in request.requestHeaders.getAllRawHeaders()
                },
                body=request.content.read(),
            )
        )
        request.setResponseCode(answer.status)
        request.write(answer.body)
        request.finish()


class WebhookCase(ServiceCase):
    def setUp(self) -> None:
        super().setUp()
        self.route = Route()
        listening: Any = reactor
        self.port = listening.listenTCP(0, Site(self.route, timeout=None), interface="127.0.0.1")
        self.addCleanup(maybeDeferred, self.port.stopListening)
        self.url = f"http://127.0.0.1:{self.port.getHost().port}/webhook/telegram"

    def make(self, **changes: Any) -> Telegram:
        given = {"webhookUrl": self.url, "webhookSecret": SECRET, **changes}
        self.route.channel = super().make(**given)
        return self.route.channel

    async def connect(self, **changes: Any) -> Telegram:
        channel = self.make(**changes)
        self.start()
        await until(lambda: self.link.events)
        self.assertEqual(self.link.events, ["connected"])
        return channel

    async def post(self, body: bytes = b"", method: str = "POST", **headers: str) -> WebhookAnswer:
        """Ask the webhook directly."""
        given = {
            "x-telegram-bot-api-secret-token": SECRET,
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        request = WebhookRequest(method=method, path="", query={}, headers=given, body=body)
        return await self.channel.webhook(request)


class RegistrationTests(WebhookCase):
    async def test_it_is_registered_with_its_secret_and_nothing_polls(self) -> None:
        await self.connect(webhookMaxConnections=3)
        self.assertEqual(self.telegram.webhook["url"], self.url)
        self.assertEqual(self.telegram.webhook["secret_token"], SECRET)
        self.assertEqual(self.telegram.webhook["max_connections"], 3)
        self.assertIn("message_reaction", self.telegram.webhook["allowed_updates"])
        asked = {method for method, _ in self.telegram.calls}
        self.assertNotIn("getUpdates", asked)
        self.assertNotIn("deleteWebhook", asked)

    async def test_without_a_usable_secret_it_does_not_start(self) -> None:
        for secret in ("", " ", "with space", "x" * 257, "ü"):
            self.make(webhookSecret=secret)
            self.start()
            await until(lambda: len(self.ends) == len(self.runs))
            self.assertIn("channels.telegram.webhookSecret", self.end(ChannelFailed).message)
            self.assertEqual((await self.post(json.dumps(UPDATE).encode())).status, 503)
        self.assertEqual(self.telegram.named("setWebhook"), [])

    async def test_address_that_telegram_refuses_is_fatal_with_its_words(self) -> None:
        words = "Bad Request: bad webhook: HTTPS url must be provided for webhook"
        self.telegram.faults.append(
            Fault(lambda name: name == "setWebhook", 1, "answer", BotError(400, words))
        )
        self.make()
        self.start()
        await until(lambda: self.ends)
        message = self.end(ChannelFailed).message
        self.assertIn(words, message)
        self.assertIn("channels.telegram.webhookUrl", message)

    async def test_stop_leaves_it_registered(self) -> None:
        await self.connect()
        await self.stop()
        self.assertEqual(self.telegram.webhook["url"], self.url)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual((await self.post(json.dumps(UPDATE).encode())).status, 503)

    async def test_account_that_polls_has_none(self) -> None:
        await ServiceCase.connect(self, webhookUrl=None)
        self.assertEqual((await self.post(json.dumps(UPDATE).encode())).status, 404)


class DeliveryTests(WebhookCase):
    async def test_message_arrives_and_is_acknowledged_with_an_empty_answer(self) -> None:
        await self.connect()
        number = self.telegram.say("hello", chat_id=CHAT, sender_id="42")
        await until(lambda: self.telegram.acknowledged(number))
        self.assertEqual([one.text for one in self.link.received], ["hello"])
        self.assertEqual(self.link.heard_times, 1)
        await self.channel.send(text("answer"))
        self.assertEqual(self.telegram.shown()[0].text, "answer")

    async def test_what_cannot_be_stored_is_asked_for_again(self) -> None:
        await self.connect()
        self.link.refusing = QueueFull("full")
        number = self.telegram.say("hello", chat_id=CHAT, sender_id="42")
        await until(lambda: self.telegram.webhook_statuses)
        self.assertEqual(self.telegram.webhook_statuses, [503])
        self.assertFalse(self.telegram.acknowledged(number))
        self.link.refusing = None
        self.telegram._flow()
        await until(lambda: self.telegram.acknowledged(number))

    async def test_what_had_waited_at_telegram_comes_once_it_is_registered(self) -> None:
        number = self.telegram.say("early", chat_id=CHAT, sender_id="42")
        await self.connect()
        await until(lambda: self.telegram.acknowledged(number))

    async def test_requests_are_refused_in_the_right_order(self) -> None:
        await self.connect()
        good = json.dumps(UPDATE).encode()
        for secret in ("", " ", "wrong", SECRET.lower(), SECRET + "x", SECRET[:-1], "ü"):
            answer = await self.post(b"{not json", x_telegram_bot_api_secret_token=secret)
            self.assertEqual((answer.status, answer.body), (401, b""))
        self.assertEqual((await self.post(good, method="GET")).status, 405)
        self.assertEqual((await self.post(good, method="GET")).headers, {"allow": "POST"})
        self.assertEqual((await self.post(good, content_type="text/plain")).status, 415)
        for body in (b"{not json", b"", b"[]", b"{}", b"[" * 100_000):
            self.assertEqual((await self.post(body)).status, 400)
        self.assertEqual(self.link.received, [])
        self.assertEqual(self.link.heard_times, 0)
        charset = await self.post(good, content_type="Application/JSON; charset=utf-8")
        self.assertEqual(charset, WebhookAnswer())
        self.assertEqual(len(self.link.received), 1)

    async def test_request_without_the_header_is_refused(self) -> None:
        await self.connect()
        request = WebhookRequest(method="POST", path="", query={}, headers={}, body=b"{}")
        self.assertEqual((await self.channel.webhook(request)).status, 401)

    async def test_unknown_kind_is_acknowledged(self) -> None:
        await self.connect()
        self.assertEqual((await self.post(b'{"update_id": 1, "odd": {}}')).status, 200)


class WatchTests(WebhookCase):
    async def watched(self, count: int) -> None:
        """Wait until Telegram has been asked so often how it does."""
        await until(lambda: len(self.telegram.named("getWebhookInfo")) == count)
        await until(lambda: len(self.clock.getDelayedCalls()) == 1)

    async def test_failure_at_telegram_is_shown_and_taken_back(self) -> None:
        await self.connect()
        await self.watched(1)
        now = int(self.link.now_ms() / 1000)
        self.telegram.webhook_error = (now, "Connection timed out")
        self.clock.advance(WATCH_SECONDS)
        await until(lambda: "Connection timed out" in self.link.events[-1])
        self.clock.advance(WATCH_SECONDS)
        await until(lambda: self.link.events[-1] == "connected")
        self.assertEqual(len(self.telegram.named("getWebhookInfo")), 3)

    async def test_old_failure_is_no_news(self) -> None:
        self.telegram.webhook_error = (1_600_000_000, "long ago")
        await self.connect()

    async def test_webhook_that_somebody_removed_is_set_again(self) -> None:
        await self.connect()
        await self.watched(1)
        self.telegram.webhook = {}
        self.clock.advance(WATCH_SECONDS)
        await self.watched(2)
        await until(lambda: len(self.link.events) >= 3)  # It is set after it was looked at.
        self.assertEqual(self.telegram.webhook["url"], self.url)
        self.assertIn("another program", self.link.events[1])
        self.assertEqual(self.link.events[-1], "connected")

    async def test_server_that_cannot_be_asked_about_webhooks_is_believed(self) -> None:
        unknown = BotError(404, "Not Found")
        self.telegram.faults.append(
            Fault(lambda name: name == "getWebhookInfo", 9, "answer", unknown)
        )
        await self.connect()
        await self.watched(1)
        self.clock.advance(WATCH_SECONDS)
        await self.watched(2)
        self.assertEqual(len(self.telegram.named("setWebhook")), 1)
        self.assertEqual(set(self.link.events), {"connected"})

    async def test_silence_of_telegram_means_down_within_a_minute(self) -> None:
        await self.connect()
        await self.watched(1)
        self.telegram.freeze(True)
        self.clock.advance(WATCH_SECONDS)
        await until(lambda: len(self.clock.getDelayedCalls()) == 1)
        self.clock.advance(60 - WATCH_SECONDS)
        await until(lambda: self.ends)
        self.end(ChannelDown)

    async def test_revoked_token_is_fatal(self) -> None:
        await self.connect()
        await self.watched(1)
        self.telegram.revoke()
        self.clock.advance(WATCH_SECONDS)
        await until(lambda: self.ends)
        self.end(ChannelFailed)
