"""What becomes of inputs when the process is killed at any moment."""

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import StoreError
from openclaw.sessions.recovery import MAX_ATTEMPTS, interruption, plan
from openclaw.sessions.rows import StoredRun
from tests.sessions.rig import MAIN, WorldCase, answers_itself
from tests.sessions.test_lanes import entry as make_entry

INTERRUPTED = (
    "error: The gateway stopped while this was being answered. Ask again to get an answer."
)


class PlanTests(SynchronousTestCase):
    def test_every_state_and_attempt(self) -> None:
        for state, attempt, living in product(("accepted", "shown"), range(1, 6), (True, False)):
            input = make_entry("r1")
            object.__setattr__(input, "attempt", attempt)
            found = plan([StoredRun(input, state, None)], {"s"} if living else set())
            again = state == "accepted" and attempt < MAX_ATTEMPTS and living
            self.assertEqual(found.run, (input,) if again else (), (state, attempt, living))
            self.assertEqual(found.interrupted, () if again else (input,))

    def test_order_is_kept(self) -> None:
        entries = [make_entry(str(number)) for number in range(20)]
        found = plan([StoredRun(one, "accepted", None) for one in entries], {"s"})
        self.assertEqual(list(found.run), entries)

    def test_interruption_says_so_in_words(self) -> None:
        ending = interruption(make_entry("r1"), 5)
        self.assertEqual((ending.state, ending.text, ending.ended_at_ms), ("interrupted", "", 5))
        self.assertIn("Ask again", ending.error)


class KillTests(WorldCase):
    """A kill at each step between the acknowledgement and the recorded end."""

    def recovered(self) -> list[str]:
        """Kill, start again, let everything run; what ran."""
        world = self.restart()
        world.runtime.on_run = answers_itself
        for _ in range(10):
            world.turn()
        return [call.request.run_id for call in world.runtime.calls]

    def test_accepted_and_not_started_runs_once(self) -> None:
        self.successResultOf(self.world.accept("r1"))
        self.assertEqual(self.recovered(), ["r1"])
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "re r1")])
        self.assertEqual(self.recovered(), [])

    def test_started_and_nothing_shown_runs_again(self) -> None:
        self.say("r1")
        self.assertEqual(len(self.world.runtime.calls), 1)
        self.assertEqual(self.recovered(), ["r1"])
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "re r1")])

    def test_words_that_nobody_could_see_yet_do_not_count(self) -> None:
        self.say("r1")
        self.world.store.failing = {"mark_shown"}
        self.world.store.holding = True
        self.world.call.sink.delta("held back")
        self.assertEqual(self.world.heard.states("r1"), ["status"])
        self.assertEqual(self.recovered(), ["r1"])

    def test_shown_is_told_as_interrupted_and_never_runs_again(self) -> None:
        self.say("r1")
        self.world.call.sink.delta("some words")
        self.assertEqual(self.recovered(), [])
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", INTERRUPTED)])
        row = self.world.conversations.row(MAIN)
        assert row is not None
        self.assertEqual((row.status, row.has_active_run), ("interrupted", False))
        receipt = self.say("r1")
        assert receipt.record is not None
        self.assertEqual((receipt.state, receipt.record.final.status), ("done", "error"))
        self.assertEqual(self.recovered(), [])
        self.assertEqual(len(self.transcript()), 2, "told once")

    def test_ended_does_not_run_again(self) -> None:
        self.say("r1")
        self.world.call.answer("x")
        self.assertEqual(self.recovered(), [])
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "x")])

    def test_words_after_the_end_do_not_undo_it(self) -> None:
        self.say("r1")
        self.world.call.answer("x")
        self.successResultOf(self.world.conversations.shown("r1"))
        self.assertEqual(self.recovered(), [])
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "x")])

    def test_the_end_was_stored_but_nobody_was_told(self) -> None:
        self.say("r1")
        self.world.store.holding = True
        self.world.call.finish("x")
        self.assertEqual(self.world.heard.states("r1"), ["status"])
        self.assertEqual(self.recovered(), [])
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "x")])

    def test_order_is_kept(self) -> None:
        for number in range(5):
            self.say(f"a{number}")
            self.say(f"b{number}", key="agent:main:b")
        ran = self.recovered()
        self.assertEqual([one for one in ran if one[0] == "a"], [f"a{n}" for n in range(5)])
        self.assertEqual([one for one in ran if one[0] == "b"], [f"b{n}" for n in range(5)])

    def test_a_few_attempts_then_it_is_told_as_interrupted(self) -> None:
        self.say("poison")
        self.say("next")
        for _ in range(MAX_ATTEMPTS - 1):
            world = self.restart()
            world.turn()
            self.assertEqual([call.request.run_id for call in world.runtime.calls], ["poison"])
        self.assertEqual(self.recovered(), ["next"], "what waited behind it is not lost")
        self.assertEqual(
            self.transcript(),
            [
                ("user", "poison"),
                ("assistant", INTERRUPTED),
                ("user", "next"),
                ("assistant", "re next"),
            ],
        )

    def test_waiting_is_no_attempt(self) -> None:
        self.say("running")
        self.say("waiting")
        for _ in range(10):
            self.restart()
        self.assertEqual(self.recovered(), ["running", "waiting"])

    def test_a_start_that_cannot_be_counted_happens_all_the_same(self) -> None:
        self.say("r1")
        world = self.world.crash()
        world.store.failing = {"mark_attempt"}
        self.world = self.start(world)
        world.turn()
        self.assertEqual([call.request.run_id for call in world.runtime.calls], ["r1"])

    def test_a_journal_that_cannot_be_read_fails_the_start(self) -> None:
        world = self.world.crash()
        world.store.failing = {"load"}
        self.failureResultOf(world.conversations.load(), StoreError)

    def test_nothing_runs_before_the_gateway_is_open(self) -> None:
        self.say("r1")
        world = self.world.crash()
        self.successResultOf(world.conversations.load())
        world.turn()
        self.assertEqual(world.runtime.calls, [])
        row = world.conversations.row(MAIN)
        assert row is not None
        self.assertEqual((row.status, row.active_run_ids), ("running", ["r1"]))

    def test_an_input_whose_session_was_deleted_under_it_does_not_run(self) -> None:
        self.say("r1")
        self.successResultOf(self.world.conversations.delete(MAIN, None))
        self.assertEqual(self.recovered(), [])
        receipt = self.say("r1")
        self.assertEqual(receipt.state, "done")

    def test_runs_that_ended_long_ago_are_forgotten_their_words_are_not(self) -> None:
        self.say("r1")
        self.world.call.answer("x")
        world = self.world.crash()
        world.clock.advance(25 * 3600)
        self.start(world)
        self.assertIs(self.successResultOf(world.conversations.receipt("r1")), None)
        self.assertEqual(len(self.transcript(world=world)), 2)


class StopTests(WorldCase):
    """A stop in good order."""

    def test_what_runs_may_end_and_what_waits_stays(self) -> None:
        self.say("r1")
        self.say("r2")
        drained = self.world.conversations.drain()
        self.assertNoResult(drained)
        self.world.call.answer("x")
        self.successResultOf(drained)
        self.world.turn()
        self.assertEqual(len(self.world.runtime.calls), 1)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
        self.restart().turn()
        self.assertEqual(self.world.call.request.run_id, "r2")

    def test_an_input_accepted_while_it_drains_runs_after_the_start(self) -> None:
        self.successResultOf(self.world.conversations.drain())
        self.assertEqual(self.say("late").state, "new")
        self.assertEqual(self.world.runtime.calls, [])
        self.restart().turn()
        self.assertEqual(self.world.call.request.run_id, "late")

    def test_interrupted_before_anything_was_shown_runs_again(self) -> None:
        self.say("r1")
        drained = self.world.conversations.drain()
        self.world.runs.interrupt()
        self.successResultOf(drained)
        self.assertEqual(self.world.call.cancelled, 1)
        self.assertEqual(self.transcript(), [("user", "r1")])
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
        self.restart().turn()
        self.assertEqual(self.world.call.request.run_id, "r1")

    def test_interrupted_after_words_were_shown_keeps_them(self) -> None:
        self.say("r1")
        self.world.call.sink.delta("half an ")
        drained = self.world.conversations.drain()
        self.world.runs.interrupt()
        self.successResultOf(drained)
        self.assertEqual(self.world.heard.states("r1")[-1], "error")
        self.restart().turn()
        self.assertEqual(self.world.runtime.calls, [])
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "half an ")])
        self.assertEqual(self.messages()[1]["stopReason"], "interrupted")

    def test_interrupted_while_the_first_words_are_being_recorded(self) -> None:
        self.say("r1")
        self.world.store.holding = True
        self.world.call.sink.delta("on the way")
        drained = self.world.conversations.drain()
        self.world.runs.interrupt()
        self.world.store.release()
        self.world.store.release()
        self.successResultOf(drained)
        self.assertEqual(self.world.heard.states("r1"), ["status", "error"])
        self.assertEqual(self.row().active_run_ids, [])
        self.restart().turn()
        self.assertEqual(self.world.runtime.calls, [], "the record says it may have been seen")
        self.assertEqual(self.transcript()[1][0], "assistant")
