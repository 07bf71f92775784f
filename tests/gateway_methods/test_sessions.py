"""Sessions by method: list, look, change, start over, delete, compact, follow."""

from typing import Any

from twisted.internet.defer import Deferred, TimeoutError, fail, succeed

from openclaw.errors import ModelError
from openclaw.gateway.methods.sessions import MAX_FOLLOWED, PIECE
from openclaw.protocol import scopes
from tests.gateway_methods.rig import MethodCase
from tests.sessions.rig import MAIN


class SessionCase(MethodCase):
    def talk(self, run_id: str, key: str = MAIN) -> None:
        self.say(run_id, key=key)
        self.world.call.answer(f"re {run_id}")

    def session_id(self, key: str = MAIN) -> str:
        found: str = self.ok("sessions.describe", key=key)["session"]["sessionId"]
        return found


class ReadTests(SessionCase):
    def test_list(self) -> None:
        self.talk("r1")
        self.world.clock.advance(1)
        self.talk("r2", "agent:main:notes")
        found = self.ok("sessions.list", limit=1, includeGlobal=True, novelty=1)
        self.assertEqual([row["key"] for row in found["sessions"]], ["agent:main:notes"])
        self.assertEqual(
            (found["count"], found["totalCount"], found["hasMore"], found["nextOffset"]),
            (1, 2, True, 1),
        )
        self.assertEqual(found["defaults"]["model"], "mock-1")
        for params in ({"limit": 0}, {"limit": 10_001}, {"offset": -1}, {"archived": "maybe"}):
            self.assertEqual(self.refused("sessions.list", **params)["code"], "INVALID_REQUEST")

    def test_list_shows_every_change_at_once(self) -> None:
        def row() -> Any:
            return self.ok("sessions.list")["sessions"][0]

        self.say("r1")
        self.assertEqual((row()["hasActiveRun"], row()["status"]), (True, "running"))
        self.world.call.answer("x")
        self.assertEqual((row()["hasActiveRun"], row()["status"]), (False, "done"))
        self.assertEqual((row()["messageCount"], row()["lastMessagePreview"]), (2, "x"))
        self.ok("sessions.patch", key="main", label="L")
        self.assertEqual(row()["label"], "L")

    def test_describe(self) -> None:
        self.assertEqual(self.ok("sessions.describe", key="main"), {"session": None})
        self.talk("r1")
        self.assertEqual(self.ok("sessions.describe", key="main")["session"]["key"], MAIN)
        self.assertEqual(self.refused("sessions.describe", key="a/b")["code"], "INVALID_REQUEST")


class SubscribeTests(SessionCase):
    def test_changes(self) -> None:
        self.assertFalse(self.operator.client.follows_sessions)
        self.assertEqual(self.ok("sessions.subscribe"), {"subscribed": True})
        self.assertTrue(self.operator.client.follows_sessions)

    def test_messages_of_one_session(self) -> None:
        self.assertEqual(
            self.ok("sessions.messages.subscribe", key="telegram:dm:7"),
            {"subscribed": True, "key": "agent:main:telegram:direct:7"},
        )
        self.assertEqual(self.operator.client.followed, {"agent:main:telegram:direct:7"})

    def test_with_approvals_for_those_who_may(self) -> None:
        expected = {
            "subscribed": True,
            "key": MAIN,
            "approvalReplay": {
                "sessionKey": MAIN,
                "updatedAtMs": self.world.now_ms(),
                "approvals": [],
                "truncated": False,
            },
        }
        asked = {"key": "main", "includeApprovals": True}
        self.assertEqual(self.ok("sessions.messages.subscribe", **asked), expected)
        reader = self.connect(scopes.READ)
        self.assertNotIn("approvalReplay", self.ok("sessions.messages.subscribe", reader, **asked))

    def test_a_connection_follows_so_many_and_no_more(self) -> None:
        for number in range(MAX_FOLLOWED):
            self.ok("sessions.messages.subscribe", key=f"s{number}")
        error = self.refused("sessions.messages.subscribe", key="one-more")
        self.assertEqual(error["code"], "INVALID_REQUEST")
        self.ok("sessions.messages.subscribe", key="s3")


class PatchTests(SessionCase):
    def test_the_row_as_it_is_now(self) -> None:
        self.talk("r1")
        answer = self.ok("sessions.patch", key="main", label="L", model="mock/mock-2")
        self.assertEqual((answer["ok"], answer["key"]), (True, MAIN))
        self.assertEqual((answer["entry"]["label"], answer["entry"]["model"]), ("L", "mock-2"))
        answer = self.ok("sessions.patch", key="main", label=None, model=None)
        self.assertNotIn("label", answer["entry"])
        self.assertEqual(answer["entry"]["model"], "mock-1")

    def test_what_is_refused(self) -> None:
        self.talk("r1")
        for params in (
            {"key": "agent:main:never", "label": "x"},
            {"key": "main", "model": "mock/none"},
            {"key": "main", "expectedSessionId": "another"},
            {"key": "main", "label": "x" * 201},
            {"key": "main", "archived": "yes"},
        ):
            self.assertEqual(self.refused("sessions.patch", **params)["code"], "INVALID_REQUEST")
        self.assertNotIn("label", self.ok("sessions.describe", key="main")["session"])

    def test_tools_are_taken_away_by_administrators_alone(self) -> None:
        self.talk("r1")
        writer = self.connect(scopes.WRITE)
        given: tuple[dict[str, Any], ...] = (
            {"toolOverrides": {"mcpServers": {"gh": False}}},
            {"inheritedToolAllow": []},
            {"inheritedToolDeny": ["read"]},
            {"inheritedToolDeny": None},
        )
        for rules in given:
            refusal = self.refused("sessions.patch", writer, key="main", label="x", **rules)
            self.assertIn("missing scope: operator.admin", refusal["message"])
            self.ok("sessions.patch", key="main", **rules)
        self.ok("sessions.patch", writer, key="main", label="x")
        row = self.ok("sessions.describe", key="main")["session"]
        self.assertEqual(row["toolOverrides"], {"mcpServers": {"gh": False}})
        self.assertEqual((row["inheritedToolAllow"], "inheritedToolDeny" in row), ([], False))
        wrong: tuple[dict[str, Any], ...] = (
            {"toolOverrides": {"mcpServers": {"gh": "off"}}},
            {"inheritedToolDeny": [""]},
            {"inheritedToolAllow": "read"},
            {"inheritedToolDeny": ["x"] * 201},
        )
        for rules in wrong:
            refusal = self.refused("sessions.patch", key="main", **rules)
            self.assertEqual(refusal["code"], "INVALID_REQUEST")

    def test_archive_and_back(self) -> None:
        self.talk("r1")
        expected = self.session_id()
        self.ok("sessions.patch", key=MAIN, expectedSessionId=expected, archived=True)
        self.assertEqual(self.ok("sessions.list")["sessions"], [])
        self.assertEqual(self.ok("sessions.list", archived=True)["count"], 1)
        self.ok("sessions.patch", key=MAIN, archived=False)
        self.assertEqual(self.ok("sessions.list")["count"], 1)


class ResetTests(SessionCase):
    def test_a_new_session(self) -> None:
        self.talk("r1")
        old = self.session_id()
        answer = self.ok("sessions.reset", key="main", reason="new")
        self.assertEqual((answer["ok"], answer["key"]), (True, MAIN))
        self.assertNotEqual(answer["sessionId"], old)
        self.assertEqual(answer["entry"]["messageCount"], 0)
        self.assertEqual(self.transcript(), [])

    def test_what_ran_and_waited_is_stopped_and_told(self) -> None:
        self.say("r1")
        self.say("r2")
        finals = self.request("agent", message="x", idempotencyKey="r3", sessionKey="main")
        self.ok("sessions.reset", key="main")
        self.world.turn()
        self.assertEqual(self.world.runs.active(), ())
        for run_id in ("r1", "r2", "r3"):
            self.assertEqual(self.world.heard.states(run_id)[-1], "aborted")
        self.assertEqual(finals[1]["payload"]["summary"], "aborted")
        self.assertEqual(self.transcript(), [])
        self.talk("r4")
        self.assertEqual(len(self.transcript()), 2)

    def test_a_key_that_is_none(self) -> None:
        self.assertEqual(self.refused("sessions.reset", key="..")["code"], "INVALID_REQUEST")


class DeleteTests(SessionCase):
    def test_gone(self) -> None:
        self.talk("r1")
        gone = {"ok": True, "key": MAIN, "deleted": True, "archived": []}
        asked = {"key": "main", "expectedSessionId": self.session_id(), "deleteTranscript": True}
        self.assertEqual(self.ok("sessions.delete", **asked), gone)
        self.assertEqual(self.ok("sessions.describe", key="main"), {"session": None})
        self.assertEqual(self.ok("sessions.delete", **asked), {**gone, "deleted": False})

    def test_another_by_now_is_left_alone_and_goes_on(self) -> None:
        self.talk("r1")
        old = self.session_id()
        self.ok("sessions.reset", key="main")
        self.say("r2")
        error = self.refused("sessions.delete", key="main", expectedSessionId=old)
        self.assertEqual(error["code"], "INVALID_REQUEST")
        self.assertEqual(self.world.runs.active(), ("r2",))
        self.assertEqual(len(self.transcript()), 1)

    def test_while_something_runs(self) -> None:
        self.say("r1")
        self.say("r2")
        self.assertTrue(self.ok("sessions.delete", key="main")["deleted"])
        self.world.turn()
        self.assertEqual(self.world.runs.active(), ())
        self.assertEqual(self.world.heard.states("r1")[-1], "aborted")
        self.assertEqual(self.world.heard.states("r2"), ["aborted"])
        self.assertEqual(self.world.conversations.count(), 0)


class CompactTests(SessionCase):
    def setUp(self) -> None:
        super().setUp()
        self.talk("r1")
        self.talk("r2")

    def compact(self, key: str = "main") -> Any:
        return self.ok("sessions.compact", key=key)

    def test_from_now_on_the_model_is_told_the_summary(self) -> None:
        self.assertEqual(self.compact(), {"ok": True, "key": MAIN, "compacted": True})
        self.assertEqual(self.summaries.told, ["r1", "re r1", "r2", "re r2"])
        self.talk("r3")
        said = self.world.call.said
        self.assertEqual([role for role, _ in said], ["system", "user"])
        self.assertIn("they met", said[0][1])
        self.assertEqual(len(self.transcript()), 6)

    def test_a_long_conversation_is_summed_up_to_its_end(self) -> None:
        for number in range(PIECE):
            self.talk(f"n{number}")
        self.summaries.results = [succeed(f"sum {number}") for number in range(3)]
        self.assertTrue(self.compact()["compacted"])
        self.assertTrue(self.summaries.owner)
        first, second, third = self.summaries.pieces
        self.assertEqual((first[0], len(first)), ("r1", PIECE))
        self.assertEqual(second[0], "What was said before, in short:\nsum 0")
        self.assertEqual(third[0], "What was said before, in short:\nsum 1")
        told = [*first, *second[1:], *third[1:]]
        self.assertEqual(told, [text for _, text in self.transcript()])
        self.talk("later")
        self.assertEqual(len(self.world.call.said), 2)
        self.assertIn("sum 2", self.world.call.said[0][1])

    def test_what_was_summed_up_before_a_failure_stays_so(self) -> None:
        for number in range(PIECE):
            self.talk(f"n{number}")
        self.summaries.results = [succeed("sum 0"), fail(ModelError("upstream says no"))]
        self.assertFalse(self.compact()["ok"])
        self.summaries.pieces.clear()
        self.summaries.results = [succeed("sum 1"), succeed("sum 2")]
        self.assertTrue(self.compact()["compacted"])
        self.assertIn("sum 0", self.summaries.pieces[0][0])
        self.assertEqual(self.summaries.pieces[-1][-1], f"re n{PIECE - 1}")

    def test_what_is_said_meanwhile_is_not_summed_up(self) -> None:
        writing: Deferred[str] = Deferred()
        self.summaries.results = [writing]
        answers = self.request("sessions.compact", key="main")
        self.talk("meanwhile")
        writing.callback("of before")
        self.assertTrue(answers[0]["payload"]["compacted"])
        self.talk("r4")
        said = [text for _, text in self.world.call.said]
        self.assertEqual(said[1:], ["meanwhile", "re meanwhile", "r4"])

    def test_why_not(self) -> None:
        self.say("short", key="short")
        self.assertIn("short", self.compact("short")["reason"])
        for result, words in (
            (fail(ModelError("upstream says no")), "upstream says no"),
            (fail(TimeoutError()), "no summary"),
            (succeed(""), "the model said nothing"),
        ):
            self.summaries.result = result
            answer = self.compact()
            self.assertEqual((answer["ok"], answer["compacted"]), (False, False))
            self.assertIn(words, answer["reason"])
        self.summaries.able = False
        answer = self.compact()
        self.assertEqual((answer["ok"], answer["compacted"]), (True, False))
        self.assertIn("no model", answer["reason"])
        error = self.refused("sessions.compact", key="agent:main:never")
        self.assertIn("No session found", error["message"])

    def test_a_reset_meanwhile_keeps_the_summary_out_of_the_new_session(self) -> None:
        writing: Deferred[str] = Deferred()
        self.summaries.result = writing
        answers = self.request("sessions.compact", key="main")
        self.ok("sessions.reset", key="main")
        writing.callback("of the old one")
        self.assertEqual(answers[0]["error"]["code"], "INVALID_REQUEST")
        self.talk("r3")
        self.assertEqual(self.world.call.said, [("user", "r3")])
