"""Handing inputs in: what an acknowledgement promises, and what a repeat is told."""

from zope.interface.verify import verifyObject

from openclaw.errors import Busy, InvalidRequest, StoreError
from openclaw.interfaces.conversations import IConversations, NewInput
from openclaw.sessions.conversations import RUNS_KEPT_MS
from tests.sessions.rig import MAIN, WorldCase


class AcceptTests(WorldCase):
    def test_provides_the_interface(self) -> None:
        self.assertTrue(verifyObject(IConversations, self.world.conversations))

    def test_acknowledged_means_committed(self) -> None:
        self.world.store.holding = True
        accepting = self.world.accept("r1")
        self.assertNoResult(accepting)
        self.world.turn()
        self.assertEqual(self.world.runtime.calls, [])
        self.world.store.release()
        receipt = self.successResultOf(accepting)
        self.assertEqual((receipt.state, receipt.input.message_seq), ("new", 1))
        self.assertEqual(self.world.heard.of("agent"), [], "the acknowledgement leaves first")
        self.world.store.holding = False
        self.world.turn()
        self.assertEqual(self.world.call.said, [("user", "r1")])

    def test_a_store_that_fails_acknowledges_nothing_and_a_repeat_works(self) -> None:
        self.world.store.failing = {"store_input"}
        self.failureResultOf(self.world.accept("r1"), StoreError)
        self.world.turn()
        self.assertEqual((self.world.runtime.calls, self.transcript()), ([], []))
        self.world.store.failing = set()
        self.assertEqual(self.say("r1").state, "new")
        self.assertEqual(len(self.world.runtime.calls), 1)
        self.assertEqual(self.transcript(), [("user", "r1")])

    def test_an_input_is_told_to_those_who_follow(self) -> None:
        self.say("r1", "hello")
        (message,) = self.world.heard.of("session.message")
        self.assertEqual(message["message"]["content"], "hello")
        self.assertEqual((message["messageSeq"], message["runId"]), (1, "r1"))
        (change,) = self.world.heard.of("sessions.changed")
        self.assertEqual((change["reason"], change["session"]["hasActiveRun"]), ("accepted", True))

    def test_nothing_is_made_for_nobody(self) -> None:
        self.world.heard.unwanted = {"session.message", "sessions.changed"}
        self.say("r1")
        self.assertEqual(self.world.heard.of("session.message"), [])
        self.assertEqual(self.world.heard.of("sessions.changed"), [])

    def test_a_key_that_is_none_is_refused_before_anything_is_stored(self) -> None:
        self.world.store.ran.clear()
        self.failureResultOf(self.world.accept("r1", key="../etc"), InvalidRequest)
        self.assertEqual(self.world.store.ran, [])

    def test_spellings_of_a_key_are_one_session(self) -> None:
        self.say("r1", key="telegram:dm:42")
        self.say("r2", key="agent:main:telegram:direct:42")
        self.assertEqual(self.world.conversations.count(), 1)
        self.assertEqual(len(self.world.runtime.calls), 1, "the second waits for the first")


class ForgetTests(WorldCase):
    """A gateway that runs for months must not keep every run it ever had."""

    def known(self, run_id: str) -> bool:
        return self.successResultOf(self.world.conversations.receipt(run_id)) is not None

    def test_ended_runs_are_forgotten_after_a_day_and_their_messages_stay(self) -> None:
        self.say("old")
        self.world.call.answer("yes")
        self.world.clock.advance(RUNS_KEPT_MS / 1000 - 1)
        self.successResultOf(self.world.conversations.forget_old_runs())
        self.assertTrue(self.known("old"))
        self.say("new")
        self.world.clock.advance(2)
        self.successResultOf(self.world.conversations.forget_old_runs())
        self.assertEqual((self.known("old"), self.known("new")), (False, True))
        self.assertEqual(self.transcript()[:2], [("user", "old"), ("assistant", "yes")])


class RepeatTests(WorldCase):
    def test_while_it_is_stored_repeats_wait_and_are_in_flight(self) -> None:
        self.world.store.holding = True
        first = self.world.accept("r1")
        repeats = [self.world.accept("r1") for _ in range(3)]
        for repeat in repeats:
            self.assertNoResult(repeat)
        self.world.store.release()
        self.assertEqual(self.successResultOf(first).state, "new")
        for repeat in repeats:
            self.assertEqual(self.successResultOf(repeat).state, "in_flight")
        self.assertEqual(self.world.store.ran.count("store_input"), 1)

    def test_when_storing_fails_each_who_waits_tries_for_himself(self) -> None:
        self.world.store.holding = True
        self.world.store.failing = {"store_input"}
        first, second, third = (self.world.accept("r1", text) for text in ("a", "b", "c"))
        self.world.store.failing = set()
        self.world.store.release()
        self.failureResultOf(first, StoreError)
        self.world.store.release()
        receipt = self.successResultOf(second)
        self.assertEqual((receipt.state, receipt.input.text), ("new", "b"), "its own words")
        self.assertEqual(self.successResultOf(third).state, "in_flight")
        self.assertEqual(self.transcript_text(), ["b"])

    def transcript_text(self) -> list[str]:
        self.world.store.holding = False
        return [text for _, text in self.transcript()]

    def test_while_it_waits_or_runs_a_repeat_is_in_flight(self) -> None:
        self.say("r1")
        self.say("r2")
        for run_id in ("r1", "r2"):
            self.assertEqual(self.say(run_id).state, "in_flight")
        self.assertEqual(len(self.transcript()), 2)

    def test_another_text_under_the_same_id_is_not_stored(self) -> None:
        self.say("r1", "first")
        receipt = self.say("r1", "second")
        self.assertEqual((receipt.state, receipt.input.text), ("in_flight", "first"))
        self.assertEqual(self.transcript(), [("user", "first")])

    def test_an_id_names_one_run_whatever_session_a_repeat_names(self) -> None:
        self.say("r1")
        receipt = self.say("r1", key="agent:main:other")
        self.assertEqual((receipt.state, receipt.input.session_key), ("in_flight", MAIN))
        self.world.call.answer("x")
        receipt = self.say("r1", key="agent:main:other")
        self.assertEqual((receipt.state, receipt.input.session_key), ("done", MAIN))
        self.assertEqual(self.world.conversations.count(), 1)

    def test_once_it_is_done_a_repeat_gets_the_record(self) -> None:
        self.say("r1")
        self.world.call.answer("the ", "answer")
        for _ in range(2):
            receipt = self.say("r1")
            assert receipt.state == "done" and receipt.record is not None
            assert receipt.record.final.result
            self.assertEqual(receipt.record.final.result.payloads[0].text, "the answer")
            self.restart()
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "the answer")])
        self.assertEqual(self.world.runtime.calls, [])

    def test_after_a_restart_what_did_not_end_is_in_flight(self) -> None:
        self.say("r1")
        self.say("r2")
        self.restart()
        for run_id in ("r1", "r2"):
            self.assertEqual(self.say(run_id).state, "in_flight")
        self.assertEqual(self.transcript(), [("user", "r1"), ("user", "r2")])

    def test_stored_but_never_told_is_taken_up_by_the_repeat(self) -> None:
        """Somebody stopped waiting while the journal worked."""
        self.world.store.holding = True
        accepting = self.world.accept("r1")
        accepting.addErrback(lambda _: None)
        accepting.cancel()
        self.world.store.release()
        self.world.store.holding = False
        self.world.turn()
        self.assertEqual(self.world.runtime.calls, [])
        self.assertEqual(self.say("r1").state, "in_flight")
        self.world.call.answer("x")
        self.assertEqual(self.transcript(), [("user", "r1"), ("assistant", "x")])

    def test_an_end_that_was_not_recorded_is_told_as_interrupted(self) -> None:
        self.say("r1")
        self.world.store.failing = {"store_ending"}
        self.world.call.answer("seen")
        self.world.give_up_storing()
        self.world.store.failing = set()
        receipt = self.say("r1")
        assert receipt.record is not None
        self.assertEqual((receipt.state, receipt.record.final.status), ("done", "error"))
        self.assertEqual(len(self.world.runtime.calls), 1, "what was seen does not run again")
        self.assertIn("error: The gateway stopped", self.transcript()[1][1])

    def test_receipts(self) -> None:
        conversations = self.world.conversations
        self.assertIs(self.successResultOf(conversations.receipt("r1")), None)
        self.say("r1")
        receipt = self.successResultOf(conversations.receipt("r1"))
        assert receipt is not None
        self.assertEqual(receipt.state, "in_flight")
        self.world.call.answer("x")
        receipt = self.successResultOf(conversations.receipt("r1"))
        assert receipt is not None and receipt.record is not None
        self.assertEqual((receipt.state, receipt.record.final.status), ("done", "ok"))


class FullLaneTests(WorldCase):
    def fill(self, waiting: int) -> None:
        self.say("running")
        for number in range(waiting):
            self.say(f"w{number}")

    def test_a_hundred_inputs_wait_the_next_is_told_to_come_back(self) -> None:
        self.fill(100)
        error = self.failureResultOf(self.world.accept("late"), Busy).value
        self.assertEqual((error.retryable, error.code), (True, "UNAVAILABLE"))
        self.assertGreater(error.retry_after_ms, 0)
        self.assertEqual(error.details, {"code": "LANE_FULL", "sessionKey": MAIN})
        self.assertEqual(self.successResultOf(self.world.accept("w7")).state, "in_flight")
        self.assertEqual(self.say("elsewhere", key="agent:main:b").state, "new")
        self.world.runtime.calls[0].answer("x")
        self.world.turn()
        self.assertEqual(self.say("late").state, "new")

    def test_what_is_being_stored_counts(self) -> None:
        self.fill(98)
        self.world.store.holding = True
        accepting = [self.world.accept(f"s{number}") for number in range(4)]
        for refused in accepting[2:]:
            self.failureResultOf(refused, Busy)
        self.world.store.release()
        for accepted in accepting[:2]:
            self.assertEqual(self.successResultOf(accepted).state, "new")

    def test_what_was_not_stored_counts_no_more(self) -> None:
        self.fill(99)
        self.world.store.failing = {"store_input"}
        self.failureResultOf(self.world.accept("s"), StoreError)
        self.world.store.failing = set()
        self.assertEqual(self.say("s").state, "new")

    def test_recovered_inputs_are_kept_even_if_there_are_too_many(self) -> None:
        self.fill(100)
        self.restart()
        order = []
        for _ in range(101):
            self.world.turn()
            order.append(self.world.call.request.run_id)
            self.world.call.answer("x")
        self.assertEqual(order, ["running", *(f"w{number}" for number in range(100))])


class EndedTests(WorldCase):
    def test_everybody_who_waits_hears_of_the_end_after_its_last_event(self) -> None:
        self.say("r1")
        waiting = [self.world.conversations.ended("r1") for _ in range(2)]
        seen: list[object] = []
        for one in waiting:
            one.addCallback(lambda record: seen.append(self.world.heard.states("r1")[-1]))
        self.world.call.answer("x")
        self.assertEqual(seen, ["final", "final"])

    def test_who_stops_waiting_is_forgotten(self) -> None:
        self.say("r1")
        gone, stays = (self.world.conversations.ended("r1") for _ in range(2))
        gone.addErrback(lambda _: None)
        gone.cancel()
        unknown = self.world.conversations.ended("never")
        unknown.addErrback(lambda _: None)
        unknown.cancel()
        self.world.call.answer("x")
        self.assertEqual(self.successResultOf(stays).final.status, "ok")

    def test_an_end_that_cannot_be_stored_is_told_as_a_failure(self) -> None:
        self.say("r1")
        waiting = self.world.conversations.ended("r1")
        self.world.store.failing = {"store_ending"}
        self.world.call.answer("x")
        self.world.give_up_storing()
        self.failureResultOf(waiting, StoreError)


class WithdrawTests(WorldCase):
    def test_an_input_that_waits_ends_before_it_ran(self) -> None:
        self.say("r1")
        self.say("r2")
        self.say("r3")
        waiting = self.world.conversations.ended("r2")
        told = []
        waiting.addCallback(lambda record: told.append(self.world.heard.states("r2")))
        taken = self.successResultOf(self.world.conversations.withdraw("main", "r2"))
        self.assertEqual((taken, told), (["r2"], [["aborted"]]))
        self.world.call.answer("x")
        self.world.turn()
        self.assertEqual(self.world.call.request.run_id, "r3")
        receipt = self.say("r2")
        assert receipt.record is not None
        self.assertEqual(receipt.record.final.stop_reason, "rpc")

    def test_not_what_runs_and_not_elsewhere(self) -> None:
        self.say("r1")
        self.say("r2")
        for key, run_id in ((MAIN, "r1"), ("agent:main:b", "r2"), (MAIN, "unknown")):
            taken = self.successResultOf(self.world.conversations.withdraw(key, run_id))
            self.assertEqual(taken, [])

    def test_a_store_that_fails_leaves_them_where_they_were(self) -> None:
        self.say("r1")
        for run_id in ("r2", "r3", "r4"):
            self.say(run_id)
        self.world.store.failing = {"store_ending"}
        self.failureResultOf(self.world.conversations.withdraw("main", None), StoreError)
        self.world.store.failing = set()
        self.say("r5")
        ran = []
        for _ in range(5):
            ran.append(self.world.call.request.run_id)
            self.world.call.answer("x")
            self.world.turn()
        self.assertEqual(ran, ["r1", "r2", "r3", "r4", "r5"])

    def test_the_lane_goes_on_after_everything_was_withdrawn(self) -> None:
        self.successResultOf(self.world.accept("r1"))
        self.successResultOf(self.world.conversations.withdraw("main", None))
        self.world.turn()
        self.assertEqual(self.world.runtime.calls, [])
        self.say("r2")
        self.assertEqual(self.world.call.request.run_id, "r2")
        self.assertEqual(self.row().active_run_ids, ["r2"])


class NewInputTests(WorldCase):
    def test_what_the_run_needs_survives(self) -> None:
        new = NewInput(
            run_id="r1",
            kind="agent",
            session_key="main",
            text="hello",
            timeout_seconds=7.5,
            system="be brief",
        )
        self.successResultOf(self.world.conversations.accept(new))
        self.restart()
        self.world.turn()
        request = self.world.call.request
        self.assertEqual((request.timeout_seconds, request.system), (7.5, "be brief"))
        self.assertEqual((request.session_key, request.agent_id), (MAIN, "main"))
