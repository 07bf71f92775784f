"""Tests of custom webhooks: what is taken, what is refused, what is told."""

import json
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.platforms.webhook import wire
from openclaw.channels.platforms.webhook.signing import proof, signed
from openclaw.errors import StoreError
from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from openclaw.interfaces.messages import Outgoing, Target
from openclaw.interfaces.queue import QueueFull, Undelivered
from tests.channels.webhook.counterpart import SECRET, headers, mac, spellings
from tests.channels.webhook.rig import EVENT, WebhookCase

TO = Target(channel="webhook", account="shop", chat_id="room", reply_to="e1", chat_type="group")


def outgoing(**more: Any) -> Outgoing:
    """Something to say."""
    return Outgoing(**{"id": "out-1", "target": TO, "text": "**hello**", **more})


class SigningTests(SynchronousTestCase):
    """Our signatures and theirs."""

    def test_what_is_signed_is_what_the_page_says(self) -> None:
        made = signed("secret", 1700000000, b'{"text":"hello"}')["x-openclaw-signature"]
        self.assertEqual(made, "sha256=" + mac("secret", "1700000000", b'{"text":"hello"}').hex())

    def test_every_spelling_is_the_same_proof(self) -> None:
        raw = mac(SECRET, "1700000000", EVENT)
        shown = {
            proof(
                {"x-openclaw-timestamp": "1700000000", "x-openclaw-signature": one},
                EVENT,
                SECRET,
                1700000000,
                300,
            )
            for one in spellings(raw)
        }
        self.assertEqual(shown, {raw})

    @given(st.text(max_size=120), st.text(max_size=20), st.binary(max_size=50))
    def test_nothing_else_proves_anything(self, shown: str, stamp: str, body: bytes) -> None:
        told = {"x-openclaw-timestamp": stamp, "x-openclaw-signature": shown}
        self.assertIsNone(proof(told, body, SECRET, 1700000000, 300))

    def test_the_window_has_two_ends(self) -> None:
        for apart, good in ((-301, False), (-300, True), (300, True), (301, False)):
            told = signed(SECRET, 1700000000 + apart, EVENT)
            self.assertEqual(proof(told, EVENT, SECRET, 1700000000, 300) is not None, good)


class ReadingTests(SynchronousTestCase):
    """The inbound document."""

    def test_everything_that_can_be_told(self) -> None:
        event = wire.read(
            json.dumps(
                {
                    "id": "e1",
                    "text": "hello",
                    "sender": {"id": "ada", "name": "Ada", "isBot": True},
                    "chat": {"id": "room", "type": "group", "name": "Room"},
                    "threadId": "t",
                    "timestamp": 5,
                    "replyTo": {"messageId": "m", "text": "before", "isOwn": True},
                    "mentioned": True,
                    "more": {"is": "ignored"},
                }
            ).encode()
        )
        message = wire.inbound(event, "webhook", "shop", 9, b"")
        self.assertEqual((message.chat_type, message.chat_id), ("group", "room"))
        self.assertEqual((message.sender.id, message.sender.is_bot), ("ada", True))
        self.assertEqual((message.thread_id, message.timestamp_ms), ("t", 5))
        self.assertEqual((message.mention, message.dedupe_id), ("native", "e1"))
        assert message.reply_to is not None
        self.assertTrue(message.reply_to.is_own)

    def test_what_may_be_absent(self) -> None:
        event = wire.read(b'{"text": "hello", "sender": {"id": "ada"}}')
        message = wire.inbound(event, "webhook", "shop", 9, b"\x01")
        self.assertEqual((message.chat_type, message.chat_id), ("dm", "ada"))
        self.assertEqual((message.dedupe_id, message.timestamp_ms), ("mac:01", 9))

    def test_what_is_none_says_why(self) -> None:
        for body, words in (
            (b"", "truncated"),
            (b"[]", "object"),
            (b"{}", "text"),
            (b'{"text": "a"}', "sender"),
            (b'{"text": " ", "sender": {"id": "a"}}', "$.text"),
            (b'{"text": "a", "sender": {"id": ""}}', "$.sender.id"),
            (b'{"text": "a", "sender": {"id": "a"}, "chat": {"id": "b", "type": "x"}}', "$.chat"),
            (b"\xff", ""),
            (b"[" * 100_000, ""),
        ):
            with self.assertRaises(ValueError) as caught:
                wire.read(body)
            self.assertIn(words, str(caught.exception))


class TakingTests(WebhookCase):
    """Requests to us."""

    async def test_an_event_is_taken(self) -> None:
        self.start()
        answer = await self.ask()
        self.assertEqual((answer.status, json.loads(answer.body)), (200, {"status": "accepted"}))
        self.assertEqual([one.text for one in self.link.received], ["hello"])
        self.link.taken = "duplicate"
        self.assertEqual(json.loads((await self.ask()).body), {"status": "duplicate"})
        self.link.taken = "refused"
        self.assertEqual(json.loads((await self.ask()).body), {"status": "accepted"})

    async def test_refusals_in_the_right_order(self) -> None:
        self.start()
        self.assertEqual((await self.ask(method="GET", told={})).status, 405)
        self.assertEqual((await self.ask(b"{no json", {})).status, 401)
        late = headers(EVENT, at=time.time() - 400)
        self.assertEqual((await self.ask(told=late)).status, 401)
        form = {**headers(EVENT), "content-type": "text/plain"}
        self.assertEqual((await self.ask(told=form)).status, 415)
        self.assertEqual((await self.ask(b"{no json")).status, 400)
        self.assertEqual((self.link.received, self.link.heard_times), ([], 1))

    async def test_what_cannot_be_stored_is_not_taken(self) -> None:
        self.start()
        for why in (QueueFull("full"), StoreError("disk")):
            self.link.refusing = why
            with self.assertRaises(type(why)):
                await self.ask()

    async def test_without_a_secret_it_does_not_start(self) -> None:
        for secret in (None, "", "  ", "\n"):
            self.start(secret=secret)
            error = self.ends.pop()
            self.assertIsInstance(error, ChannelFailed)
            self.assertIn("secret", error.message)
            self.assertEqual(self.link.events, [])
            told = headers(EVENT, secret or "")
            self.assertEqual((await self.ask(told=told)).status, 401)

    async def test_a_stopped_one_asks_to_come_again(self) -> None:
        self.start()
        self.assertIn("takes events", await self.channel.probe())
        self.stop()
        answer = await self.ask()
        self.assertEqual((answer.status, answer.headers), (503, {"retry-after": "5"}))
        with self.assertRaises(ChannelDown):
            await self.channel.probe()


class TellingTests(WebhookCase):
    """Requests of ours; the service checks their signatures."""

    async def test_an_answer_is_told(self) -> None:
        self.start()
        sent = await self.channel.send(outgoing())
        [shown] = self.service.shown()
        self.assertEqual((shown.text, shown.chat_id), ("**hello**", "room"))
        self.assertEqual((shown.reply_to, shown.message_id), ("e1", sent.message_id))

    async def test_plain_for_whoever_wants_it(self) -> None:
        self.start(format="plain")
        await self.channel.send(outgoing())
        self.assertEqual(self.service.shown()[0].text, "hello")

    async def test_the_same_call_is_taken_once(self) -> None:
        self.start()
        one = await self.channel.send(outgoing())
        two = await self.channel.send(outgoing())
        self.assertEqual((one, len(self.service.shown())), (two, 1))

    async def test_what_the_service_says_decides(self) -> None:
        self.start()
        for status, pause, kind, after_ms in (
            (429, 7.0, "retry", 7000),
            (429, 0.0, "retry", 5000),
            (500, 0.0, "retry", 0),
            (503, 2.0, "retry", 2000),
            (400, 0.0, "never", 0),
            (404, 0.0, "never", 0),
            (302, 0.0, "never", 0),
        ):
            self.service.refuse(1, status, pause)
            error = await self.refused()
            self.assertEqual((error.kind, error.after_ms), (kind, after_ms), status)

    async def test_a_lost_answer_may_be_asked_for_again(self) -> None:
        self.start()
        self.service.lose_answers(1)
        self.assertEqual((await self.refused()).kind, "retry")
        await self.channel.send(outgoing())
        self.assertEqual(len(self.service.shown()), 1)

    async def test_nobody_there_is_a_reason_to_try_again(self) -> None:
        self.start(outboundUrl="http://127.0.0.1:1/hook")
        self.assertEqual((await self.refused()).kind, "retry")

    async def test_a_signature_that_is_not_believed_stops_the_account(self) -> None:
        self.start()
        self.service.revoke()
        self.assertEqual((await self.refused()).kind, "later")
        error = self.ends.pop()
        self.assertIsInstance(error, ChannelFailed)
        self.assertIn("outboundSecret", error.message)
        self.assertEqual((await self.refused()).kind, "later")

    async def test_a_service_that_only_tells(self) -> None:
        self.start(outboundUrl=None)
        error = await self.refused()
        self.assertEqual(error.kind, "never")
        self.assertIn("outboundUrl", error.message)

    async def test_addresses_that_would_show_what_is_said(self) -> None:
        for url in ("http://example.org/x", "ftp://example.org", "nonsense"):
            self.start(outboundUrl=url)
            self.assertIn("outboundUrl", self.ends.pop().message)

    async def refused(self) -> Undelivered:
        """Send, and be refused."""
        try:
            await self.channel.send(outgoing())
        except Undelivered as error:
            return error
        raise AssertionError("it was sent")
