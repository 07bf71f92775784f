"""One run: what it tells, in which order, and what it holds back."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.agents.run import (
    GATHER_FROM,
    GATHER_SHARE,
    LONGEST_FOREIGN,
    MOST_FOREIGN_STEPS,
    Run,
    RunCut,
)
from openclaw.errors import StoreError
from openclaw.interfaces.agents import IRunSink, IToolSink, RunOutcome
from openclaw.interfaces.tools import ToolCall, ToolResult
from openclaw.protocol.schema.chat import Message
from tests.sessions.rig import Heard
from tests.sessions.test_lanes import entry


class RunTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.heard = Heard()
        self.recorded: Deferred[None] = Deferred()
        self.asked = 0
        self.run_ = Run(entry("r1"), self.heard, lambda: 7, "item:1", self.record)
        self.cancelled = 0
        self.runtime: Deferred[RunOutcome] = Deferred(self.cancel)

    def record(self) -> Deferred[None]:
        self.asked += 1
        return self.recorded

    def cancel(self, _: object) -> None:
        self.cancelled += 1

    def deltas(self) -> list[str]:
        return [one["deltaText"] for one in self.heard.of("chat") if one["state"] == "delta"]

    def test_provides_the_sink(self) -> None:
        self.assertTrue(verifyObject(IRunSink, self.run_))
        self.assertTrue(verifyObject(IToolSink, self.run_))

    def test_words_wait_until_it_is_recorded_that_they_are_seen(self) -> None:
        for word in ("a", "b", "c"):
            self.run_.delta(word)
        self.assertEqual((self.deltas(), self.asked, self.run_.shown), ([], 1, False))
        self.assertTrue(self.run_.may_be_seen)
        self.recorded.callback(None)
        self.run_.delta("d")
        self.assertEqual((self.deltas(), self.asked, self.run_.text), (["abc", "d"], 1, "abcd"))

    def test_each_delta_tells_the_text_so_far(self) -> None:
        self.recorded.callback(None)
        for word in ("one ", "two ", "three"):
            self.run_.delta(word)
        agent = [one["data"] for one in self.heard.of("agent")]
        self.assertEqual([one["text"] for one in agent], ["one ", "one two ", "one two three"])
        self.assertEqual("".join(one["delta"] for one in agent), "one two three")
        self.assertEqual({one["itemId"] for one in agent}, {"item:1"})
        chat = self.heard.of("chat")[-1]
        self.assertEqual(chat["message"]["content"], [{"type": "text", "text": "one two three"}])
        self.assertEqual(chat["message"]["timestamp"], 7)

    def test_numbers_count_up_from_one_and_chat_shares_them(self) -> None:
        self.recorded.callback(None)
        self.run_.lifecycle({"phase": "start"})
        self.run_.model_started("p", "m")
        self.run_.delta("a")
        self.run_.delta("b")
        self.run_.usage(3)
        self.run_.final(None, "stop")
        self.assertEqual([one["seq"] for one in self.heard.of("agent")], [1, 2, 3, 4, 5])
        self.assertEqual([one["seq"] for one in self.heard.of("chat")], [3, 4, 5])

    def test_tools_that_a_program_uses_by_itself_become_steps(self) -> None:
        call = ToolCall(id="c1", name="bash", arguments='{"command":"ls"}')
        self.run_.tool_started(call)
        self.run_.tool_ended(call, ToolResult(text="x" * (LONGEST_FOREIGN + 5), is_error=True))
        asked, told = self.run_.steps
        self.assertEqual((asked.role, asked.calls), ("assistant", (call,)))
        self.assertEqual((told.role, told.call_id, told.is_error), ("tool", "c1", True))
        self.assertTrue(told.text.endswith("[cut here: 5 more characters]"))
        phases = [one["data"]["phase"] for one in self.heard.of("agent")]
        self.assertEqual(phases, ["start", "end"])
        for _ in range(MOST_FOREIGN_STEPS + 1):
            self.run_.tool_ended(call, ToolResult(text="x"))
        self.assertEqual(len(self.run_.steps), 2 * MOST_FOREIGN_STEPS)
        self.run_.cut("aborted")
        self.failureResultOf(self.run_.ended)

    def test_the_outcome_waits_for_the_words(self) -> None:
        self.run_.follow(self.runtime)
        self.run_.delta("a")
        self.runtime.callback(RunOutcome("a"))
        self.assertNoResult(self.run_.ended)
        self.recorded.callback(None)
        self.assertEqual(self.successResultOf(self.run_.ended).text, "a")
        self.assertEqual(self.deltas(), ["a"])

    def test_an_outcome_without_words_does_not_wait(self) -> None:
        self.run_.follow(self.runtime)
        self.runtime.callback(RunOutcome(""))
        self.successResultOf(self.run_.ended)
        self.assertEqual(self.asked, 0)

    def test_a_record_that_fails_ends_the_run_and_its_runtime(self) -> None:
        self.run_.follow(self.runtime)
        self.run_.delta("never seen")
        self.recorded.errback(StoreError("disk full"))
        self.failureResultOf(self.run_.ended, StoreError)
        self.assertEqual((self.cancelled, self.deltas(), self.run_.text), (1, [], ""))

    def test_a_record_that_fails_after_the_outcome(self) -> None:
        self.run_.follow(self.runtime)
        self.run_.delta("never seen")
        self.runtime.callback(RunOutcome("never seen"))
        self.recorded.errback(StoreError("disk full"))
        self.failureResultOf(self.run_.ended, StoreError)

    def test_nothing_is_heard_after_the_end(self) -> None:
        self.recorded.callback(None)
        self.run_.follow(self.runtime)
        self.run_.delta("a")
        self.assertTrue(self.run_.cut("aborted"))
        failure = self.failureResultOf(self.run_.ended, RunCut)
        self.assertEqual(failure.value.why, "aborted")
        before = list(self.heard.events)
        self.run_.delta("late")
        self.run_.model_started("p", "late")
        self.run_.fail(Failure(ValueError()))
        self.assertFalse(self.run_.cut("timeout"))
        self.assertEqual((self.heard.events, self.run_.text), (before, "a"))
        self.assertEqual(self.cancelled, 1)

    def test_words_that_were_held_at_the_end_are_not_shown_later(self) -> None:
        self.run_.follow(self.runtime)
        self.run_.delta("held")
        self.run_.cut("aborted")
        self.failureResultOf(self.run_.ended, RunCut)
        self.recorded.callback(None)
        self.assertEqual((self.deltas(), self.run_.text), ([], ""))

    def test_a_long_answer_is_gathered_so_that_it_costs_no_square(self) -> None:
        self.recorded.callback(None)
        self.run_.follow(self.runtime)
        said = "word " * 40_000
        for at in range(0, len(said), 5):
            self.run_.delta(said[at : at + 5])
        told = [len(one["message"]["content"][0]["text"]) for one in self.heard.of("chat")]
        early = [size for size in told if size < GATHER_FROM]
        self.assertEqual(early, list(range(5, GATHER_FROM, 5)), "short ones go word by word")
        self.assertLess(sum(told) - sum(early), 2 * GATHER_SHARE * len(said))
        self.assertLess(told[-1], len(said))
        self.runtime.callback(RunOutcome(said))
        self.assertEqual("".join(self.deltas()), said, "nothing is left untold at the end")

    def test_what_was_gathered_is_told_before_a_cut(self) -> None:
        self.recorded.callback(None)
        self.run_.delta("x" * GATHER_FROM)
        self.run_.delta("last words")
        self.assertNotIn("last words", self.deltas())
        self.run_.cut("aborted")
        self.failureResultOf(self.run_.ended, RunCut)
        self.assertEqual(self.deltas()[-1], "last words")
        self.assertTrue(self.run_.text.endswith("last words"))

    def test_a_cut_before_the_runtime_was_asked(self) -> None:
        self.assertTrue(self.run_.cut("timeout"))
        self.failureResultOf(self.run_.ended, RunCut)
        self.run_.follow(self.runtime)
        self.runtime.callback(RunOutcome("late"))

    def test_without_listeners_words_are_collected_and_counted(self) -> None:
        self.recorded.callback(None)
        self.heard.unwanted = {"chat"}
        self.run_.delta("a")
        self.heard.unwanted = set()
        self.run_.delta("b")
        (chat,) = self.heard.of("chat")
        self.assertEqual((chat["seq"], chat["message"]["content"][0]["text"]), (2, "ab"))

    def test_fields_that_are_absent_are_left_out(self) -> None:
        self.run_.error("no", "")
        self.run_.aborted(None)
        error, aborted = self.heard.of("chat")
        common = {"runId": "r1", "sessionKey": "a", "agentId": "main", "seq": 0}
        self.assertEqual(error, {**common, "state": "error", "errorMessage": "no"})
        self.assertEqual(aborted, {**common, "state": "aborted", "stopReason": "rpc"})

    def test_an_error_names_the_model_that_failed(self) -> None:
        self.run_.model_started("mock", "mock-1")
        self.run_.error("no", "timeout")
        error = self.heard.of("chat")[-1]
        self.assertEqual(error["errorDetail"], {"provider": "mock", "model": "mock-1"})
        self.assertEqual(error["errorKind"], "timeout")

    def test_a_heartbeat_says_so(self) -> None:
        beat: Any = entry("r2")
        object.__setattr__(beat, "kind", "heartbeat")
        Run(beat, self.heard, lambda: 7, "i", self.record).lifecycle({"phase": "start"})
        self.run_.lifecycle({"phase": "start"})
        marks = [one.get("isHeartbeat") for one in self.heard.of("agent")]
        self.assertEqual(marks, [True, None])

    def test_the_whole_answer_is_the_last_word(self) -> None:
        message = Message(role="assistant", content="all of it", timestamp=5)
        self.run_.final(message, "stop")
        (final,) = self.heard.of("chat")
        self.assertEqual((final["state"], final["stopReason"]), ("final", "stop"))
        self.assertEqual(final["message"]["content"], "all of it")
