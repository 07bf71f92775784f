"""Session tools over real conversations: who sees which, what is said where, and that it ends."""

from typing import Any

import msgspec
from msgspec.structs import replace
from twisted.internet.defer import Deferred

from openclaw.agents.tools.session_status import SessionStatus
from openclaw.agents.tools.sessions import ListSessions, SessionsHistory, SessionsSend
from openclaw.interfaces.tools import Authority, ToolResult
from openclaw.protocol.base import encode
from tests.agents.tools.rig import OWNER, STRANGER, box, use_of
from tests.sessions.rig import MAIN, Call, WorldCase, answers_itself, make_id

THEIRS = "agent:main:telegram:direct:777"
FOREIGN = "agent:other:main"
CANARY = "canary-4711"


class SessionToolCase(WorldCase):
    """Three sessions, one of them another agent's, each with a secret of its own."""

    def setUp(self) -> None:
        super().setUp()
        world = self.world
        world.runtime.on_run = answers_itself
        for number, key in enumerate((MAIN, THEIRS, FOREIGN)):
            self.successResultOf(world.accept(f"first-{number}", f"{CANARY} of {key}", key))
            world.turn()
        conversations, canonical = world.conversations, world.keys.canonical
        self.box = box(world.clock)
        self.box.register(ListSessions(conversations, canonical))
        self.box.register(SessionsHistory(conversations, canonical))
        self.box.register(SessionsSend(conversations, canonical, make_id, world.clock), 330.0)
        self.box.register(SessionStatus(conversations, world.now_ms))

    def begin(
        self, name: str, authority: Authority, key: str = MAIN, run: str = "r", **given: Any
    ) -> Deferred[ToolResult]:
        use = use_of(authority, session_key=key, run_id=run)
        return self.box.use(name, encode(given).decode(), use)

    def used(
        self, name: str, authority: Authority = OWNER, key: str = MAIN, **given: Any
    ) -> ToolResult:
        return self.successResultOf(self.begin(name, authority, key, **given))

    def keys(self, authority: Authority, key: str = MAIN, **given: Any) -> set[str]:
        rows = msgspec.json.decode(self.used("sessions_list", authority, key, **given).text)
        return {row["key"] for row in rows}


class SeeTests(SessionToolCase):
    def test_owner_sees_the_sessions_of_this_agent_and_no_other_agents(self) -> None:
        self.assertEqual(self.keys(OWNER), {MAIN, THEIRS})
        self.assertIn(CANARY, self.used("sessions_history", sessionKey=THEIRS).text)
        self.assertIn("no session", self.used("sessions_history", sessionKey=FOREIGN).text)

    def test_strangers_and_groups_see_their_own_session_alone(self) -> None:
        assert STRANGER.origin is not None
        target = replace(STRANGER.origin.target, chat_type="group")
        group = Authority(owner=True, origin=replace(STRANGER.origin, target=target))
        for authority in (STRANGER, Authority(), group):
            self.assertEqual(self.keys(authority, THEIRS), {THEIRS})
            own = self.used("sessions_history", authority, THEIRS).text
            self.assertIn(f"{CANARY} of {THEIRS}", own)
            for key in (MAIN, FOREIGN, "main", "agent:main:nothing"):
                other = self.used("sessions_history", authority, THEIRS, sessionKey=key)
                self.assertTrue(other.is_error)
                self.assertNotIn(CANARY, other.text)
            sent = self.used("sessions_send", authority, THEIRS, sessionKey=MAIN, message="x")
            self.assertIn("there is no tool", sent.text)

    def test_what_is_hidden_and_what_is_not_there_look_the_same(self) -> None:
        words = {
            self.used("sessions_history", STRANGER, THEIRS, sessionKey=key).text.replace(key, "")
            for key in (MAIN, FOREIGN, "agent:main:nothing")
        }
        self.assertEqual(len(words), 1)

    def test_keys_that_are_none(self) -> None:
        for key in ("../x", "a b", "agent:", "x" * 513):
            self.assertTrue(self.used("sessions_history", sessionKey=key).is_error)

    def test_search_and_limit(self) -> None:
        self.assertEqual(self.keys(OWNER, search="telegram"), {THEIRS})
        self.assertEqual(len(self.keys(OWNER, limit=1)), 1)

    def test_status_says_where_one_is(self) -> None:
        found = msgspec.json.decode(self.used("session_status", STRANGER, THEIRS).text)
        self.assertEqual((found["sessionKey"], found["channel"]), (THEIRS, "telegram"))
        self.assertEqual(found["now"][:11], "2027-01-15T")


class SendTests(SessionToolCase):
    def test_answer_is_told(self) -> None:
        using = self.begin("sessions_send", OWNER, sessionKey=THEIRS, message="how are you")
        self.world.turn()
        self.assertEqual(self.successResultOf(using).text, "re how are you")
        history = self.used("sessions_history", sessionKey=THEIRS, limit=2).text
        self.assertIn("how are you", history)
        self.assertEqual(self.world.replies.given, [])

    def test_nobody_waits_for_ever(self) -> None:
        self.world.runtime.on_run = lambda call: None
        using = self.begin("sessions_send", OWNER, sessionKey=THEIRS, message="x", timeoutSeconds=5)
        self.world.turn()
        self.assertNoResult(using)
        self.world.clock.advance(5)
        self.assertIn("no answer within 5 s", self.successResultOf(using).text)
        self.world.call.answer("late")
        now = self.begin("sessions_send", OWNER, sessionKey=THEIRS, message="y", timeoutSeconds=0)
        self.assertIn("nobody waits", self.successResultOf(now).text)

    def test_own_session_is_not_spoken_to(self) -> None:
        self.assertIn(
            "just answer", self.used("sessions_send", sessionKey="main", message="x").text
        )

    def test_two_sessions_that_talk_to_each_other_come_to_an_end(self) -> None:
        run_ids: list[str] = []

        def answers(call: Call) -> None:
            run_ids.append(call.request.run_id)
            answers_itself(call)

        self.world.runtime.on_run = answers
        here, there, run = MAIN, THEIRS, "r"
        for _ in range(3):
            using = self.begin(
                "sessions_send",
                OWNER,
                here,
                run,
                sessionKey=there,
                message="again",
                timeoutSeconds=0,
            )
            self.assertFalse(self.successResultOf(using).is_error)
            self.world.turn()
            here, there, run = there, here, run_ids[-1]
        using = self.begin("sessions_send", OWNER, here, run, sessionKey=there, message="again")
        self.assertIn("3 sessions already", self.successResultOf(using).text)

    def test_run_there_has_this_ones_authority(self) -> None:
        scoped = Authority(owner=True, scopes=frozenset({"operator.write"}))
        self.begin("sessions_send", scoped, sessionKey=THEIRS, message="x")
        self.world.turn()
        self.assertEqual(self.world.call.request.authority, scoped)
