"""Inputs that come while another runs."""

from twisted.internet.defer import Deferred, succeed

from openclaw.interfaces.agents import RunOutcome
from openclaw.interfaces.messages import Origin, Person, Target
from openclaw.interfaces.tools import ToolCall, ToolResult
from openclaw.sessions.merging import Mode
from tests.agents.test_loop import Box
from tests.sessions.rig import WorldCase


def origin(chat_id: str) -> Origin:
    """Where something was said."""
    target = Target(channel="telegram", account="default", chat_id=chat_id)
    return Origin(target=target, sender=Person(id=chat_id), message_key=f"t:{chat_id}")


class MergingCase(WorldCase):
    mode: Mode = "followup"

    def setUp(self) -> None:
        super().setUp()
        self.world.mode = self.mode

    def shown(self) -> list[tuple[str, str]]:
        """What the model was shown at its latest run."""
        return self.world.call.said

    def answer(self, text: str) -> None:
        """Let the model answer, and the next run start."""
        self.world.call.answer(text)
        self.world.turn()


class FollowupTests(MergingCase):
    def test_each_has_its_own_run(self) -> None:
        for run_id in ("r1", "r2", "r3"):
            self.say(run_id)
        for run_id in ("r1", "r2", "r3"):
            self.assertEqual(self.shown()[-1], ("user", run_id))
            self.answer("x")


class CollectTests(MergingCase):
    mode = "collect"

    def test_what_waits_is_one_input(self) -> None:
        for run_id in ("r1", "r2", "r3"):
            self.say(run_id)
        ended = self.world.conversations.ended("r3")
        self.answer("one")
        self.assertEqual(self.shown(), [("user", "r1"), ("assistant", "one"), ("user", "r2\nr3")])
        self.assertEqual(self.successResultOf(ended).stop_reason, "merged")
        self.assertEqual(self.world.heard.of("chat", "r3")[-1]["state"], "final")
        self.answer("both")
        self.say("r4")
        self.assertEqual(
            self.shown()[2:],
            [("user", "r2"), ("user", "r3"), ("assistant", "both"), ("user", "r4")],
        )

    def test_what_was_said_elsewhere_stays_apart(self) -> None:
        self.say("r1")
        for run_id, chat in (("r2", "42"), ("r3", "43"), ("r4", "43")):
            self.successResultOf(self.world.accept(run_id, origin=origin(chat)))
        self.world.turn()
        self.answer("one")
        self.assertEqual(self.shown()[-1], ("user", "r2"))
        self.answer("two")
        self.assertEqual(self.shown()[-1], ("user", "r3\nr4"))

    def test_commands_stay_apart(self) -> None:
        self.say("r1")
        self.say("r2")
        self.say("c", "/help")
        self.answer("one")
        self.assertEqual(self.shown()[-1], ("user", "r2"))

    def test_a_kill_right_after_loses_and_doubles_nothing(self) -> None:
        for run_id in ("r1", "r2", "r3"):
            self.say(run_id)
        self.answer("one")
        self.restart()
        self.world.turn()
        self.assertEqual(self.shown()[-1], ("user", "r2\nr3"))
        self.answer("both")
        self.assertEqual(len(self.world.runtime.calls), 1)

    def test_what_cannot_be_stored_stays_apart(self) -> None:
        for run_id in ("r1", "r2", "r3"):
            self.say(run_id)
        self.world.store.failing = {"merge_inputs"}
        self.answer("one")
        self.assertEqual(self.shown()[-1], ("user", "r2"))
        self.world.store.failing = set()
        self.answer("two")
        self.assertEqual(self.shown()[-1], ("user", "r3"))


class InterruptTests(MergingCase):
    mode = "interrupt"

    def test_the_newest_ends_what_runs(self) -> None:
        self.say("r1")
        self.world.call.sink.delta("well")
        self.say("r2")
        self.world.turn()
        self.assertEqual(self.world.heard.of("chat", "r1")[-1]["state"], "aborted")
        self.assertEqual(self.shown()[-1], ("user", "r2"))


class SteerTests(MergingCase):
    mode = "steer"

    def setUp(self) -> None:
        super().setUp()
        self.box = Box()
        self.world.runs.toolbox = self.box

    def use_tool(self, result: Deferred[ToolResult]) -> None:
        """Let the model use a tool that ends when the test says so."""
        self.box.answer = lambda name: result
        call = ToolCall(id="c1", name="look")
        self.world.call.done.callback(RunOutcome("", "tool_calls", calls=(call,)))
        self.world.turn()

    def test_what_comes_is_told_between_two_steps(self) -> None:
        self.say("r1")
        result: Deferred[ToolResult] = Deferred()
        self.use_tool(result)
        self.say("r2", "no, the other one")
        result.callback(ToolResult(text="seen"))
        self.world.turn()
        self.assertEqual([role for role, _ in self.shown()], ["user", "assistant", "tool", "user"])
        self.assertEqual(self.shown()[-1], ("user", "no, the other one"))
        self.answer("that one then")
        self.assertEqual(len(self.world.runtime.calls), 2)
        self.assertEqual(self.world.runs.active(), ())

    def test_what_comes_after_the_last_step_has_its_own_run(self) -> None:
        self.say("r1")
        self.say("r2")
        self.answer("x")
        self.assertEqual(self.shown()[-1], ("user", "r2"))

    def test_a_store_that_fails_leaves_it_waiting(self) -> None:
        self.say("r1")
        self.say("r2")
        self.world.store.failing = {"merge_inputs"}
        self.use_tool(succeed(ToolResult(text="seen")))
        self.assertEqual(self.shown()[-1][0], "tool")
        self.world.store.failing = set()
        self.answer("x")
        self.assertEqual(self.shown()[-1], ("user", "r2"))
