"""Discord's objects as ours: golden payloads, missing fields, unknown kinds."""

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.platforms.discord.bodies import (
    File,
    allowed_mentions,
    encode,
    message_body,
    nonce_of,
    thread_name,
)
from openclaw.channels.platforms.discord.codes import disallowed_intents, error_paths
from openclaw.channels.platforms.discord.delivery import named
from openclaw.channels.platforms.discord.directory import Directory
from openclaw.channels.platforms.discord.session import Progress
from openclaw.channels.platforms.discord.wire import (
    Own,
    Scene,
    edit_of,
    is_edit,
    is_empty,
    is_wanted,
    message_of,
    moment,
    reaction_of,
    scene_of,
    time_of,
)
from openclaw.interfaces.messages import Attachment, Inbound, Person, Quote
from tests.channels.discord.rig import outgoing

OWN = Own(id="9", name="assistant", channel="discord", account="default")
GUILD: dict[str, Any] = {
    "id": "1",
    "name": "Guild",
    "roles": [{"id": "50", "name": "staff"}, {"id": "51", "name": "bot", "tags": {"bot_id": "9"}}],
    "channels": [
        {"id": "10", "type": 0, "name": "general"},
        {"id": "15", "type": 15, "name": "questions"},
    ],
    "threads": [
        {"id": "11", "type": 11, "name": "aside", "parent_id": "10"},
        {"id": "16", "type": 11, "name": "Why?", "parent_id": "15"},
    ],
}
MESSAGE: dict[str, Any] = {
    "id": "175928847299117063",
    "channel_id": "10",
    "guild_id": "1",
    "type": 0,
    "author": {"id": "7", "username": "ann", "global_name": "Ann"},
    "member": {"nick": "Annie", "roles": ["50"]},
    "content": "hello",
    "timestamp": "2016-04-30T11:18:25.796000+00:00",
}


def directory() -> Directory:
    """One that knows the guild."""
    made = Directory()
    made.learn("GUILD_CREATE", GUILD)
    return made


def read(**more: Any) -> Inbound:
    """A message in the guild, with other fields."""
    data = {**MESSAGE, **more}
    places = directory()
    channel = places.channels.get(data["channel_id"])
    return message_of(data, scene_of("1", channel, "7", places), OWN, places)


class MessageTests(SynchronousTestCase):
    def test_a_whole_message(self) -> None:
        expected = Inbound(
            channel="discord",
            account="default",
            chat_type="channel",
            chat_id="10",
            chat_name="general",
            space_id="1",
            parent_id="1#general",
            sender=Person(id="7", name="Annie", username="ann", roles=("50",)),
            message_id="175928847299117063",
            dedupe_id="175928847299117063",
            timestamp_ms=1_462_015_105_796,
            text="hello",
        )
        self.assertEqual(read(), expected)

    def test_almost_everything_may_be_missing(self) -> None:
        bare = {"id": "5", "channel_id": "10", "author": {"id": "7"}, "content": "x"}
        scene = scene_of("", None, "7", Directory())
        inbound = message_of(bare, scene, OWN, Directory())
        self.assertEqual((inbound.chat_type, inbound.chat_id, inbound.text), ("dm", "7", "x"))
        self.assertEqual(inbound.timestamp_ms, time_of("5"))

    def test_unknown_fields_and_nulls_are_ignored(self) -> None:
        nulls = dict.fromkeys(("mentions", "attachments", "member", "flags", "poll"))
        self.assertEqual(read(**nulls, news={"a": 1}).text, "hello")

    def test_a_thread_is_its_channel_with_a_thread(self) -> None:
        inbound = read(channel_id="11")
        self.assertEqual((inbound.chat_id, inbound.thread_id), ("10", "11"))
        self.assertEqual(inbound.chat_name, "general / aside")

    def test_a_posts_first_message_begins_with_its_title(self) -> None:
        inbound = read(id="16", channel_id="16", content="so")
        self.assertEqual((inbound.chat_id, inbound.thread_id), ("15", "16"))
        self.assertEqual(inbound.text, "Why?\nso")
        self.assertEqual(read(id="17", channel_id="16", content="so").text, "so")

    def test_ids_become_names(self) -> None:
        inbound = read(
            content="<@7> <@!7> in <#10> <@&50> <:yes:1> <a:no:2> <@404> <#404> <@&404>",
            mentions=[{"id": "7", "username": "ann", "global_name": "Ann"}],
        )
        self.assertEqual(
            inbound.text, "@Ann @Ann in #general @staff :yes: :no: <@404> <#404> <@&404>"
        )

    def test_our_own_address_at_the_start_goes(self) -> None:
        me = [{"id": "9", "username": "assistant"}]
        self.assertEqual(read(content="<@9>, /help", mentions=me).text, "/help")
        self.assertEqual(read(content="ask <@9>", mentions=me).text, "ask @assistant")

    def test_how_we_were_addressed(self) -> None:
        me = [{"id": "9"}]
        ours = {
            "message_reference": {"message_id": "3"},
            "referenced_message": {"author": {"id": "9"}},
        }
        theirs = {
            "message_reference": {"message_id": "3"},
            "referenced_message": {"author": {"id": "8"}},
        }
        cases: list[tuple[dict[str, Any], str]] = [
            ({}, "none"),
            ({"content": "<@9> x", "mentions": me}, "native"),
            ({"content": "<@!9> x", "mentions": me}, "native"),
            ({"mention_roles": ["51"]}, "native"),
            ({"mention_roles": ["50"]}, "none"),
            ({"mention_everyone": True}, "none"),
            (ours, "reply"),
            ({**ours, "mentions": me}, "reply"),
            ({**ours, "content": "<@9> x", "mentions": me}, "native"),
            (theirs, "none"),
            ({"content": "so <@!9>?", "mentions": []}, "native"),
            ({"content": "`<@9>` and ```\n<@9>\n```", "mentions": []}, "none"),
            ({"content": "<@9>", "author": {"id": "7", "bot": True}, "mentions": []}, "none"),
        ]
        for more, mention in cases:
            self.assertEqual(read(**more).mention, mention, more)

    def test_a_reply_quotes(self) -> None:
        inbound = read(
            type=19,
            message_reference={"message_id": "3"},
            referenced_message={"author": {"id": "9"}, "content": "before"},
        )
        quote = Quote(message_id="3", sender_id="9", text="before", is_own=True)
        self.assertEqual(inbound.reply_to, quote)
        self.assertEqual(
            read(message_reference={"message_id": "3"}, referenced_message=None).reply_to,
            Quote(message_id="3"),
        )

    def test_a_forward_is_read_and_no_reply(self) -> None:
        file = {"url": "https://cdn.discordapp.com/x", "filename": "x", "content_type": "image/png"}
        inbound = read(
            content="",
            message_reference={"message_id": "3", "type": 1},
            message_snapshots=[{"message": {"content": "news", "attachments": [file]}}],
        )
        self.assertEqual((inbound.text, inbound.reply_to), ("[forwarded] news", None))
        self.assertEqual(len(inbound.attachments), 1)

    def test_files_of_every_kind(self) -> None:
        url = "https://cdn.discordapp.com/a"
        kinds = {
            "image/png": "image",
            "video/mp4": "video",
            "audio/ogg; codecs=opus": "audio",
            "text/plain": "document",
            None: "document",
        }
        for mime, kind in kinds.items():
            [file] = read(attachments=[{"url": url, "content_type": mime}]).attachments
            self.assertEqual(file.kind, kind)
        voice = {"url": url, "content_type": "audio/ogg", "duration_secs": 1.5, "size": 9}
        [file] = read(attachments=[voice], flags=1 << 13).attachments
        expected = Attachment(kind="voice", mime="audio/ogg", size=9, ref=url, duration_ms=1500)
        self.assertEqual(file, expected)

    def test_stickers_are_pictures_unless_they_are_drawings(self) -> None:
        inbound = read(
            content="",
            sticker_items=[
                {"id": "1", "name": "wave", "format_type": 1},
                {"id": "2", "name": "x", "format_type": 3},
            ],
        )
        self.assertEqual(inbound.text, "<media:sticker>")
        [sticker] = inbound.attachments
        self.assertEqual(sticker.ref, "https://cdn.discordapp.com/stickers/1.png")

    def test_a_poll_is_readable(self) -> None:
        answers = [{"poll_media": {"text": text}} for text in ("tea", "coffee")]
        inbound = read(content="", poll={"question": {"text": "What?"}, "answers": answers})
        self.assertEqual(inbound.text, "<poll: What? / tea / coffee>")

    def test_text_is_never_empty(self) -> None:
        self.assertTrue(read(content="<@9>", mentions=[{"id": "9"}]).text)

    def test_system_messages_webhooks_and_our_own_are_not_wanted(self) -> None:
        unwanted: list[dict[str, Any]] = [
            {"type": 7},
            {"webhook_id": "3"},
            {"author": {"id": "9"}},
            {"author": None},
        ]
        for more in unwanted:
            self.assertFalse(is_wanted({**MESSAGE, **more}, "9"), more)
        wanted: list[dict[str, Any]] = [{}, {"type": 19}, {"author": {"id": "8", "bot": True}}]
        for more in wanted:
            self.assertTrue(is_wanted({**MESSAGE, **more}, "9"), more)

    def test_a_message_without_anything_is_empty(self) -> None:
        self.assertTrue(is_empty({"content": "", "attachments": [], "embeds": []}))
        self.assertFalse(is_empty({"content": "", "sticker_items": [{"id": "1"}]}))

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(list(MESSAGE)), inner, max_size=4)
            ),
            max_leaves=10,
        )
    )
    def test_strange_optional_fields_never_raise_anything_unexpected(self, strange: Any) -> None:
        for name in ("member", "mentions", "attachments", "referenced_message", "poll"):
            try:
                inbound = read(**{name: strange})
            except (KeyError, TypeError, ValueError, AttributeError, IndexError):
                continue  # What the intake takes for malformed.
            self.assertTrue(inbound.text)


class EventTests(SynchronousTestCase):
    def test_an_edit_has_a_key_of_its_own(self) -> None:
        places = directory()
        scene = scene_of("1", places.channels["10"], "7", places)
        changed = {**MESSAGE, "edited_timestamp": "2016-04-30T11:19:00.000000+00:00"}
        inbound = edit_of(changed, scene, OWN, places)
        self.assertEqual((inbound.kind, inbound.edit_of), ("edit", MESSAGE["id"]))
        self.assertNotEqual(inbound.dedupe_id, MESSAGE["id"])
        self.assertTrue(is_edit(changed))

    def test_an_update_about_a_preview_is_no_edit(self) -> None:
        self.assertFalse(is_edit({"id": "1", "embeds": [{}]}))
        self.assertFalse(is_edit({**MESSAGE, "edited_timestamp": None}))

    def test_reactions(self) -> None:
        scene = Scene(chat_type="channel", chat_id="10", guild_id="1")
        data = {"user_id": "7", "message_id": "3", "emoji": {"name": "yes", "id": "5"}}
        seen = [
            reaction_of(data, added=added, event_id=f"s:{added}", scene=scene, own=OWN, now_ms=1)
            for added in (True, False)
        ]
        self.assertEqual([one.reaction for one in seen], ["yes:5", ""])
        self.assertEqual({one.kind for one in seen}, {"reaction"})
        self.assertEqual({one.message_id for one in seen}, {"3"})
        self.assertNotEqual(seen[0].dedupe_id, seen[1].dedupe_id)

    def test_times(self) -> None:
        self.assertEqual(time_of("175928847299117063"), 1_462_015_105_796)
        self.assertEqual(moment("garbage", "175928847299117063"), 1_462_015_105_796)
        self.assertEqual(time_of("x"), 0)


class ProgressTests(SynchronousTestCase):
    @given(st.permutations(range(1, 9)), st.integers(0, 8))
    def test_nothing_before_the_safe_event_is_open(self, order: list[int], done: int) -> None:
        progress = Progress(0)
        for seq in range(1, 9):
            progress.begin(seq, 100 * seq)
        finished = order[:done]
        for seq in finished:
            progress.done(seq)
        self.assertTrue(all(seq in finished for seq in range(1, progress.safe + 1)))
        self.assertNotIn(progress.safe + 1, finished)
        still = [seq for seq in range(1, 9) if seq not in finished]
        self.assertEqual(progress.safe_until(9_000), 100 * still[0] if still else 9_000)


class BodyTests(SynchronousTestCase):
    @given(st.text(min_size=1, max_size=80))
    def test_a_nonce_fits_and_is_always_the_same(self, outgoing_id: str) -> None:
        self.assertLessEqual(len(nonce_of(outgoing_id)), 25)
        self.assertEqual(nonce_of(outgoing_id), nonce_of(outgoing_id))

    @given(st.text(alphabet="<@!&#>0123456789everyone ", max_size=200))
    def test_only_known_people_are_ever_alerted(self, text: str) -> None:
        allowed = allowed_mentions(text, {"1", "22"})
        self.assertEqual(allowed["parse"], [])
        self.assertLessEqual(set(allowed["users"]), {"1", "22"})

    def test_an_ordinary_body(self) -> None:
        expected = {
            "content": "hi",
            "nonce": "out-hi",
            "enforce_nonce": True,
            "allowed_mentions": {"parse": [], "users": [], "replied_user": False},
        }
        self.assertEqual(message_body(outgoing("hi"), "hi", set(), False), expected)

    def test_json_without_files(self) -> None:
        content_type, body = encode({"content": "é"}, (), Random(1).randbytes)
        self.assertEqual((content_type, body), ("application/json", b'{"content":"\xc3\xa9"}'))

    def test_a_files_name_cannot_leave_its_header(self) -> None:
        file = File('a"\r\nX: y\\.txt', "text/plain", b"\x00\xff")
        _, body = encode({"content": "hi"}, [file], Random(1).randbytes)
        self.assertIn(b'name="files[0]"; filename="a___X: y_.txt"\r\n', body)
        self.assertIn(b"Content-Type: text/plain\r\n\r\n\x00\xff\r\n--", body)

    def test_a_threads_name_is_its_first_line(self) -> None:
        self.assertEqual(thread_name("\n## **Hello** there\nmore"), "Hello** there")
        self.assertEqual(len(thread_name("x" * 300)), 100)
        self.assertEqual(thread_name(" "), "Answer")

    def test_emoji_names(self) -> None:
        for written, meant in (("👍", "👍"), ("<:a:1>", "a:1"), ("<a:b:2>", "b:2"), ("a:1", "a:1")):
            self.assertEqual(named(written), meant)

    def test_error_paths_quote_nobody(self) -> None:
        errors = {"embeds": {"0": {"title": {"_errors": [{"code": "MAX", "message": "secret"}]}}}}
        self.assertEqual(error_paths(errors), ["embeds.0.title: MAX"])
        self.assertEqual(error_paths(None), [])

    def test_4014_names_all_if_discord_tells_nothing(self) -> None:
        told = disallowed_intents((1 << 15) | (1 << 1), None)
        self.assertIn("SERVER MEMBERS INTENT and MESSAGE CONTENT INTENT", told)
