from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import InvalidRequest
from openclaw.sessions.keys import SessionKey, SessionKeys

SPELLINGS = (
    ("main", "agent:main:main"),
    ("agent:main:main", "agent:main:main"),
    ("agent:ops:main", "agent:ops:main"),
    ("telegram:direct:42", "agent:main:telegram:direct:42"),
    ("telegram:dm:42", "agent:main:telegram:direct:42"),
    ("agent:main:telegram:dm:42", "agent:main:telegram:direct:42"),
    ("agent:main:telegram:default:dm:42", "agent:main:telegram:default:direct:42"),
    ("agent:main:dm", "agent:main:dm"),
    ("dm", "agent:main:dm"),
    ("cron:daily", "agent:main:cron:daily"),
    ("agent:main:whatsapp:group:120363@g.us", "agent:main:whatsapp:group:120363@g.us"),
    ("agent:main:signal:direct:+15551234", "agent:main:signal:direct:+15551234"),
    ("global", "agent:main:global"),
)
HOSTILE = (
    "",
    ":",
    "agent:main:",
    ":main",
    "agent:main",
    "agent::main",
    "agent:Main:x",
    "agent:../x:main",
    "../../etc/passwd",
    "agent:main:..",
    "agent:main:a..b",
    "agent:main:a/b",
    "agent:main:a\\b",
    "agent:main:a\0",
    "agent:main:a\nb",
    "main\n",
    "agent:main:a b",
    "agent:main:日本",
    "agent:main:\uff052e",
    "agent:main:%2e%2e",
    "agent:main:\u202emain",
    "agent:main:'; drop table session--",
    "agent:main:" + "x" * 10_240,
    "agent:main:" + ":".join("abcdefghijkl"),
    "agent:" + "a" * 65 + ":main",
)
PARTS = st.text(
    "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_.+@#=!$~*-", min_size=1, max_size=30
).filter(lambda part: ".." not in part)
AGENTS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)


class KeyTests(SynchronousTestCase):
    keys = SessionKeys()

    def test_spellings(self) -> None:
        for text, canonical in SPELLINGS:
            self.assertEqual(self.keys.canonical(text), canonical, text)

    def test_hostile_keys_are_refused(self) -> None:
        for text in HOSTILE:
            error = self.assertRaises(InvalidRequest, self.keys.parse, text)
            self.assertIn("invalid session key", error.message)
            self.assertLess(len(error.message), 200, "an answer does not repeat what was sent")

    @given(AGENTS, st.lists(PARTS, min_size=1, max_size=6))
    def test_a_canonical_key_means_itself(self, agent: str, parts: list[str]) -> None:
        canonical = self.keys.canonical(":".join(["agent", agent, *parts]))
        parsed = self.keys.parse(canonical)
        self.assertEqual(str(parsed), canonical)
        self.assertEqual(parsed.agent_id, agent)

    @given(st.lists(PARTS, min_size=1, max_size=6).filter(lambda parts: parts[0] != "agent"))
    def test_a_key_without_agent_is_the_default_agents(self, parts: list[str]) -> None:
        text = ":".join(parts)
        keys = SessionKeys("ops", "home")
        self.assertEqual(keys.canonical(text), keys.canonical(f"agent:ops:{text}"))

    @given(st.text(max_size=600))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            key = str(self.keys.parse(text))
        except InvalidRequest:
            return
        self.assertTrue(key.isascii() and key.isprintable())
        self.assertNotIn("/", key)
        self.assertNotIn("..", key)

    def test_classification(self) -> None:
        for rest, kind in (
            ("main", "main"),
            ("telegram:direct:42", "direct"),
            ("direct:42", "direct"),
            ("telegram:group:42", "group"),
            ("slack:channel:C1", "channel"),
            ("cron:daily", "cron"),
            ("notes", "custom"),
            ("direct", "custom"),
        ):
            self.assertEqual(SessionKey("main", rest).classification("main"), kind, rest)

    def test_main_sessions(self) -> None:
        keys = SessionKeys("ops", "home")
        self.assertEqual(str(keys.main), "agent:ops:home")
        self.assertEqual(keys.main_of(""), "agent:ops:home")
        self.assertEqual(keys.main_of("writer"), "agent:writer:home")
        for hostile in ("../x", "A", "a:b", "x" * 65, "\0"):
            self.assertRaises(InvalidRequest, keys.main_of, hostile)
