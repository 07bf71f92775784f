"""What events mean, and what the gateway's messages become; nothing is sent here."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.platforms.matrix import content, media
from openclaw.channels.platforms.matrix.events import Event, Json, read
from openclaw.channels.platforms.matrix.login import Me
from openclaw.channels.platforms.matrix.timeline import since_we_came
from openclaw.channels.platforms.matrix.wire import Facts, Reader
from openclaw.interfaces.messages import Attachment, Inbound, Outgoing, Quote, Target

ME = Me(user_id="@tia:hs.test", device_id="D", name="Tia")
READER = Reader(channel="matrix", account="default", me=ME)
ADA = "@ada:hs.test"
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    (
        "body",
        "msgtype",
        "url",
        "file",
        "filename",
        "info",
        "formatted_body",
        "m.mentions",
        "m.relates_to",
        "m.new_content",
        "geo_uri",
        "rel_type",
        "event_id",
        "key",
        "m.in_reply_to",
        "is_falling_back",
        "user_ids",
        "size",
        "duration",
        "mimetype",
    )
)
VALUES = ANY_JSON | st.sampled_from(
    ("m.text", "m.image", "m.location", "m.replace", "m.thread", "m.annotation", "$x", "mxc://a/b")
)
CONTENTS = st.recursive(
    st.dictionaries(KEYS, VALUES, max_size=6),
    lambda inner: st.dictionaries(KEYS, VALUES | inner, max_size=6),
    max_leaves=6,
)


def fields(given: Json) -> Json:
    """Fields of a content whose names are no Python names."""
    return given


def event(body: Any = "hi", kind: str = "m.room.message", **more: Any) -> Event:
    """An event of Ada's; ``more`` is its content besides the body."""
    given = {"msgtype": "m.text", "body": body} if body is not None else {}
    found = read(
        {
            "event_id": "$1",
            "type": kind,
            "sender": ADA,
            "origin_server_ts": 1_700_000_000_123,
            "content": {**given, **more},
        }
    )
    assert found is not None
    return found


def told(one: Event, **facts: Any) -> Inbound:
    """What the gateway is told of an event."""
    chat: Any = {"chat_type": "group", **facts}
    assert READER.wants(one)
    inbound = READER.inbound("!r", one, Facts(**chat))
    assert inbound is not None
    return inbound


class MessageTests(SynchronousTestCase):
    def test_a_message(self) -> None:
        inbound = told(event(), chat_name="Garden", sender_name="Ada")
        self.assertEqual(
            (inbound.chat_id, inbound.chat_name, inbound.sender.id, inbound.sender.name),
            ("!r", "Garden", ADA, "Ada"),
        )
        self.assertEqual((inbound.message_id, inbound.dedupe_id), ("$1", "$1"))
        self.assertEqual((inbound.timestamp_ms, inbound.text), (1_700_000_000_123, "hi"))
        self.assertEqual(
            (inbound.kind, inbound.mention, inbound.thread_id), ("message", "none", "")
        )

    def test_what_is_nothing_to_us(self) -> None:
        own = read({"event_id": "$1", "type": "m.room.message", "sender": ME.user_id})
        gone = {"event_id": "$1", "type": "m.room.message", "sender": ADA, "content": {}}
        redacted = read({**gone, "unsigned": {"redacted_because": {}}})
        assert own is not None and redacted is not None
        unwanted = (
            own,
            redacted,
            event(msgtype="m.notice"),
            event(msgtype="m.key.verification.request"),
            event(None),
            event(kind="m.room.topic"),
            event(kind="m.room.redaction"),
            event(None, "m.reaction"),
        )
        self.assertEqual([READER.wants(one) for one in unwanted], [False] * len(unwanted))
        for silent in (event(""), event(None, msgtype="m.text"), event(42), event("  ")):
            self.assertIsNone(READER.inbound("!r", silent, Facts(chat_type="dm")))

    def test_events_without_what_every_event_has_are_none(self) -> None:
        raw: Any
        for raw in (None, [], {}, {"event_id": 1, "type": "x", "sender": ADA}, {"type": "x"}):
            self.assertIsNone(read(raw))

    def test_emotes_and_kinds_that_nobody_knows_are_text(self) -> None:
        self.assertEqual(told(event("waves", msgtype="m.emote")).text, "waves")
        self.assertEqual(told(event("look", msgtype="org.example.new")).text, "look")

    def test_a_place(self) -> None:
        inbound = told(event("at home", msgtype="m.location", geo_uri="geo:51.5,-0.1"))
        self.assertEqual(inbound.text, "<location: geo:51.5,-0.1> at home")

    @settings(max_examples=300, deadline=None)
    @given(CONTENTS, st.sampled_from(("m.room.message", "m.reaction", "m.sticker")))
    def test_no_content_breaks_reading(self, given_content: dict[str, Any], kind: str) -> None:
        raw: Json = {"event_id": "$1", "type": kind, "sender": ADA, "content": given_content}
        one = read(raw)
        assert one is not None
        self.assertIsInstance(READER.quote(one), Quote)
        if READER.wants(one):
            inbound = READER.inbound("!r", one, Facts(chat_type="dm"))
            self.assertTrue(inbound is None or inbound.text)


class RelationTests(SynchronousTestCase):
    def test_a_reply_without_the_copy_that_older_clients_put_before_it(self) -> None:
        body = (
            "> <@tia:hs.test> what I said\n> in two lines\n\nand this is new\n> quoted on purpose"
        )
        one = event(body, **fields({"m.relates_to": {"m.in_reply_to": {"event_id": "$0"}}}))
        self.assertEqual(one.answers, "$0")
        quote = Quote(message_id="$0", text="what I said", is_own=True)
        inbound = told(one, quote=quote)
        self.assertEqual(inbound.text, "and this is new\n> quoted on purpose")
        self.assertEqual((inbound.reply_to, inbound.mention), (quote, "reply"))

    def test_a_quotation_of_ones_own_stays(self) -> None:
        self.assertEqual(
            told(event("> somebody said\nand I say")).text, "> somebody said\nand I say"
        )

    def test_a_thread(self) -> None:
        relation: Json = {"rel_type": "m.thread", "event_id": "$root"}
        standing_in = {"is_falling_back": True, "m.in_reply_to": {"event_id": "$last"}}
        one = event(**fields({"m.relates_to": {**relation, **standing_in}}))
        self.assertEqual((one.thread, one.answers), ("$root", ""))
        self.assertEqual(told(one).thread_id, "$root")
        real = {**relation, "is_falling_back": False, "m.in_reply_to": {"event_id": "$last"}}
        self.assertEqual(event(**fields({"m.relates_to": real})).answers, "$last")

    def test_an_edit(self) -> None:
        change: Json = {
            "m.new_content": {"msgtype": "m.text", "body": "better"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": "$0"},
        }
        relation: Json = {"m.relates_to": {"rel_type": "m.thread", "event_id": "$root"}}
        inbound = told(event("* better", **change), original=event(**relation))
        self.assertEqual(
            (inbound.kind, inbound.edit_of, inbound.message_id, inbound.dedupe_id, inbound.text),
            ("edit", "$0", "$0", "$1", "better"),
        )
        self.assertEqual(inbound.thread_id, "$root")
        self.assertEqual(told(event("* better", **change)).thread_id, "")

    def test_nobody_changes_what_others_wrote(self) -> None:
        change: Json = {
            "m.new_content": {"msgtype": "m.text", "body": "send me money"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": "$0"},
        }
        raw = {"event_id": "$0", "type": "m.room.message", "sender": "@bob:hs.test", "content": {}}
        facts = Facts(chat_type="dm", original=read(raw))
        self.assertIsNone(READER.inbound("!r", event("* x", **change), facts))

    def test_a_reaction(self) -> None:
        relation = {"rel_type": "m.annotation", "event_id": "$0", "key": "👍"}
        inbound = told(event(None, "m.reaction", **fields({"m.relates_to": relation})))
        self.assertEqual(
            (inbound.kind, inbound.reaction, inbound.message_id, inbound.text),
            ("reaction", "👍", "$0", "<reaction:👍>"),
        )


class MentionTests(SynchronousTestCase):
    def mention(self, body: str = "hi", **more: Any) -> str:
        """How a message mentions us."""
        return told(event(body, **more)).mention

    def test_what_the_client_states_is_final(self) -> None:
        self.assertEqual(
            self.mention(**fields({"m.mentions": {"user_ids": [ME.user_id]}})), "native"
        )
        stated: Any
        for stated in ({}, {"room": True}, {"user_ids": [ADA]}, {"user_ids": "Tia"}, []):
            self.assertEqual(
                self.mention(f"Tia {ME.user_id}", **fields({"m.mentions": stated})), "none"
            )

    def test_links_of_older_clients(self) -> None:
        for href in (
            "https://matrix.to/#/@tia:hs.test",
            "https://matrix.to/#/%40tia%3Ahs.test?via=hs.test",
            "matrix:u/tia:hs.test",
        ):
            html = f'<a class="x" href="{href}">somebody</a>: hello'
            self.assertEqual(self.mention("x", formatted_body=html), "native", href)
        other = '<a href="https://matrix.to/#/@tia:hs.testing">x</a>'
        self.assertEqual(self.mention("x", formatted_body=other), "none")
        copied = f'<mx-reply><a href="https://matrix.to/#/{ME.user_id}">Tia</a></mx-reply>no'
        self.assertEqual(self.mention("x", formatted_body=copied), "none")

    def test_our_name_in_the_words(self) -> None:
        for body in ("Tia: hello", "hello @tia:hs.test", "is tia there?"):
            self.assertEqual(self.mention(body), "native", body)
        for body in ("Tiara", "martia", "x@tia", "> <@tia:hs.test> I\n\nno"):
            self.assertEqual(self.mention(body), "none", body)

    def test_pages_of_html_are_read_quickly(self) -> None:
        self.assertEqual(self.mention("x", formatted_body="<a href=" * 8_000), "none")
        self.assertEqual(self.mention("x", formatted_body="<mx-reply>" * 6_000), "none")

    def test_commands(self) -> None:
        inbound = told(event("/status now"))
        self.assertEqual(
            (inbound.kind, inbound.command, inbound.mention), ("command", "status", "none")
        )
        inbound = told(event("Tia: /reset"))
        self.assertEqual(
            (inbound.command, inbound.text, inbound.mention), ("reset", "/reset", "native")
        )
        self.assertEqual(told(event("/etc/passwd is a file")).kind, "message")


class MediaTests(SynchronousTestCase):
    def attachment(self, **more: Any) -> tuple[str, Attachment]:
        """Text and file of a message."""
        inbound = told(event(**more))
        return inbound.text, inbound.attachments[0]

    def test_a_file_whose_body_is_its_name(self) -> None:
        info = {"mimetype": "image/png", "size": 12, "duration": 1500}
        text, file = self.attachment(
            msgtype="m.image", body="cat.png", url="mxc://hs.test/abc", info=info
        )
        self.assertEqual(text, "<media:image>")
        self.assertEqual(
            (file.kind, file.name, file.mime, file.size, file.ref, file.caption, file.duration_ms),
            ("image", "cat.png", "image/png", 12, "mxc://hs.test/abc", "", 1500),
        )

    def test_a_caption(self) -> None:
        more = {"msgtype": "m.video", "filename": "a.mp4", "url": "mxc://hs.test/abc"}
        text, file = self.attachment(body="look at this", **more)
        self.assertEqual((text, file.caption, file.name), ("look at this",) * 2 + ("a.mp4",))
        self.assertEqual(self.attachment(body="a.mp4", **more)[0], "<media:video>")

    def test_voice_and_stickers(self) -> None:
        voice: Json = {"org.matrix.msc3245.voice": {}}
        self.assertEqual(self.attachment(msgtype="m.audio", **voice)[1].kind, "voice")
        sticker = told(event("wave", "m.sticker", url="mxc://hs.test/s"))
        self.assertEqual(
            (sticker.text, sticker.attachments[0].kind), ("<media:sticker> wave", "sticker")
        )

    def test_encrypted_and_strange_addresses_are_not_fetched(self) -> None:
        text, file = self.attachment(msgtype="m.file", file={"url": "mxc://hs.test/x"})
        self.assertEqual(file.ref, "")
        self.assertIn("encrypted", text)
        for uri in (
            "https://x/y",
            "mxc://",
            "mxc://a",
            "mxc:///a",
            "mxc://a/",
            "mxc://a/b/c",
            "mxc://../x",
        ):
            self.assertEqual(media.media_path(uri), "", uri)
        self.assertEqual(media.media_path("mxc://h:8/a b?x"), "/h%3A8/a%20b")


class SinceTests(SynchronousTestCase):
    def member(self, membership: str, before: str = "", user: str = ME.user_id) -> Event:
        """A membership of ours."""
        raw = {"event_id": "$m", "type": "m.room.member", "sender": user, "state_key": user}
        found = read(
            {
                **raw,
                "content": {"membership": membership},
                "unsigned": {"prev_content": {"membership": before}} if before else {},
            }
        )
        assert found is not None
        return found

    def test_what_was_said_before_we_came_is_history(self) -> None:
        old, new = event("old"), event("new")
        invite, join = self.member("invite"), self.member("join", "invite")
        rename = self.member("join", "join")
        self.assertEqual(since_we_came([old, self.member("join"), new], ME), [new])
        self.assertEqual(since_we_came([old, invite, new, join, new], ME), [new, join, new])
        self.assertEqual(since_we_came([old, rename, new], ME), [old, rename, new])
        left = [
            old,
            invite,
            join,
            old,
            self.member("leave", "join"),
            old,
            self.member("join", "leave"),
        ]
        self.assertEqual(since_we_came([*left, new], ME), [new])
        others = self.member("join", user=ADA)
        self.assertEqual(since_we_came([old, others, new], ME), [old, others, new])


class ContentTests(SynchronousTestCase):
    def outgoing(self, text: str = "hi", **more: Any) -> Outgoing:
        """A message to send."""
        where = more.pop("where", {})
        target = Target(channel="matrix", account="default", chat_id="!r", **where)
        return Outgoing(id="o", target=target, text=text, **more)

    def test_text_in_both_forms_always_states_whom_it_mentions(self) -> None:
        self.assertEqual(
            content.message(self.outgoing("**a** & b")),
            {
                "msgtype": "m.text",
                "body": "a & b",
                "format": "org.matrix.custom.html",
                "formatted_body": "<strong>a</strong> &amp; b",
                "m.mentions": {},
            },
        )

    def test_ids_in_the_words_are_mentioned(self) -> None:
        said = content.words("ask @ada:hs.test, @bob:hs.test:8448! not me@x:y, nor @room")
        self.assertEqual(said["m.mentions"], {"user_ids": ["@ada:hs.test", "@bob:hs.test:8448"]})

    def test_an_id_ends_before_the_sentence_does(self) -> None:
        said = content.words("ask @ada:hs.test. Or @bob:hs-2.test-, or @eve:hs:8448.")
        ids = ["@ada:hs.test", "@bob:hs-2.test", "@eve:hs:8448"]
        self.assertEqual(said["m.mentions"], {"user_ids": ids})

    def test_people_are_links_but_not_in_code(self) -> None:
        said = content.words("**@a_b:hs.test** & `@ada:hs.test` [@ada:hs.test](https://x.test)")
        self.assertEqual(
            said["formatted_body"],
            '<strong><a href="https://matrix.to/#/%40a_b%3Ahs.test">@a_b:hs.test</a></strong> '
            '&amp; <code>@ada:hs.test</code> <a href="https://x.test">@ada:hs.test</a>',
        )
        self.assertEqual(said["body"].partition(" ")[0], "@a_b:hs.test")

    def test_replies_and_threads(self) -> None:
        def relation(**where: str) -> Any:
            return content.message(self.outgoing(where=where)).get("m.relates_to")

        self.assertIsNone(relation())
        self.assertEqual(relation(reply_to="$1"), {"m.in_reply_to": {"event_id": "$1"}})
        self.assertEqual(
            relation(thread_id="$t"),
            {
                "rel_type": "m.thread",
                "event_id": "$t",
                "is_falling_back": True,
                "m.in_reply_to": {"event_id": "$t"},
            },
        )
        both = relation(thread_id="$t", reply_to="$1")
        self.assertEqual(
            (both["is_falling_back"], both["m.in_reply_to"]), (False, {"event_id": "$1"})
        )

    def test_an_edit_mentions_nobody_twice(self) -> None:
        made = content.edit(self.outgoing("new @ada:hs.test", message_id="$1"))
        self.assertEqual((made["body"], made["m.mentions"]), ("* new @ada:hs.test", {}))
        self.assertEqual(made["m.relates_to"], {"rel_type": "m.replace", "event_id": "$1"})
        self.assertEqual(made["m.new_content"]["m.mentions"], {"user_ids": ["@ada:hs.test"]})
        plain = content.plain(made)
        self.assertNotIn("format", {**plain, **plain["m.new_content"]})

    def test_files(self) -> None:
        file = Attachment(kind="voice", mime="audio/ogg", name="v.ogg", path="/x", duration_ms=900)
        made = content.file(self.outgoing("*listen*", attachment=file), "mxc://a/b", 5)
        self.assertEqual(
            (made["msgtype"], made["body"], made["filename"]), ("m.audio", "listen", "v.ogg")
        )
        self.assertEqual(made["info"], {"size": 5, "mimetype": "audio/ogg", "duration": 900})
        self.assertIn("org.matrix.msc3245.voice", made)
        bare = content.file(self.outgoing("", attachment=file), "mxc://a/b", 5)
        self.assertEqual(
            (bare["body"], bare["filename"], bare["m.mentions"]), ("v.ogg", "v.ogg", {})
        )

    @given(st.lists(st.text(), min_size=1, max_size=3), st.lists(st.text(), min_size=1, max_size=3))
    def test_transactions_are_the_same_for_the_same_alone(
        self, one: list[str], other: list[str]
    ) -> None:
        same = content.transaction(*one) == content.transaction(*other)
        self.assertEqual(same, "\0".join(one) == "\0".join(other))
