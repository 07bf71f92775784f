"""Tests of threads: when one addresses the assistant, and when one begins."""

import json
from typing import Any

from twisted.internet.defer import Deferred

from openclaw.interfaces.channels import WebhookAnswer, WebhookRequest
from openclaw.interfaces.messages import Inbound
from openclaw.interfaces.queue import Undelivered
from tests.channels.slack.rig import SlackCase, outgoing
from tests.channels.slack.workspace import Fields


class ThreadTests(SlackCase):
    """Messages in threads of a channel."""

    async def heard(self, text: str = "and now?", group: bool = False, **more: Any) -> Inbound:
        """What is heard when somebody says something in C1; without a mention unless ``group``."""
        before = len(self.told.received)
        if group:
            self.slack.say(text, chat_id="C1", sender_id="U1", group=True, **more)
        else:
            space = self.slack.workspace
            space.channel("C1", "channel")
            message = space.keep(channel="C1", user="U1", text=text, **more)
            self.slack.publish(message, "channel")
        await self.until(lambda: len(self.told.received) > before)
        return self.told.received[before]

    async def test_a_reply_under_our_message_addresses_us(self) -> None:
        await self.start()
        message = await self.heard(thread_ts="1600000000.000001", parent_user_id="U0BOT")
        self.assertEqual((message.mention, message.thread_id), ("reply", "1600000000.000001"))

    async def test_one_under_another_does_not(self) -> None:
        await self.start()
        message = await self.heard(thread_ts="1600000000.000001", parent_user_id="U2")
        self.assertEqual(message.mention, "none")

    async def test_a_thread_where_we_have_spoken_addresses_us_also_after_a_restart(self) -> None:
        await self.start()
        root = await self.heard()
        self.assertEqual(root.mention, "none")
        await self.channel.send(outgoing(chat_id="C1", thread_id=root.message_id))
        message = await self.heard(thread_ts=root.message_id, parent_user_id="U1")
        self.assertEqual(message.mention, "reply")
        state = self.told.state
        self.assertEqual(state.puts, 1)
        await self.channel.send(outgoing(chat_id="C1", thread_id=root.message_id, id="2"))
        self.assertEqual(state.puts, 1)
        await self.stop()
        self.make()
        self.told.state = state
        self.run_channel()
        await self.until(lambda: bool(self.told.events))
        message = await self.heard(thread_ts=root.message_id, parent_user_id="U1")
        self.assertEqual(message.mention, "reply")

    async def test_who_answers_us_at_once_there_addresses_us(self) -> None:
        """People see a message before its sender hears that it was taken."""
        await self.start(mode="http", appToken=None)
        space = self.slack.workspace
        space.channel("C1", "channel")
        root = space.keep(channel="C1", user="U1", text="hello")
        post = space.post

        def post_and_reply(args: Fields) -> Fields:
            said = post(args)
            reply = {"thread_ts": root["ts"], "parent_user_id": "U1", "ts": space.ts()}
            asked.append(self.channel.webhook(self.event("already?", **reply)))
            return said

        asked: list[Deferred[WebhookAnswer]] = []
        await self.channel.webhook(self.event("so that names are known", ts=space.ts()))
        self.patch(space, "post", post_and_reply)
        await self.channel.send(outgoing(chat_id="C1", thread_id=root["ts"]))
        self.assertEqual((await asked[0]).status, 200)
        self.assertEqual([one.mention for one in self.told.received], ["none", "reply"])

    def event(self, text: str, **more: str) -> WebhookRequest:
        """What Slack posts when U1 says something in C1."""
        said = {"type": "message", "channel": "C1", "user": "U1", "text": text, **more}
        body = {"type": "event_callback", "team_id": "T0TEAM", "event": said}
        request: WebhookRequest = self.slack.signed(json.dumps(body).encode(), self.told.now_ms())
        return request

    async def test_a_thread_where_we_could_not_speak_does_not(self) -> None:
        await self.start()
        root = await self.heard()
        self.slack.error("chat.postMessage", "is_archived")
        refused = self.channel.send(outgoing(chat_id="C1", thread_id=root.message_id))
        await self.assertFailure(refused, Undelivered)
        message = await self.heard(thread_ts=root.message_id, parent_user_id="U1")
        self.assertEqual(message.mention, "none")

    async def test_both_can_be_switched_off(self) -> None:
        await self.start(implicitMentions={"replyToBot": False, "threadParticipation": False})
        root = await self.heard()
        await self.channel.send(outgoing(chat_id="C1", thread_id=root.message_id))
        for parent in ("U0BOT", "U1"):
            message = await self.heard(thread_ts=root.message_id, parent_user_id=parent)
            self.assertEqual(message.mention, "none")
            assert message.reply_to is not None
            self.assertFalse(message.reply_to.is_own)

    async def test_a_name_is_more_than_a_place(self) -> None:
        await self.start()
        message = await self.heard(
            group=True, thread_ts="1600000000.000001", parent_user_id="U0BOT"
        )
        self.assertEqual(message.mention, "native")

    async def test_a_thread_begins_where_the_answer_will_open_one(self) -> None:
        await self.start(replyToMode="all")
        message = await self.heard(group=True)
        self.assertEqual(message.thread_id, message.message_id)
        self.assertEqual((await self.heard()).thread_id, "")
        await self.stop()
        await self.start(replyToMode="all", channels={"C1": {"requireMention": False}})
        message = await self.heard()
        self.assertEqual(message.thread_id, message.message_id)

    async def test_no_thread_begins_unless_that_is_wanted(self) -> None:
        await self.start()
        self.assertEqual((await self.heard(group=True)).thread_id, "")

    async def test_what_was_kept_may_be_odd(self) -> None:
        self.make()
        self.told.state.values["threads"] = "{not a list"
        self.run_channel()
        await self.until(lambda: bool(self.told.events))


class SettingsTests(SlackCase):
    """The keys."""

    async def test_channels_are_groups(self) -> None:
        told = self.link(channels={"C1": {"requireMention": False}}, groups={"C2": {}})
        self.assertEqual(set(told.settings.groups), {"C1", "C2"})

    async def test_requests_have_a_known_place_unless_told_otherwise(self) -> None:
        for mode, path, expected in (
            ("http", None, "/slack/events"),
            ("http", "/mine", "/mine"),
            ("socket", None, None),
        ):
            told = self.link(mode=mode, webhookPath=path)
            self.assertEqual(told.settings.webhook_path, expected)

    async def test_nothing_shows_a_secret(self) -> None:
        told = self.link()
        shown = repr(told.settings)
        for name in ("botToken", "appToken", "signingSecret"):
            self.assertNotIn(self.slack.settings()[name], shown)
