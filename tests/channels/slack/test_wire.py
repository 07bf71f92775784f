"""Tests of reading: Slack's payloads as they are documented, with everything that may be absent."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.platforms.slack import wire
from openclaw.channels.platforms.slack.emoji import character_of, name_of
from openclaw.channels.platforms.slack.fields import is_ts, milliseconds
from openclaw.channels.platforms.slack.markup import mentioned, readable
from openclaw.channels.platforms.slack.wire import Identity
from openclaw.interfaces.messages import Attachment, Inbound, Person

ME = Identity(
    channel="slack", account="default", user_id="U0BOT", bot_id="B0BOT", team_id="T1", name="Bot"
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["event", "type", "channel", "ts", "user", "files", "id", "item", "message"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


def heard(**event: Any) -> Inbound | None:
    """What an event is read as, given its inner part."""
    told = {
        "type": "message",
        "channel": "C1",
        "user": "U1",
        "text": "hi",
        "ts": "1700000000.000100",
    }
    told.update(event)
    inner = {name: value for name, value in told.items() if value is not None}
    return wire.event({"team_id": "T1", "event_id": "Ev1", "event": inner}, ME)


class MessageTests(SynchronousTestCase):
    """Messages and what is none."""

    def read(self, **event: Any) -> Inbound:
        message = heard(**event)
        assert message is not None
        return message

    def test_a_message_has_its_fields(self) -> None:
        message = self.read(text="hi <@U2>", channel_type="channel")
        self.assertEqual(
            message,
            Inbound(
                channel="slack",
                account="default",
                chat_type="channel",
                chat_id="C1",
                space_id="T1",
                sender=Person(id="U1"),
                message_id="1700000000.000100",
                dedupe_id="T1:C1:1700000000.000100",
                timestamp_ms=1_700_000_000_000,
                text="hi <@U2>",
                mentions=("U2",),
            ),
        )

    def test_the_kind_of_chat_is_told_or_inferred(self) -> None:
        for told, chat, kind in (
            ("im", "D1", "dm"),
            ("mpim", "G1", "group"),
            ("mpim", "C1", "group"),
            ("channel", "C1", "channel"),
            ("group", "G1", "channel"),
            (None, "D1", "dm"),
            (None, "G1", "group"),
            (None, "C1", "channel"),
            ("app_home", "D1", "dm"),
        ):
            self.assertEqual(self.read(channel_type=told, channel=chat).chat_type, kind)

    def test_kept_subtypes(self) -> None:
        for subtype in (None, "file_share", "thread_broadcast", "me_message", "bot_message"):
            self.assertIsNotNone(heard(subtype=subtype))
        for subtype in ("channel_join", "message_deleted", "channel_topic", "brand_new"):
            self.assertIsNone(heard(subtype=subtype))
        self.assertIsNone(heard(hidden=True))

    def test_our_own_words_are_not_heard(self) -> None:
        self.assertIsNone(heard(user="U0BOT"))
        self.assertIsNone(heard(user=None, bot_id="B0BOT", subtype="bot_message"))
        self.assertIsNone(heard(user="U9", bot_id="B0BOT"))

    def test_other_bots_are_marked(self) -> None:
        for event in (
            {"user": None, "bot_id": "B7", "subtype": "bot_message", "username": "ci"},
            {"user": "U7", "bot_id": "B7"},
            {"user": "USLACKBOT"},
        ):
            self.assertTrue(self.read(**event).sender.is_bot)
        self.assertEqual(self.read(user=None, bot_id="B7", username="ci").sender.id, "B7")
        self.assertFalse(self.read().sender.is_bot)

    def test_what_lacks_the_needful_is_nothing(self) -> None:
        for name in ("channel", "ts", "user"):
            self.assertIsNone(heard(**{name: None}))
        for ts in ("", "now", 1700000000.0001, "1e5", "1.2.3"):
            self.assertIsNone(heard(ts=ts))

    def test_threads(self) -> None:
        self.assertEqual(self.read(thread_ts="1700000000.000100").thread_id, "")
        reply = self.read(thread_ts="1600000000.000100", parent_user_id="U0BOT")
        self.assertEqual(reply.thread_id, "1600000000.000100")
        assert reply.reply_to is not None
        self.assertTrue(reply.reply_to.is_own)
        other = self.read(thread_ts="1600000000.000100")
        assert other.reply_to is not None
        self.assertFalse(other.reply_to.is_own)

    def test_a_mention_is_known_from_either_event(self) -> None:
        one = self.read(text="<@U0BOT> hi")
        two = self.read(text="<@U0BOT> hi", type="app_mention")
        three = self.read(text="hi", type="app_mention")
        self.assertEqual([m.mention for m in (one, two, three)], ["native"] * 3)
        self.assertEqual(len({m.dedupe_id for m in (one, two, three)}), 1)
        self.assertEqual(self.read(text="U0BOT hi").mention, "none")

    def test_files(self) -> None:
        files = [
            {"id": "F1", "mimetype": "image/png", "name": "a.png", "size": 5, "url_private": "u"},
            {"id": "F2", "mimetype": "audio/webm", "subtype": "slack_audio", "duration_ms": 900},
            {"id": "F3", "file_access": "check_file_info"},
            {"id": "F4", "mode": "tombstone"},
            {"id": "F5", "is_external": True, "url_private": "http://127.0.0.1/"},
            {"mimetype": "image/png"},
            "odd",
        ]
        message = self.read(files=files, text="", subtype="file_share")
        self.assertEqual(message.text, "<media:image>")
        self.assertEqual(
            message.attachments,
            (
                Attachment(kind="image", mime="image/png", name="a.png", size=5, ref="F1 u"),
                Attachment(kind="voice", mime="audio/webm", ref="F2", duration_ms=900),
                Attachment(kind="document", ref="F3"),
                Attachment(kind="document", ref="F5 external:"),
            ),
        )
        many = [{"id": f"F{number}"} for number in range(20)]
        self.assertEqual(len(self.read(files=many).attachments), wire.MAX_FILES)

    def test_other_apps_put_their_words_elsewhere(self) -> None:
        attached = [{"text": "built"}, {"fallback": "failed"}, {}]
        message = self.read(text="", attachments=attached, bot_id="B7", user=None)
        self.assertEqual(message.text, "built\nfailed")

    def test_an_app_in_other_workspaces_hears_them_too(self) -> None:
        for rights, ours in (
            (None, True),
            ([{"team_id": "T1", "user_id": "U0BOT"}], True),
            ([{"team_id": None, "user_id": "U5"}], True),
            ([{"team_id": "T2", "user_id": "U5"}], False),
            ([{"team_id": "T2", "user_id": "U0BOT"}], True),
        ):
            self.assertEqual(wire.is_ours({"authorizations": rights}, ME), ours)

    @given(JSON)
    def test_nothing_that_is_sent_breaks_it(self, value: Any) -> None:
        payload = value if isinstance(value, dict) else {"event": value}
        wire.event(payload, ME)
        wire.command(payload, ME, "e", 1, "openclaw")
        wire.button(payload, ME, "e", 1)
        wire.is_ours(payload, ME)
        for event in ("message", "reaction_added"):
            inner = {**payload, "type": event}
            wire.event({"event": inner}, ME)
            wire.event({"event": {**inner, "subtype": "message_changed"}}, ME)


class ChangeTests(SynchronousTestCase):
    """Edits, reactions, commands, buttons."""

    def changed(self, before: str, after: str, **more: Any) -> Inbound | None:
        message = {"type": "message", "user": "U1", "text": after, "ts": "1.000001", **more}
        return heard(
            subtype="message_changed",
            hidden=True,
            user=None,
            text=None,
            message=message,
            previous_message={"text": before, "ts": "1.000001"},
            event_ts="2.000000",
        )

    def test_an_edit_says_what_it_changes(self) -> None:
        edit = self.changed("one", "two", edited={"user": "U1", "ts": "3.000000"})
        assert edit is not None
        self.assertEqual((edit.kind, edit.edit_of, edit.text), ("edit", "1.000001", "two"))
        self.assertEqual(edit.dedupe_id, "T1:C1:1.000001:edit:3.000000")
        self.assertEqual(edit.timestamp_ms, 3000)

    def test_what_slack_adds_is_no_edit(self) -> None:
        self.assertIsNone(self.changed("one", "one", attachments=[{"title": "a page"}]))

    def test_our_own_edits_are_not_heard(self) -> None:
        self.assertIsNone(self.changed("one", "two", user="U0BOT"))

    def reaction(self, **more: Any) -> Inbound | None:
        item = {"type": "message", "channel": "C1", "ts": "1.000001"}
        event = {"type": "reaction_added", "user": "U1", "reaction": "+1", "item": item}
        return wire.event({"event": {**event, "event_ts": "2.000000", **more}}, ME)

    def test_a_reaction(self) -> None:
        mark = self.reaction(item_user="U0BOT")
        assert mark is not None
        self.assertEqual(
            (mark.kind, mark.reaction, mark.message_id), ("reaction", "👍", "1.000001")
        )
        self.assertEqual((mark.mention, mark.text), ("reply", ":+1:"))
        gone = self.reaction(type="reaction_removed")
        assert gone is not None
        self.assertEqual((gone.reaction, gone.mention), ("", "none"))
        self.assertNotEqual(gone.dedupe_id, mark.dedupe_id)
        self.assertIsNone(self.reaction(user="U0BOT"))
        self.assertIsNone(self.reaction(item={"type": "file", "file": "F1"}))

    def test_commands(self) -> None:
        told = {"command": "/openclaw", "text": "", "user_id": "U1", "channel_id": "D1"}
        for word, said, expected in (
            ("/openclaw", " do it ", "do it"),
            ("/openclaw", "", "/openclaw"),
            ("/status", "", "/status"),
            ("/model", "gpt", "/model gpt"),
        ):
            found = wire.command({**told, "command": word, "text": said}, ME, "e1", 7, "openclaw")
            assert found is not None
            self.assertEqual((found.text, found.command), (expected, word[1:]))
            self.assertEqual((found.dedupe_id, found.timestamp_ms), ("T1:command:e1", 7))
        self.assertIsNone(wire.command({"command": "/x"}, ME, "e1", 7, "x"))

    def test_buttons(self) -> None:
        press: dict[str, Any] = {
            "type": "block_actions",
            "user": {"id": "U1"},
            "channel": {"id": "C1"},
            "message": {"ts": "1.000001", "thread_ts": "0.000001", "text": "sure?"},
            "actions": [{"action_id": "a", "action_ts": "2.000000"}],
        }
        for action, expected in (
            ({"value": "v"}, "v"),
            ({"selected_option": {"value": "o"}}, "o"),
            ({"text": {"text": "Yes"}}, "Yes"),
            ({}, "a"),
        ):
            actions = [{**press["actions"][0], **action}]
            found = wire.button({**press, "actions": actions}, ME, "e1", 7)
            assert found is not None
            self.assertEqual(
                (found.kind, found.text, found.thread_id), ("button", expected, "0.000001")
            )
        for kind in ("view_submission", "shortcut", "message_action"):
            self.assertIsNone(wire.button({**press, "type": kind}, ME, "e1", 7))


class TextTests(SynchronousTestCase):
    """Text as people read it."""

    def test_marks_are_made_readable(self) -> None:
        names = {"U1": "Ann"}
        for raw, shown in (
            ("<@U1> and <@U2> and <@U3|zoe>", "@Ann and @U2 and @zoe"),
            ("<#C1|general> <#C2>", "#general #C2"),
            ("<!here> <!channel|@channel> <!everyone>", "@here @channel @everyone"),
            ("<!subteam^S1|@team> <!subteam^S2>", "@team @S2"),
            ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
            ("<https://a.b/c|site> <https://a.b/c>", "site (https://a.b/c) https://a.b/c"),
            ("<mailto:a@b.c|a@b.c>", "a@b.c"),
            ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
            ("&amp;lt;", "&lt;"),
            ("a < b > c", "a < b > c"),
        ):
            self.assertEqual(readable(raw, names), shown)

    def test_the_address_is_no_text(self) -> None:
        self.assertEqual(readable("<@U0BOT> /new", {}, "U0BOT"), "/new")
        self.assertEqual(readable("<@U0BOT>, hi <@U0BOT>", {"U0BOT": "Bot"}, "U0BOT"), "hi @Bot")
        self.assertEqual(readable("<@U0BOT>", {"U0BOT": "Bot"}, "U0BOT"), "@Bot")
        self.assertEqual(readable("<@U1> hi", {}, "U0BOT"), "@U1 hi")

    def test_mentions_are_users_only(self) -> None:
        self.assertEqual(mentioned("<@U1> <@W2|x> <@U1> <#C1> <!here> @U3"), ("U1", "W2"))

    def test_names_are_put_in(self) -> None:
        message = heard(text="<@U0BOT> ask <@U2>")
        assert message is not None
        self.assertEqual(wire.people_of(message), ("U1", "U0BOT", "U2"))
        people = {"U1": Person(id="U1", name="Ann", username="ann", is_bot=True)}
        dressed = wire.dressed(message, people, ME)
        self.assertEqual((dressed.text, dressed.sender), ("ask @U2", people["U1"]))

    @given(st.integers(0, 10**10), st.integers(0, 999_999))
    def test_times_lose_nothing(self, seconds: int, rest: int) -> None:
        ts = f"{seconds}.{rest:06d}"
        self.assertTrue(is_ts(ts))
        self.assertEqual(milliseconds(ts), seconds * 1000 + rest // 1000)

    def test_emoji_have_names(self) -> None:
        for emoji, name in (
            ("👍", "+1"),
            ("❤️", "heart"),
            (":eyes:", "eyes"),
            ("x-y", "x-y"),
            ("🧬", ""),
        ):
            self.assertEqual(name_of(emoji), name)
        self.assertEqual(character_of("thumbsup"), "👍")
        self.assertEqual(character_of("wave::skin-tone-3"), "👋")
        self.assertEqual(character_of("our-own"), ":our-own:")
