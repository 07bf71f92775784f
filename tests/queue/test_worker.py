"""The worker over each backend, with a handler that does what the test says."""

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openclaw.errors import StoreError
from openclaw.interfaces.queue import (
    Delivery,
    IHandler,
    IQueueBackend,
    NewMessage,
    QueuedMessage,
    Undelivered,
)
from openclaw.queue.memory import MemoryQueue
from openclaw.queue.retries import RetryPolicy
from openclaw.queue.rules import QueueRules
from openclaw.queue.sqlite import SQLiteQueue
from openclaw.queue.worker import Pace, Worker
from openclaw.storage.memory import MemoryStore
from tests.queue.test_retries import Least

START = 1_800_000_000


@implementer(IHandler)
@define
class Script:
    """Keeps every delivery; ends each as the test says.

    :ivar answer: called for each delivery; else it waits.
    :ivar given_up: what it was told is dead, and whether that is unknown.
    """

    calls: list[tuple[float, Delivery, Deferred[None]]] = field(factory=list)
    answer: Callable[[Delivery], Deferred[None]] | None = None
    clock: Clock | None = None
    given_up: list[tuple[str, bool]] = field(factory=list)

    def gave_up(self, delivery: Delivery, reason: str, unknown: bool) -> None:
        """Keep it."""
        self.given_up.append((delivery.id, unknown))

    def handle(self, delivery: Delivery) -> Deferred[None]:
        """Begin."""
        done: Deferred[None] = Deferred()
        assert self.clock is not None
        self.calls.append((self.clock.seconds() - START, delivery, done))
        return done if self.answer is None else self.answer(delivery)

    @property
    def ids(self) -> list[str]:
        """What was delivered."""
        return [delivery.id for _, delivery, _ in self.calls]

    @property
    def times(self) -> list[float]:
        """When, in seconds since the start of the test."""
        return [round(moment, 3) for moment, _, _ in self.calls]

    def end(self, at: int = -1, error: Exception | None = None) -> None:
        """End one delivery."""
        done = self.calls[at][2]
        if error is None:
            done.callback(None)
        else:
            done.errback(error)


class WorkerCase(SynchronousTestCase):
    """A worker that can be stopped and started."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START)
        self.script = Script(clock=self.clock)
        self.queue = self.make()
        self.worker = self.make_worker()

    def now_ms(self) -> int:
        return round(self.clock.seconds() * 1000)

    def make(self) -> IQueueBackend:
        return MemoryQueue(QueueRules(), self.now_ms)

    def make_worker(self, pace: Pace = Pace(), **policy: Any) -> Worker:  # noqa: B008  # Frozen.
        return Worker(
            self.queue, "in", self.script, RetryPolicy(**policy), self.clock, Least(), pace
        )

    def start(self, pace: Pace = Pace(), **policy: Any) -> None:  # noqa: B008  # Frozen.
        """Start a worker; at the end of the test it stops and leaves nothing."""
        self.worker = self.make_worker(pace, **policy)
        self.worker.startService()
        self.addCleanup(self.stop)

    def stop(self) -> None:
        """Stop, whatever runs; nothing may be left in the clock."""
        if self.worker.running:
            stopped = self.worker.stopService()
            self.clock.advance(60)
            self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def put(self, *ids: str, lane: str = "a", **more: Any) -> None:
        for one in ids:
            new = NewMessage(id=one, queue="in", lane=lane, body=b"", **more)
            self.assertTrue(self.successResultOf(self.queue.enqueue(new)))

    def pass_time(self, seconds: float, step: float = 1 / 16) -> None:
        self.clock.pump([step] * round(seconds / step))

    def letters(self) -> list[QueuedMessage]:
        page = self.successResultOf(self.queue.inspect("in", 100, 0, "", True))
        return list(page)

    def left(self) -> int:
        found = self.successResultOf(self.queue.stats()).queues.get("in")
        return found.ready + found.delayed + found.running if found else 0


class WorkTests(WorkerCase):
    def test_provides_the_interface(self) -> None:
        verifyObject(IHandler, self.script)

    def test_works_on_what_is_there_and_what_comes(self) -> None:
        self.put("m1")
        self.start()
        self.assertEqual(self.script.ids, ["m1"])
        self.script.end()
        self.assertEqual(self.left(), 0)
        self.put("m2")
        self.assertEqual(self.script.ids, ["m1", "m2"], "at once, not at the next poll")

    def test_lanes_run_beside_each_other_each_in_its_order(self) -> None:
        self.put("a1", "a2")
        self.put("b1", lane="b")
        self.start()
        self.assertEqual(self.script.ids, ["a1", "b1"])
        self.assertEqual(len(self.worker), 2)
        self.script.end(0)
        self.assertEqual(self.script.ids, ["a1", "b1", "a2"])

    def test_no_more_at_once_than_allowed(self) -> None:
        for n in range(5):
            self.put(f"m{n}", lane=f"l{n}")
        self.start(Pace(concurrency=2))
        self.assertEqual(self.script.ids, ["m0", "m1"])
        running = self.successResultOf(self.queue.stats()).queues["in"].running
        self.assertEqual(running, 2, "what cannot start is not claimed")
        self.script.end(0)
        self.assertEqual(self.script.ids, ["m0", "m1", "m2"])

    def test_a_poll_finds_what_nobody_told_of(self) -> None:
        self.put("m1", not_before_ms=self.now_ms() + 2500)
        self.start()
        self.pass_time(2.4)
        self.assertEqual(self.script.ids, [])
        self.pass_time(1.125)
        self.assertEqual(self.script.ids, ["m1"])

    def test_a_handler_that_raises_is_one_that_fails(self) -> None:
        def broken(delivery: Delivery) -> Deferred[None]:
            raise ValueError("wrong")

        self.script.answer = broken
        self.put("m1")
        self.start()
        self.pass_time(5)
        self.assertEqual(len(self.script.calls), 3)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 3)
        self.assertIn("ValueError: wrong", self.letters()[0].reason)


class RetryTests(WorkerCase):
    def failing(self, error: Callable[[], Exception]) -> None:
        def answer(delivery: Delivery) -> Deferred[None]:
            done: Deferred[None] = Deferred()
            done.errback(error())
            return done

        self.script.answer = answer

    def test_three_attempts_after_one_and_two_seconds_then_a_dead_letter(self) -> None:
        self.failing(lambda: Undelivered("no route", "retry"))
        self.put("m1", "m2")
        self.start()
        self.pass_time(3.125)
        self.assertEqual(self.script.times[:3], [0, 1, 3])
        self.assertEqual(self.script.ids[:4], ["m1", "m1", "m1", "m2"])
        (letter,) = self.letters()
        self.assertEqual((letter.state, letter.attempts), ("dead", 3))
        self.assertEqual(self.script.given_up, [(letter.id, False)])
        lines = letter.reason.split("\n")
        self.assertEqual(lines[0], "attempt 3 of 3: no route")
        self.assertEqual([line.split(",")[0] for line in lines[1:]], ["attempt 1", "attempt 2"])

    def test_a_poison_message_delays_no_other_lane(self) -> None:
        self.failing(lambda: Undelivered("no", "retry"))
        self.put("bad")
        self.start()
        self.script.answer = lambda delivery: succeed(None)
        self.put("good", lane="b")
        self.assertEqual(self.script.times, [0, 0])

    def test_the_wait_that_was_asked_for_is_kept_exactly(self) -> None:
        self.failing(lambda: Undelivered("slow down", "retry", 17_250))
        self.put("m1")
        self.start()
        self.pass_time(40)
        self.assertEqual(self.script.times, [0, 17.25, 34.5])
        self.assertIn("attempt 3 of 3", self.letters()[0].reason, "not ordering_timeout")

    def test_what_cannot_be_tried_yet_is_no_attempt(self) -> None:
        self.failing(lambda: Undelivered("not connected", "later", 500))
        self.put("m1")
        self.start()
        self.pass_time(5)
        self.assertEqual(self.script.times, [n / 2 for n in range(11)])
        self.assertEqual({delivery.attempt for _, delivery, _ in self.script.calls}, {1})
        self.assertEqual(self.letters(), [])

    def test_later_without_a_time_is_the_first_wait(self) -> None:
        self.failing(lambda: Undelivered("not connected", "later"))
        self.put("m1")
        self.start()
        self.pass_time(2)
        self.assertEqual(self.script.times, [0, 1, 2])

    def test_never_is_final(self) -> None:
        self.failing(lambda: Undelivered("no such chat", "never"))
        self.put("m1")
        self.start()
        self.pass_time(5)
        self.assertEqual(self.script.ids, ["m1"])
        self.assertEqual([(one.state, one.reason) for one in self.letters()],
                         [("dead", "no such chat")])  # fmt: skip

    def test_unknown_is_parked_and_comes_back_only_when_told(self) -> None:
        self.failing(lambda: Undelivered("answer lost", "unknown"))
        self.put("m1")
        self.start()
        self.pass_time(600, step=1)
        self.assertEqual(self.script.ids, ["m1"])
        self.assertEqual([(one.state, one.reason) for one in self.letters()],
                         [("unknown", "outcome unknown: answer lost")])  # fmt: skip
        self.script.answer = lambda delivery: succeed(None)
        self.successResultOf(self.queue.revive(["m1"]))
        self.assertEqual(self.script.ids, ["m1", "m1"])
        self.assertEqual((self.letters(), self.left()), ([], 0))

    def test_a_lane_is_not_blocked_by_waits_for_longer_than_allowed(self) -> None:
        self.failing(lambda: Undelivered("no", "retry"))
        self.put("m1")
        self.start(max_attempts=10)
        self.pass_time(60)
        self.assertEqual(self.script.times, [0, 1, 3, 7])
        self.assertTrue(self.letters()[0].reason.startswith("ordering_timeout: "))

    def test_a_policy_without_that_limit_uses_all_attempts(self) -> None:
        self.failing(lambda: Undelivered("no", "retry"))
        self.put("m1")
        self.start(max_attempts=6, blocked_ms=0)
        self.pass_time(60)
        self.assertEqual(self.script.times, [0, 1, 3, 7, 15, 31])

    def test_what_kills_its_worker_again_and_again_is_not_tried_for_ever(self) -> None:
        self.put("m1")
        self.die(10)
        self.start()
        self.assertEqual(self.script.ids, [])
        (letter,) = self.letters()
        self.assertEqual(letter.state, "unknown")
        self.assertIn("10 attempts ended with their worker", letter.reason)

    def test_what_was_claimed_when_its_worker_died_has_all_its_attempts_yet(self) -> None:
        self.put("m1")
        self.die(5)
        self.failing(lambda: Undelivered("no", "retry"))
        self.start()
        self.pass_time(60)
        self.assertEqual(self.script.times, [5, 6, 8])
        self.assertIn("attempt 3 of 3: no", self.letters()[0].reason)

    def die(self, times: int) -> None:
        """Let workers claim the message and end without a word, one a second."""
        for _ in range(times):
            self.successResultOf(self.queue.claim("in", 1, 1))
            self.clock.advance(1)


class ClaimTests(WorkerCase):
    def test_a_long_delivery_keeps_its_claim(self) -> None:
        self.put("m1")
        self.start(Pace(visibility_ms=3000))
        self.pass_time(20)
        self.assertEqual(self.successResultOf(self.queue.claim("in", 1, 1)), [])
        self.script.end()
        self.assertEqual((self.script.ids, self.left()), (["m1"], 0))

    def test_a_result_that_came_too_late_is_dropped(self) -> None:
        self.put("m1")
        self.start(Pace(visibility_ms=3000))
        for call in self.clock.getDelayedCalls():  # The process is stopped, time is not.
            call.delay(10)
        self.clock.advance(5)
        (other,) = self.successResultOf(self.queue.claim("in", 1, 60_000))
        self.assertTrue(other.interrupted)
        with capturedLogs() as logs:
            self.script.end()
        self.assertIn("dropped", logs[-1]["log_format"])
        self.assertEqual(self.left(), 1)
        self.assertTrue(self.successResultOf(self.queue.ack(other)))

    def test_work_whose_lane_was_lost_is_cancelled(self) -> None:
        self.put("m1")
        self.start(Pace(visibility_ms=3000))
        for call in self.clock.getDelayedCalls():
            call.delay(10)
        self.clock.advance(5)
        (other,) = self.successResultOf(self.queue.claim("in", 1, 60_000))
        self.clock.advance(7)
        self.assertEqual(len(self.worker), 0)
        self.assertTrue(self.script.calls[0][2].called)
        self.assertTrue(self.successResultOf(self.queue.ack(other)))

    def test_a_claim_of_our_own_that_lapsed_is_taken_up_again(self) -> None:
        """After a sleep of the machine the handler still runs: it must not run twice."""
        self.put("m1", "m2")
        self.start(Pace(visibility_ms=3000))
        self.clock.rightNow += 60  # Nothing ran meanwhile, not even timers.
        self.clock.advance(0)
        self.assertEqual(self.script.ids, ["m1"])
        self.script.end()
        self.assertEqual(self.script.ids, ["m1", "m2"])
        self.assertEqual(self.left(), 1)


class StopTests(WorkerCase):
    def test_waits_for_what_runs(self) -> None:
        self.put("m1", "m2")
        self.start()
        stopped = self.worker.stopService()
        self.clock.advance(1)
        self.assertNoResult(stopped)
        self.script.end()
        self.successResultOf(stopped)
        self.assertEqual(self.script.ids, ["m1"], "nothing new is begun")
        self.assertEqual(self.left(), 1)

    def test_what_does_not_end_is_left_and_said_to_be_interrupted(self) -> None:
        self.put("m1")
        self.start()
        stopped = self.worker.stopService()
        self.clock.advance(4.9)
        self.assertNoResult(stopped)
        self.clock.advance(0.2)
        self.successResultOf(stopped)
        self.assertTrue(self.script.calls[0][2].called, "cancelled")
        self.clock.advance(60)
        self.script.calls.clear()
        self.start()
        (call,) = self.script.calls
        self.assertEqual((call[1].attempt, call[1].interrupted), (2, True))

    def test_a_start_before_the_stop_is_over_is_a_start(self) -> None:
        self.put("m1", "m2")
        self.start()
        stopped = self.worker.stopService()
        self.worker.startService()
        self.script.end()
        self.successResultOf(stopped)
        self.assertEqual(self.script.ids, ["m1", "m2"])
        self.assertFalse(self.script.calls[1][2].called, "only what ran before was stopped")
        self.script.end(1)
        self.assertEqual(self.left(), 0)
        self.put("m3", not_before_ms=self.now_ms() + 60_000)
        self.pass_time(61)  # Nobody tells of what is due; polling alone finds it.
        self.assertEqual(self.script.ids, ["m1", "m2", "m3"])
        self.script.end()

    def test_what_a_stop_leaves_is_nobodys_failure_after_a_start(self) -> None:
        self.put("m1")
        self.start()
        stopped = self.worker.stopService()
        self.worker.startService()
        self.clock.advance(5)
        self.successResultOf(stopped)
        self.assertTrue(self.script.calls[0][2].called, "cancelled")
        self.pass_time(50)
        self.assertEqual(self.script.ids, ["m1"], "what became of it is unknown")
        self.pass_time(10)
        self.assertTrue(self.script.calls[1][1].interrupted)

    def test_a_handler_that_knows_its_outcome_is_heard(self) -> None:
        def answer(delivery: Delivery) -> Deferred[None]:
            return Deferred(lambda one: one.errback(Undelivered("not begun", "later")))

        self.script.answer = answer
        self.put("m1")
        self.start()
        stopped = self.worker.stopService()
        self.clock.advance(6)
        self.successResultOf(stopped)
        self.clock.advance(60)
        (again,) = self.successResultOf(self.queue.claim("in", 1, 1000))
        self.assertEqual((again.attempt, again.interrupted), (1, False))

    def test_starts_again(self) -> None:
        self.start()
        self.successResultOf(self.worker.stopService())
        self.put("m1")
        self.pass_time(3)
        self.assertEqual(self.script.ids, [])
        self.worker.startService()
        self.assertEqual(self.script.ids, ["m1"])
        self.script.end()


class StoredWorkTests(RetryTests, WorkTests, ClaimTests, StopTests):
    """The same over rows, so over the SQL that a disk would see."""

    def make(self) -> IQueueBackend:
        self.store = MemoryStore(self.clock)
        self.store.startService()
        return SQLiteQueue(self.store, QueueRules(), self.now_ms)


class Faulty(SQLiteQueue):
    """A queue whose disk is full for a while."""

    faulty = False
    waiting: list[Deferred[None]]
    held = False

    def ack(self, delivery: Delivery) -> Deferred[bool]:
        """Fail, as long as the test says."""
        if self.faulty:
            failed: Deferred[bool] = Deferred()
            failed.errback(StoreError("disk full"))
            return failed
        return super().ack(delivery)

    def claim(self, queue: str, limit: int, visibility_ms: int) -> Deferred[Any]:
        """Fail, or answer when the test says."""
        if self.faulty:
            failed: Deferred[Any] = Deferred()
            failed.errback(StoreError("disk full"))
            return failed
        claimed = super().claim(queue, limit, visibility_ms)
        if not self.held:
            return claimed
        gate: Deferred[None] = Deferred()
        self.waiting.append(gate)
        return gate.addCallback(lambda _: claimed)


class FaultTests(WorkerCase):
    def make(self) -> Faulty:
        store = MemoryStore(self.clock)
        store.startService()
        self.faulty = Faulty(store, QueueRules(), self.now_ms)
        self.faulty.waiting = []
        return self.faulty

    def test_an_outcome_is_stored_once_the_disk_is_back(self) -> None:
        self.put("m1", "m2")
        self.start(Pace(visibility_ms=3000))
        self.faulty.faulty = True
        self.script.end()
        self.pass_time(10)
        self.assertEqual(self.script.ids, ["m1"])
        self.faulty.faulty = False
        self.pass_time(2)
        self.assertEqual(self.script.ids, ["m1", "m2"], "and m1 did not run twice")
        self.script.end()
        self.assertEqual(self.left(), 0)

    def test_claiming_goes_on_once_the_disk_is_back(self) -> None:
        self.faulty.faulty = True
        self.put("m1")
        self.start()
        self.pass_time(3)
        self.assertEqual(self.script.ids, [])
        self.faulty.faulty = False
        self.pass_time(1.125)
        self.assertEqual(self.script.ids, ["m1"])
        self.script.end()

    def test_what_is_claimed_while_it_stops_is_given_back(self) -> None:
        self.put("m1")
        self.faulty.held = True
        self.start()
        stopped = self.worker.stopService()
        self.faulty.waiting[0].callback(None)
        self.successResultOf(stopped)
        self.assertEqual(self.script.ids, [])
        self.faulty.held = False
        (again,) = self.successResultOf(self.queue.claim("in", 1, 1000))
        self.assertEqual((again.attempt, again.interrupted), (1, False))


class ScheduleTests(WorkerCase):
    """Random failures and a stop in between: every lane keeps its order (the seed is printed)."""

    def test_no_inversion_in_random_schedules(self) -> None:
        for seed in range(60):
            chance = Random(seed)
            self.setUp()
            ended: list[str] = []

            def answer(
                delivery: Delivery, chance: Random = chance, ended: list[str] = ended
            ) -> Deferred[None]:
                done: Deferred[None] = Deferred()

                def end() -> None:
                    if done.called:
                        return
                    if delivery.attempt < 3 and chance.random() < 0.3:
                        done.errback(Undelivered("x", chance.choice(("retry", "later"))))
                    else:
                        ended.append(delivery.id)
                        done.callback(None)

                self.clock.callLater(chance.random() * 3, end)
                return done

            self.script.answer = answer
            for n in range(40):
                self.put(f"{n:03}", lane=f"l{chance.randrange(4)}")
            self.worker = self.make_worker(Pace(concurrency=chance.randint(1, 5)))
            self.worker.startService()
            self.pass_time(20, step=0.25)
            stopped = self.worker.stopService()
            self.pass_time(10, step=0.25)
            self.successResultOf(stopped)
            self.worker = self.make_worker()
            self.worker.startService()
            self.pass_time(600, step=0.5)
            self.assertEqual(sorted(ended), [f"{n:03}" for n in range(40)], f"seed {seed}")
            lanes: dict[str, list[str]] = {}
            of = {delivery.id: delivery.lane for _, delivery, _ in self.script.calls}
            for one in ended:
                lanes.setdefault(of[one], []).append(one)
            for lane, ids in lanes.items():
                self.assertEqual(ids, sorted(ids), f"seed {seed}, lane {lane}")
            self.successResultOf(self.worker.stopService())
