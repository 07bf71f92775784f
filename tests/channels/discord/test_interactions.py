"""Slash commands: registered once, told of in time, answered where they were chosen."""

import json
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.internet.defer import Deferred

from openclaw.interfaces.channels import Taken, WebhookAnswer, WebhookRequest
from openclaw.interfaces.messages import Inbound
from openclaw.interfaces.queue import QueueFull
from tests.channels.discord.rig import ALICE, Rig, outgoing, target
from tests.channels.discord.world import GENERAL_ID

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()


class RegistrationTests(Rig):
    async def test_commands_are_registered_once(self) -> None:
        await self.stop_channel(await self.settled())
        self.remake()
        await self.settled()
        self.assertEqual(len(self.discord.rest.commands), 1)
        names = [one["name"] for one in self.discord.rest.commands[0]]
        self.assertEqual(names, ["help", "status", "new", "model", "stop", "approve", "deny"])

    async def test_changed_commands_are_registered_again(self) -> None:
        await self.stop_channel(await self.settled())
        self.remake(commands=[{"name": "ask", "description": "Ask"}])
        await self.settled(2)
        self.assertEqual([one["name"] for one in self.discord.rest.commands[1]], ["ask"])

    async def test_no_commands_leave_alone_what_there_is(self) -> None:
        self.remake(commands={"native": False})
        await self.connect()
        await self.channel.send(outgoing())
        self.assertEqual(self.discord.rest.commands, [])

    async def test_a_refused_registration_harms_nothing_and_is_tried_again(self) -> None:
        self.discord.fail("PUT /applications", 403, 50001)
        running = await self.connect()
        await self.channel.send(outgoing())
        await self.stop_channel(running)
        self.remake()
        await self.settled()

    async def settled(self, times: int = 1) -> Deferred[None]:
        """Connect, and wait until commands were registered so often."""
        running = await self.connect()
        await self.until(lambda: len(self.discord.rest.commands) >= times)
        await self.until(lambda: self.state.get("commands"))
        return running


class GatewayTests(Rig):
    async def test_a_command_is_told_of_and_answered_in_place(self) -> None:
        await self.connect()
        chosen = self.discord.choose(
            "model", chat_id=GENERAL_ID, sender_id=ALICE, group=True, name="x"
        )
        await self.until(lambda: chosen in self.discord.rest.callbacks)
        self.assertEqual(self.discord.rest.callbacks[chosen], {"type": 5})
        [heard] = self.link.received
        self.assertEqual((heard.kind, heard.command, heard.text), ("command", "model", "/model x"))
        self.assertEqual((heard.chat_id, heard.mention), (GENERAL_ID, "command"))
        sent = await self.channel.send(outgoing("done", target(reply_to=heard.message_id)))
        self.assertEqual(self.discord.rest.answers[chosen], sent.message_id)
        self.assertEqual(self.calls("POST", f"/channels/{GENERAL_ID}/messages"), [])
        await self.channel.edit(outgoing("better", message_id=sent.message_id))
        self.assertEqual(self.discord.shown()[0].text, "better")

    async def test_discord_is_told_again_where_it_had_trouble(self) -> None:
        await self.connect()
        self.discord.rest.faults.raw.extend([("/callback", 502, b""), ("/callback", 503, b"")])
        chosen = self.discord.choose("help", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: chosen in self.discord.rest.callbacks)
        await self.channel.send(outgoing("here", target(reply_to=chosen)))
        self.assertIn(chosen, self.discord.rest.answers)

    async def test_further_parts_are_ordinary_messages(self) -> None:
        await self.connect()
        chosen = self.discord.choose("help", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: chosen in self.discord.rest.callbacks)
        to = target(reply_to=chosen)
        await self.channel.send(outgoing("one", to, part=0, parts=2))
        await self.channel.send(outgoing("two", to, part=1, parts=2))
        self.assertEqual([shown.text for shown in self.discord.shown()], ["one", "two"])
        [call] = self.calls("POST", f"/channels/{GENERAL_ID}/messages")
        self.assertNotIn("message_reference", call.body)

    async def test_an_answer_that_quotes_nothing_finds_the_command(self) -> None:
        await self.connect()
        chosen = self.discord.choose("help", chat_id=ALICE, sender_id=ALICE)
        await self.until(lambda: chosen in self.discord.rest.callbacks)
        await self.channel.send(outgoing("here", target(ALICE, chat_type="dm")))
        self.assertIn(chosen, self.discord.rest.answers)
        await self.channel.send(outgoing("more", target(ALICE, chat_type="dm")))
        self.assertEqual([shown.text for shown in self.discord.shown()], ["here", "more"])

    async def test_an_answer_that_quotes_something_else_is_a_message(self) -> None:
        await self.connect()
        asked = self.discord.say("q", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        chosen = self.discord.choose("help", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: chosen in self.discord.rest.callbacks)
        await self.channel.send(outgoing("a", target(reply_to=asked)))
        self.assertEqual(self.discord.rest.answers, {})

    async def test_another_process_answers_by_the_kept_token(self) -> None:
        running = await self.connect()
        chosen = self.discord.choose("help", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: chosen in self.discord.rest.callbacks)
        await self.stop_channel(running)
        self.remake()
        await self.connect()
        await self.channel.send(outgoing("late", target(reply_to=chosen)))
        self.assertIn(chosen, self.discord.rest.answers)

    async def test_after_15_minutes_the_answer_is_a_message(self) -> None:
        await self.connect()
        chosen = self.discord.choose("help", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: chosen in self.discord.rest.callbacks)
        self.link.now_ms = lambda: self.discord.world.now_ms() + 15 * 60_000
        await self.channel.send(outgoing("late", target(reply_to=chosen)))
        self.assertEqual(self.discord.rest.answers, {})
        self.assertEqual(len(self.discord.shown()), 1)

    async def test_a_forgotten_interaction_is_answered_by_a_message(self) -> None:
        await self.connect()
        chosen = self.discord.choose("help", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: chosen in self.discord.rest.callbacks)
        self.link.now_ms = lambda: self.discord.world.now_ms() + 5_000
        self.discord.fail("PATCH /webhooks", 404, 10015)
        await self.channel.send(outgoing("still", target(reply_to=chosen)))
        self.assertEqual([shown.text for shown in self.discord.shown()], ["still"])

    async def test_who_is_not_let_in_hears_it_alone(self) -> None:
        await self.connect()
        self.link.taken = "refused"
        chosen = self.discord.choose("help", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: chosen in self.discord.rest.callbacks)
        answer = self.discord.rest.callbacks[chosen]
        self.assertEqual((answer["type"], answer["data"]["flags"]), (4, 64))

    async def test_a_full_inbox_is_told_and_the_command_comes_again(self) -> None:
        running = await self.connect()
        self.link.refusing = QueueFull()
        chosen = self.discord.choose("help", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.ended(running)
        self.assertEqual(self.discord.rest.callbacks[chosen]["type"], 4)

    async def test_a_slow_journal_does_not_make_discord_wait(self) -> None:
        await self.connect()
        slow: Deferred[Taken] = Deferred()
        heard: list[Inbound] = []

        def receive(message: Inbound) -> Deferred[Taken]:
            heard.append(message)
            return slow

        self.link.receiver = receive
        chosen = self.discord.choose("help", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: chosen in self.discord.rest.callbacks)
        self.assertEqual(self.discord.rest.callbacks[chosen], {"type": 5})
        slow.callback("refused")
        await self.until(lambda: chosen in self.discord.rest.answers)
        self.assertIn("may not", self.discord.shown()[0].text)

    async def test_an_answer_waits_until_the_command_was_told_of(self) -> None:
        await self.connect()
        sending: list[Deferred[Any]] = []

        def receive(message: Inbound) -> Deferred[Taken]:
            sending.append(
                self.channel.send(outgoing("quick", target(reply_to=message.message_id)))
            )
            done: Deferred[Taken] = Deferred()
            done.callback("queued")
            return done

        self.link.receiver = receive
        chosen = self.discord.choose("help", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: sending)
        await sending[0]
        self.assertIn(chosen, self.discord.rest.answers)

    async def test_a_button_is_an_event_and_the_unknown_is_answered(self) -> None:
        await self.connect()
        pressed = self.discord.interaction("x", GENERAL_ID, ALICE, True, {})
        pressed |= {"type": 3, "data": {"custom_id": "yes", "component_type": 2}}
        self.discord.gateway.dispatch("INTERACTION_CREATE", pressed)
        await self.until(lambda: self.link.received)
        self.assertEqual(
            (self.link.received[0].kind, self.link.received[0].text), ("button", "yes")
        )
        for kind, told in ((4, 8), (5, 4)):
            other = self.discord.interaction("x", GENERAL_ID, ALICE, True, {})
            other["type"] = kind
            self.discord.gateway.dispatch("INTERACTION_CREATE", other)
            callbacks, interaction_id = self.discord.rest.callbacks, other["id"]
            await self.until(partial(callbacks.__contains__, interaction_id))
            self.assertEqual(callbacks[interaction_id]["type"], told)


class WebhookTests(Rig):
    def setUp(self) -> None:
        super().setUp()
        self.remake(publicKey=PUBLIC)

    async def test_a_ping_is_answered(self) -> None:
        answer = await self.ask({"type": 1})
        self.assertEqual((answer.status, json.loads(answer.body)), (200, {"type": 1}))

    async def test_bad_signatures_are_refused(self) -> None:
        body = b'{"type":1}'
        good = self.signed(body)
        bad: list[dict[str, str]] = [
            {},
            {**good, "x-signature-ed25519": ""},
            {**good, "x-signature-ed25519": "00" * 64},
            {**good, "x-signature-ed25519": "zz"},
            {**good, "x-signature-timestamp": ""},
            {**good, "x-signature-timestamp": str(int(good["x-signature-timestamp"]) + 1)},
            {**good, "x-signature-timestamp": "-1"},
            self.signed(body, -301),
            self.signed(body, 301),
            self.signed(body + b" "),
        ]
        for headers in bad:
            answer = await self.channel.webhook(self.request(body, headers))
            self.assertEqual(answer.status, 401, headers)

    async def test_without_a_key_nothing_is_genuine(self) -> None:
        self.remake()
        self.assertEqual((await self.ask({"type": 1})).status, 401)

    async def test_the_signature_is_checked_before_the_body_is_read(self) -> None:
        request = self.request(b"not json", {})
        self.assertEqual((await self.channel.webhook(request)).status, 401)
        request = self.request(b"not json", self.signed(b"not json"))
        self.assertEqual((await self.channel.webhook(request)).status, 400)

    async def test_only_post_is_served(self) -> None:
        request = WebhookRequest(method="GET", path="", query={}, headers={}, body=b"")
        answer = await self.channel.webhook(request)
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "POST"))

    async def test_a_command_is_taken_and_answered_in_place(self) -> None:
        await self.connect()
        made = self.discord.interaction("help", GENERAL_ID, ALICE, True, {})
        answer = await self.ask(made)
        self.assertEqual(json.loads(answer.body), {"type": 5})
        self.discord.rest.callbacks[made["id"]] = json.loads(answer.body)
        [heard] = self.link.received
        await self.channel.send(outgoing("done", target(reply_to=heard.message_id)))
        self.assertIn(made["id"], self.discord.rest.answers)

    async def test_a_repeated_request_is_the_same_event(self) -> None:
        made = self.discord.interaction("help", GENERAL_ID, ALICE, True, {})
        for _ in range(2):
            self.assertEqual(json.loads((await self.ask(made)).body), {"type": 5})
        self.assertEqual({one.dedupe_id for one in self.link.received}, {made["id"]})

    async def test_an_answer_faster_than_discord_is_repeated(self) -> None:
        await self.connect()
        made = self.discord.interaction("help", GENERAL_ID, ALICE, True, {})
        await self.ask(made)  # Discord has not read the answer yet.
        error = await self.ended(self.channel.send(outgoing("a", target(reply_to=made["id"]))))
        self.assertEqual(
            (getattr(error, "kind", ""), getattr(error, "after_ms", 0)), ("retry", 500)
        )

    async def test_a_full_inbox_fails_the_request(self) -> None:
        self.link.refusing = QueueFull()
        made = self.discord.interaction("help", GENERAL_ID, ALICE, True, {})
        failed = await self.ended(self.channel.webhook(self.request_of(made)))
        self.assertIsInstance(failed, QueueFull)

    # -- what Discord sends ------------------------------------------------------------------------

    def ask(self, data: Any) -> Deferred[WebhookAnswer]:
        """Bring an interaction, signed."""
        return self.channel.webhook(self.request_of(data))

    def request_of(self, data: Any) -> WebhookRequest:
        """A signed request."""
        body = json.dumps(data).encode()
        return self.request(body, self.signed(body))

    def signed(self, body: bytes, apart_seconds: int = 0) -> dict[str, str]:
        """Discord's signature, made at some time."""
        at = str(self.link.now_ms() // 1000 + apart_seconds)
        signature = KEY.sign(at.encode() + body).hex()
        return {"x-signature-timestamp": at, "x-signature-ed25519": signature}

    def request(self, body: bytes, headers: dict[str, str]) -> WebhookRequest:
        """A request."""
        return WebhookRequest(method="POST", path="", query={}, headers=headers, body=body)
