"""Tests of what people say as inbound messages."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.platforms.irc.lines import parse
from openclaw.channels.platforms.irc.registration import Session
from openclaw.channels.platforms.irc.wire import (
    Place,
    addressed,
    inbound,
    milliseconds,
    sender_of,
    stamp,
)
from openclaw.interfaces.messages import Inbound

NOW = 1_700_000_000_123
PLACE = Place(channel="irc", account="default")


def read(raw: str, own: frozenset[str] = frozenset()) -> Inbound | None:
    """A line of the server's as a message."""
    line = parse(raw.encode())
    assert line is not None
    return inbound(line, Session(nick="tia"), PLACE, NOW, own)


def heard(raw: str, **more: Any) -> Inbound:
    """The same of one that is a message."""
    message = read(raw, **more)
    assert message is not None
    return message


class InboundTests(SynchronousTestCase):
    """Each kind of line."""

    def test_a_direct_message(self) -> None:
        message = heard(":Ada!~ada@Home.example PRIVMSG tia :hello")
        self.assertEqual(
            (message.chat_type, message.chat_id, message.chat_name), ("dm", "ada", "Ada")
        )
        self.assertEqual((message.sender.id, message.sender.name), ("*!~ada@home.example", "Ada"))
        self.assertEqual((message.text, message.timestamp_ms), ("hello", NOW))

    def test_everything_that_tags_tell(self) -> None:
        message = heard(
            "@msgid=m1;time=2026-01-02T03:04:05.678Z;account=Ada;bot;+draft/reply=m0 "
            ":x!y@z PRIVMSG #Room :Tia: hello",
            own=frozenset({"m0"}),
        )
        self.assertEqual((message.message_id, message.dedupe_id), ("m1", "#room:m1"))
        self.assertEqual(message.timestamp_ms, 1767323045678)
        self.assertEqual((message.sender.id, message.sender.is_bot), ("account:ada", True))
        self.assertEqual((message.chat_type, message.chat_id), ("group", "#room"))
        self.assertEqual((message.mention, message.text), ("native", "hello"))
        assert message.reply_to is not None
        self.assertEqual((message.reply_to.message_id, message.reply_to.is_own), ("m0", True))

    def test_who_is_listed_by_the_mask_is_known_by_it(self) -> None:
        line = parse(b"@account=ada :Ada!~ada@Home.example PRIVMSG tia :x")
        assert line is not None
        for listed in ("ada!~ada@home.example", "*!~ada@home.example", "account:ada"):
            self.assertEqual(sender_of(line, frozenset({listed})).id, listed)
        for listed in ("bob!~ada@home.example", "ada!~ada@elsewhere", "*"):
            self.assertEqual(sender_of(line, frozenset({listed})).id, "account:ada")

    def test_somebody_without_a_mask_is_nobody_who_could_be_listed(self) -> None:
        message = heard(":Ada PRIVMSG tia :hello")
        self.assertEqual((message.chat_id, message.sender.id), ("ada", "ada!"))
        self.assertEqual(read(":Ada PRIVMSG #room :tia: hi").text, "hi")  # type: ignore[union-attr]

    def test_nobody_can_pass_for_an_account(self) -> None:
        for raw in (
            ":account:ada!account:ada@host PRIVMSG tia :x",
            "@account= :ada!ada@host PRIVMSG tia :x",
            "@account=* :ada!ada@host PRIVMSG tia :x",
            "@+account=ada :ada!ada@host PRIVMSG tia :x",
        ):
            self.assertTrue(heard(raw).sender.id.startswith("*!"), raw)

    def test_what_is_no_message(self) -> None:
        for raw in (
            ":tia!a@b PRIVMSG #room :our own",
            ":irc.example PRIVMSG tia :a server",
            ":ada!a@b NOTICE tia :never answered",
            ":ada!a@b PRIVMSG tia :\x01VERSION\x01",
            ":ada!a@b PRIVMSG tia :\x01DCC SEND x 1 2 3\x01",
            ":ada!a@b PRIVMSG tia :\x02\x0f",
            ":ada!a@b PRIVMSG tia",
            ":ada!a@b PRIVMSG somebody :else",
        ):
            self.assertIsNone(read(raw), raw)

    def test_actions_are_words(self) -> None:
        self.assertEqual(heard(":ada!a@b PRIVMSG tia :\x01ACTION waves\x01").text, "* ada waves")

    def test_signs_before_a_channel_name_its_people(self) -> None:
        self.assertEqual(heard(":ada!a@b PRIVMSG @#room :ops").chat_id, "#room")

    def test_the_same_within_a_second_is_the_same(self) -> None:
        one = heard(":ada!a@b PRIVMSG #room :yes")
        self.assertEqual(one.dedupe_id, heard(":ada!a@b PRIVMSG #room :yes").dedupe_id)
        for other in (
            ":ada!a@b PRIVMSG #room :no",
            ":bob!a@b PRIVMSG #room :yes",
            ":ada!a@b PRIVMSG tia :yes",
        ):
            self.assertNotEqual(one.dedupe_id, heard(other).dedupe_id)


class MentionTests(SynchronousTestCase):
    """Who is meant."""

    def test_our_name_addresses_us(self) -> None:
        for text, rest in (
            ("tia: hi", "hi"),
            ("TIA, hi", "hi"),
            ("@tia hi", "hi"),
            ("tia hi", "hi"),
            ("hi tia", "hi tia"),
            ("is (tia) there?", "is (tia) there?"),
            ("tia:", "tia:"),
        ):
            self.assertEqual(addressed(text, "tia"), ("native", rest), text)

    def test_others_names_do_not(self) -> None:
        for text in ("tiara", "hi tia_", "tia-bot: hi", "[tia] hi", "initial"):
            self.assertEqual(addressed(text, "tia"), ("none", text), text)

    def test_names_are_no_patterns(self) -> None:
        self.assertEqual(addressed("t.a: hi", "t.a")[0], "native")
        self.assertEqual(addressed("tia: hi", "t.a")[0], "none")


class TimeTests(SynchronousTestCase):
    """Moments as tags have them."""

    def test_both_ways(self) -> None:
        self.assertEqual(stamp(1767323045678), "2026-01-02T03:04:05.678Z")
        self.assertEqual(milliseconds(stamp(NOW)), NOW)

    def test_nonsense_is_none(self) -> None:
        for bad in ("", "now", "2026-13-01T00:00:00Z"):
            self.assertEqual(milliseconds(bad), 0)
