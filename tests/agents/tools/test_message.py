"""The message tool: where it goes, on whose word, and what is told of it."""

from collections.abc import Sequence
from typing import Any, cast

from msgspec.structs import replace
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.tools.message import MessageTool
from openclaw.errors import InvalidRequest
from openclaw.interfaces.channels import Abilities, IChannels, Manifest, TextLimit
from openclaw.interfaces.messages import Attachment, Outgoing, Sent, Target
from openclaw.interfaces.tools import Authority, ToolResult
from openclaw.protocol.base import encode
from tests.agents.tools.rig import OWNER, STRANGER, box, use_of

TELEGRAM = Manifest(
    id="telegram",
    label="Telegram",
    settings="",
    factory="",
    text=TextLimit(default=4000, hard=4096),
    abilities=Abilities(react=True, edit=True, delete=True),
)
IRC = Manifest(
    id="irc", label="IRC", settings="", factory="", text=TextLimit(default=400, hard=400)
)


class Channels:
    """Takes what is sent; answers when ``answer`` says so."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.answer: Deferred[Sequence[Sent]] | None = None

    def manifests(self) -> Sequence[Manifest]:
        return (TELEGRAM, IRC)

    def default_account(self, channel: str) -> str:
        if channel not in ("telegram", "irc"):
            raise InvalidRequest(f"channel {channel!r} is not configured")
        return "default"

    def compose(self, target: Target, text: str, key: str, **more: Any) -> Deferred[list[Outgoing]]:
        return succeed([Outgoing(id=f"{key}:0", target=target, text=text, **more)])

    def attach(self, channel: str, account: str, url: str) -> Deferred[Attachment]:
        if "public" not in url:
            return fail(InvalidRequest("mediaUrl cannot be fetched: it is not public"))
        return succeed(Attachment(kind="image", path="/media/x.png"))

    def send(self, outgoing: Sequence[Outgoing]) -> Deferred[Sequence[Sent]]:
        self.sent += outgoing
        return self.answer or succeed([Sent(message_id="m1")])


class MessageCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.channels = Channels()
        self.box = box(self.clock)
        self.number = 0
        self.box.register(MessageTool(cast(IChannels, self.channels), self.make_id, self.clock))

    def make_id(self) -> str:
        self.number += 1
        return f"id{self.number}"

    def used(self, authority: Authority = STRANGER, **given: Any) -> ToolResult:
        use = use_of(authority)
        return self.successResultOf(self.box.use("message", encode(given).decode(), use))


class WhereTests(MessageCase):
    def test_default_is_where_it_was_asked(self) -> None:
        result = self.used(message="hello")
        self.assertEqual(result.text, "sent, telegram 777, message id m1")
        (sent,) = self.channels.sent
        self.assertEqual((sent.target.chat_id, sent.text, sent.run_id), ("777", "hello", "r1"))

    def test_reply_answers_the_message_that_asked(self) -> None:
        assert STRANGER.origin is not None
        target = replace(STRANGER.origin.target, reply_to="55", thread_id="9")
        authority = Authority(origin=replace(STRANGER.origin, target=target))
        self.used(authority, action="reply", message="yes")
        self.used(authority, action="send", message="yes")
        self.assertEqual([one.target.reply_to for one in self.channels.sent], ["55", ""])
        self.assertEqual([one.target.thread_id for one in self.channels.sent], ["9", "9"])

    def test_owner_writes_to_others(self) -> None:
        self.assertFalse(self.used(OWNER, message="hi", channel="irc", target="#x").is_error)
        self.assertEqual(
            self.channels.sent[0].target, Target(channel="irc", account="default", chat_id="#x")
        )

    def test_strangers_write_to_nobody_else(self) -> None:
        elsewhere: list[dict[str, Any]] = [
            {"target": "888"},
            {"target": "888", "channel": "telegram"},
            {"target": "777", "channel": "irc"},
            {"target": "777", "accountId": "second"},
            {"target": "777", "threadId": "5"},
            {"threadId": "5"},
        ]
        for given in elsewhere:
            with self.subTest(str(given)):
                result = self.used(message="spam", **given)
                self.assertIn("only the owner may", result.text)
        self.assertEqual(self.channels.sent, [])
        self.assertFalse(self.used(message="fine", target="777").is_error)

    def test_run_from_nowhere_names_both(self) -> None:
        self.assertIn("name channel and target", self.used(OWNER, message="x").text)
        self.assertIn("name both", self.used(OWNER, message="x", target="1").text)
        self.assertIn(
            "not configured", self.used(OWNER, message="x", target="1", channel="no").text
        )
        self.assertIn("there is no tool", self.used(Authority(), message="x").text)


class WhatTests(MessageCase):
    def test_only_the_owner_changes_messages(self) -> None:
        for action in ("edit", "delete"):
            refused = self.used(action=action, messageId="5", message="x")
            self.assertIn("only the owner", refused.text)
        owner = replace_owner()
        self.assertEqual(self.used(owner, action="delete", messageId="5").text[:10], "deleted it")
        self.used(owner, action="edit", messageId="6", message="new")
        kinds = [(one.kind, one.message_id, one.text) for one in self.channels.sent]
        self.assertEqual(kinds, [("delete", "5", ""), ("edit", "6", "new")])

    def test_anybody_has_it_react(self) -> None:
        self.assertFalse(self.used(action="react", messageId="5", emoji="👍").is_error)
        self.assertEqual(self.channels.sent[0].emoji, "👍")
        self.assertIn("needs messageId", self.used(action="react", emoji="👍").text)

    def test_what_a_channel_cannot_do_is_said(self) -> None:
        given: dict[str, Any] = {"channel": "irc", "target": "#x", "messageId": "1", "emoji": "x"}
        self.assertIn("IRC cannot react", self.used(OWNER, action="react", **given).text)

    def test_empty_words_are_refused_and_a_file_needs_none(self) -> None:
        self.assertIn("message is empty", self.used(message="  ").text)
        self.assertFalse(self.used(mediaUrl="https://public.example/x.png").is_error)
        self.assertIsNotNone(self.channels.sent[0].attachment)
        self.assertIn("not public", self.used(mediaUrl="http://10.0.0.1/").text)

    def test_each_use_is_a_message_of_its_own(self) -> None:
        """Models name calls alike in every turn; the same words twice are meant twice."""
        self.used(message="again")
        self.used(message="again")
        self.assertEqual(len({one.id for one in self.channels.sent}), 2)

    def test_slow_channel_keeps_it_and_nothing_is_said_twice(self) -> None:
        self.channels.answer = Deferred()
        using = self.box.use("message", '{"message":"x"}', use_of(STRANGER))
        self.clock.advance(30)
        result = self.successResultOf(using)
        self.assertFalse(result.is_error)
        self.assertIn("Do not send it again", result.text)

    def test_refusal_of_the_platform_is_told(self) -> None:
        self.channels.answer = fail(InvalidRequest("chat not found"))
        self.assertEqual(self.used(message="x"), ToolResult(text="chat not found", is_error=True))


def replace_owner() -> Authority:
    return Authority(owner=True, origin=STRANGER.origin)
