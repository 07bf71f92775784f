"""Tests of keys: every conversation has its own, and the key tells which it is."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import InvalidRequest
from openclaw.routing.key_parts import LONGEST, decode, encode
from openclaw.routing.session_keys import Conversation, KeyMaker, read_key
from openclaw.sessions.keys import SessionKeys
from tests.routing.rig import inbound

ACCOUNTS = {"irc": "libera"}
KEYS = KeyMaker(default_account=lambda channel: ACCOUNTS.get(channel, "default"))
ROOM = "!OGEhHVWSdvArJzumhm:matrix.org"
# What each kind of chat is called: chat type, channel, more of the event, key.
SHAPES: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("dm", "telegram", {}, "agent:main:telegram:direct:42"),
    ("group", "telegram", {"chat_id": "-100"}, "agent:main:telegram:group:-100"),
    (
        "group",
        "telegram",
        {"chat_id": "-100", "thread_id": "7"},
        "agent:main:telegram:group:-100:topic:7",
    ),
    ("channel", "discord", {"chat_id": "9"}, "agent:main:discord:channel:9"),
    (
        "channel",
        "discord",
        {"chat_id": "9", "thread_id": "8"},
        "agent:main:discord:channel:9:thread:8",
    ),
    (
        "channel",
        "slack",
        {"chat_id": "C1", "thread_id": "1700000000.000100"},
        "agent:main:slack:channel:C1:thread:1700000000.000100",
    ),
    ("dm", "slack", {"chat_id": "D1", "thread_id": "1.2"}, "agent:main:slack:direct:42:thread:1.2"),
    (
        "group",
        "matrix",
        {"chat_id": ROOM},
        "agent:main:matrix:group:!OGEhHVWSdvArJzumhm~3Amatrix.org",
    ),
    ("group", "irc", {"account": "libera", "chat_id": "#py"}, "agent:main:irc:group:#py"),
    ("group", "irc", {"account": "oftc", "chat_id": "#py"}, "agent:main:irc:oftc:group:#py"),
    ("dm", "irc", {"account": "oftc"}, "agent:main:irc:oftc:direct:42"),
)
WORDS = ("direct", "dm", "group", "channel", "thread", "topic", "agent", "main", "..", "~", "~~")
IDS = st.one_of(
    st.sampled_from(
        (*WORDS, ROOM, "-100", "1700000000.000100", "a/../b", "\x00", "\ud800", "日本")
    ),
    st.text(st.characters(), min_size=1, max_size=40),
    st.text("~:.dm", min_size=1, max_size=30),
)
ACCOUNT_IDS = st.one_of(st.sampled_from(("default", "work", *WORDS)), IDS)


class PartTests(SynchronousTestCase):
    @given(IDS)
    @example("." * 90)
    def test_there_and_back(self, text: str) -> None:
        part = encode(text)
        self.assertLessEqual(len(part), LONGEST)
        self.assertIn(decode(part), (text, None) if part.startswith("~~") else (text,))
        self.assertEqual(decode(encode("x" + text[:10])), "x" + text[:10])

    @given(st.text("~34AZaz:.:dm-", max_size=12))
    def test_one_spelling_each(self, part: str) -> None:
        try:
            text = decode(part)
        except InvalidRequest:
            return
        assert text is not None
        self.assertEqual(encode(text), part)

    def test_odd_spellings(self) -> None:
        for part in ("", "~41", "~3a", "~", "~3", "dm", "..", "a:b", "~FF", "~~short", "\ud800"):
            self.assertRaises(InvalidRequest, decode, part)
        self.assertRaises(InvalidRequest, encode, "")

    def test_long_ids_keep_apart_and_are_not_told(self) -> None:
        long = [":" * count for count in range(40, 60)] + ["x" * 101, "x" * 100_000]
        self.assertEqual(len({encode(one) for one in long}), len(long))
        self.assertEqual({decode(encode(one)) for one in long}, {None})


class KeyTests(SynchronousTestCase):
    def test_shapes(self) -> None:
        for chat_type, channel, more, key in SHAPES:
            message = inbound("42", chat_type, channel=channel, **more)
            self.assertEqual(KEYS.key("main", message), key)
            self.assertEqual(SessionKeys().canonical(key), key)

    def test_scopes_of_direct_messages(self) -> None:
        for scope, key in (
            ("main", "agent:ops:home"),
            ("per-peer", "agent:ops:direct:42"),
            ("per-channel-peer", "agent:ops:telegram:direct:42"),
            ("per-account-channel-peer", "agent:ops:telegram:default:direct:42"),
        ):
            keys = KeyMaker(dm_scope=scope, main_key="home")  # type: ignore[arg-type]  # Listed.
            self.assertEqual(keys.key("ops", inbound()), key)
            group = inbound(chat_type="group")
            self.assertEqual(keys.key("ops", group), "agent:ops:telegram:group:-100")

    def test_four_conversations_are_four_sessions(self) -> None:
        told = [("dm", ""), ("group", ""), ("channel", ""), ("channel", "1"), ("channel", "2")]
        made = {
            KEYS.key("main", inbound("5", kind, chat_id="5", thread_id=thread))
            for kind, thread in told
        }
        self.assertEqual(len(made), 5)

    @given(
        channel=st.sampled_from(("telegram", "irc", "direct", "x")),
        account=ACCOUNT_IDS,
        kind=st.sampled_from(("dm", "group", "channel")),
        peer=IDS,
        thread=st.one_of(st.just(""), IDS),
        scope=st.sampled_from(("per-peer", "per-channel-peer", "per-account-channel-peer")),
    )
    def test_a_key_tells_its_conversation(self, scope: Any, **told: Any) -> None:
        keys = KeyMaker(dm_scope=scope)
        key = keys.key("main", self.message(**told))
        self.assertEqual(SessionKeys().canonical(key), key)
        read = read_key(key)
        assert read is not None
        self.assertEqual(read, self.expected(scope, read, **told))

    def message(self, channel: str, account: str, kind: str, peer: str, thread: str) -> Any:
        return inbound(peer, kind, channel=channel, account=account, chat_id=peer, thread_id=thread)

    def expected(self, scope: str, read: Conversation, **told: Any) -> Conversation:
        """What the key has to say; ``None`` is right for what is too long."""

        def kept(text: str, found: str | None) -> str | None:
            return found if found is None and len(encode(text)) == 45 else text

        direct = told["kind"] == "dm"
        merged = direct and scope == "per-peer"
        named = told["account"] != "default" or (direct and scope == "per-account-channel-peer")
        return Conversation(
            agent_id="main",
            channel="" if merged else told["channel"],
            account=kept(told["account"], read.account) if named and not merged else "",
            kind="direct" if direct else told["kind"],
            peer_id=kept(told["peer"], read.peer_id),
            thread_id=kept(told["thread"], read.thread_id) if told["thread"] else "",
        )

    @given(st.lists(st.tuples(ACCOUNT_IDS, IDS), min_size=2, max_size=2, unique=True))
    def test_two_people_never_share_a_session(self, people: Any) -> None:
        for scope in ("per-channel-peer", "per-account-channel-peer"):
            keys = KeyMaker(dm_scope=scope)
            for kind in ("dm", "group", "channel"):
                made = {
                    keys.key("main", inbound(peer, kind, account=account, chat_id=peer))
                    for account, peer in people
                }
                self.assertEqual(len(made), 2)

    def test_the_longest_ids_still_make_a_key(self) -> None:
        ids = {name: ":" * 33 for name in ("account", "chat_id", "thread_id")}
        message = inbound("x", "channel", channel="c" * 100, **ids)
        key = KEYS.key("a" * 64, message)
        self.assertEqual(SessionKeys().canonical(key), key)

    def test_keys_that_are_no_conversation(self) -> None:
        for key in ("main", "agent:main:main", "agent:main:cron:daily", "agent:main:x:y:direct:~4"):
            self.assertIsNone(read_key(key))
        self.assertIsNone(read_key("agent:main:a:b:c:direct:1"))
        self.assertIsNone(read_key("agent:main:thread:1"))
        self.assertRaises(InvalidRequest, KEYS.key, "main", inbound(""))
        self.assertRaises(InvalidRequest, KEYS.key, "main", inbound(chat_type="odd"))
