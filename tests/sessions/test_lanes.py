"""One conversation, one order; conversations side by side."""

from random import Random

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from openclaw.interfaces.conversations import Input, IRunner
from openclaw.sessions.lanes import Lanes, lane_of
from tests.sessions.rig import Call, World, WorldCase


@implementer(IRunner)
class Runner:
    """Runs until the test says otherwise."""

    def __init__(self) -> None:
        self.running: dict[str, Deferred[None]] = {}
        self.order: list[str] = []

    def supersede(self, run_id: str) -> None:
        """Nobody asks."""

    def run(self, entry: Input) -> Deferred[None]:
        """Start one."""
        self.order.append(entry.run_id)
        self.running[entry.run_id] = Deferred()
        return self.running[entry.run_id]

    def end(self, run_id: str) -> None:
        """End one."""
        self.running.pop(run_id).callback(None)


class Hasty(Runner):
    """Ends each run at once."""

    def run(self, entry: Input) -> Deferred[None]:
        """Start and end one."""
        self.order.append(entry.run_id)
        return succeed(None)


def entry(run_id: str, key: str = "a") -> Input:
    return Input(
        run_id=run_id,
        kind="chat",
        session_key=key,
        session_id="s",
        agent_id="main",
        text=run_id,
        message_seq=1,
        accepted_at_ms=1,
    )


class LaneTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.runner = Runner()
        self.left: list[str] = []
        self.lanes = Lanes(self.runner, self.clock, lambda one: self.left.append(one.run_id))
        self.lanes.open()

    def test_one_at_a_time_in_order(self) -> None:
        for run_id in ("1", "2", "3"):
            self.lanes.add(entry(run_id))
        self.clock.advance(0)
        for run_id in ("1", "2", "3"):
            self.assertEqual(list(self.runner.running), [run_id])
            self.runner.end(run_id)
            self.clock.advance(0)
        self.assertEqual(self.left, ["1", "2", "3"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_sessions_do_not_wait_for_one_another(self) -> None:
        for run_id, key in (("1", "a"), ("2", "a"), ("3", "b")):
            self.lanes.add(entry(run_id, key))
        self.clock.advance(0)
        self.assertEqual(list(self.runner.running), ["1", "3"])
        self.assertEqual(len(self.lanes), 2)

    def test_the_next_starts_at_once(self) -> None:
        self.lanes.add(entry("1"))
        self.clock.advance(0)
        self.lanes.add(entry("2"))
        self.runner.end("1")
        self.clock.advance(0)
        self.assertEqual(list(self.runner.running), ["2"])

    def test_nothing_starts_before_it_is_opened_or_after_it_is_closed(self) -> None:
        lanes = Lanes(self.runner, self.clock, lambda one: None)
        lanes.add(entry("1"))
        lanes.add(entry("2"))
        self.clock.advance(0)
        self.assertEqual(self.runner.order, [])
        lanes.open()
        self.clock.advance(0)
        drained = lanes.close()
        self.assertNoResult(drained)
        self.runner.end("1")
        self.successResultOf(drained)
        self.clock.advance(0)
        self.assertEqual(self.runner.order, ["1"])
        self.assertEqual([one.run_id for one in lanes.waiting("a")], ["2"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_runner_that_breaks_its_word_frees_the_lane(self) -> None:
        self.lanes.add(entry("1"))
        self.lanes.add(entry("2"))
        self.clock.advance(0)
        self.runner.running.pop("1").errback(ZeroDivisionError())
        self.clock.advance(0)
        self.assertEqual(list(self.runner.running), ["2"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_put_back_is_next_again(self) -> None:
        for run_id in ("1", "2", "3"):
            self.lanes.add(entry(run_id))
        self.clock.advance(0)
        taken = self.lanes.withdraw("a", None)
        self.lanes.add(entry("4"))
        self.lanes.put_back("a", taken)
        self.assertEqual([one.run_id for one in self.lanes.waiting("a")], ["2", "3", "4"])

    def test_replaced_ones_keep_their_places(self) -> None:
        for run_id in ("1", "2", "3"):
            self.lanes.add(entry(run_id))
        self.lanes.replace("a", [entry("2", "a"), entry("9", "a")])
        self.lanes.replace("b", [entry("9", "b")])
        self.assertEqual([one.run_id for one in self.lanes.waiting("a")], ["1", "2", "3"])

    def test_a_lane_that_is_empty_is_forgotten(self) -> None:
        self.lanes.add(entry("1"))
        self.lanes.withdraw("a", "1")
        self.clock.advance(0)
        self.lanes.add(entry("2", "b"))
        self.clock.advance(0)
        self.runner.end("2")
        self.assertEqual(self.lanes._lanes, {})

    def test_a_runner_that_ends_at_once(self) -> None:
        hasty = Hasty()
        lanes = Lanes(hasty, self.clock, lambda one: None)
        lanes.open()
        for number in range(50):
            lanes.add(entry(str(number)))
        for _ in range(50):
            self.clock.advance(0)
        self.assertEqual(hasty.order, [str(number) for number in range(50)])


class ScheduleTests(WorldCase):
    """Random schedules of inputs, ends, failures, repeats and kills."""

    KEYS = ("agent:main:a", "agent:main:b", "agent:main:c")

    @given(st.integers(0, 2**32))
    @settings(max_examples=250, deadline=None)
    def test_none_lost_none_doubled_none_inverted(self, seed: int) -> None:
        random = Random(seed)
        self.setUp()
        sent: dict[str, list[str]] = {key: [] for key in self.KEYS}
        ran: list[str] = []
        self.watch(ran)
        for number in range(random.randint(5, 40)):
            self.step(random, number, sent, ran)
        self.finish_all(ran)
        for key in self.KEYS:
            mine = [run_id for run_id in dict.fromkeys(ran) if run_id in sent[key]]
            self.assertEqual(mine, sent[key], "order")
            self.check_transcript(key, sent[key])
        self.assertEqual(set(ran), {one for ids in sent.values() for one in ids}, "lost")
        self.assertEqual(len(self.shown), len(set(self.shown)), "doubled")
        self.journal.stopService()

    def watch(self, ran: list[str]) -> None:
        self.shown: list[str] = []
        self.world.runtime.on_run = lambda call: ran.append(call.request.run_id)

    def step(self, random: Random, number: int, sent: dict[str, list[str]], ran: list[str]) -> None:
        world = self.world
        kind = random.random()
        if kind < 0.5:
            key, run_id = random.choice(self.KEYS), f"r{number}"
            world.store.holding = random.random() < 0.3
            accepting = world.accept(run_id, key=key)
            world.accept(run_id, key=key)
            world.store.holding = False
            world.store.release()
            self.assertEqual(self.successResultOf(accepting).state, "new")
            sent[key].append(run_id)
        elif kind < 0.8:
            running = [call for call in world.runtime.calls if not call.done.called]
            if running:
                self.end(random.choice(running), random)
        elif kind < 0.9 and number:
            self.restart()
            self.world.runtime.on_run = world.runtime.on_run
        if random.random() < 0.7:
            self.world.turn()

    def end(self, call: Call, random: Random) -> None:
        self.shown.append(call.request.run_id)
        if random.random() < 0.2:
            call.sink.delta("half")
            call.done.errback(ValueError("broke"))
            self.flushLoggedErrors(ValueError)
        else:
            call.answer("re ", call.request.run_id)

    def finish_all(self, ran: list[str]) -> None:
        for _ in range(100):
            self.world.turn()
            running = [call for call in self.world.runtime.calls if not call.done.called]
            if not running:
                return
            for call in running:
                self.end(call, Random(1))
        self.fail("a lane is stuck")

    def check_transcript(self, key: str, run_ids: list[str]) -> None:
        messages = self.messages(key)
        asked = [one["__openclaw"]["runId"] for one in messages if one["role"] == "user"]
        answered = [one["__openclaw"]["runId"] for one in messages if one["role"] == "assistant"]
        self.assertEqual((asked, answered), (run_ids, run_ids))
        seqs = sorted(one["__openclaw"]["seq"] for one in messages)
        self.assertEqual(seqs, list(range(1, len(messages) + 1)))


class CapacityTests(WorldCase):
    def test_a_thousand_hung_runs_leave_no_stuck_lane(self) -> None:
        world = World(self.journal, timeout_seconds=30)
        self.start(world)
        for number in range(1000):
            self.successResultOf(world.accept(f"h{number}", key=f"agent:main:s{number}"))
            self.successResultOf(world.accept(f"n{number}", key=f"agent:main:s{number}"))
        world.turn()
        self.assertEqual(len(world.runtime.calls), 1000)
        world.clock.advance(30)
        world.turn()
        self.assertEqual(len(world.runtime.calls), 2000, "the next of each lane runs")
        self.assertEqual(world.counted, ["timeout"] * 1000)


class CommandLaneTests(SynchronousTestCase):
    """Commands about runs: in order among themselves, and beside all else of their session."""

    def setUp(self) -> None:
        self.clock, self.runner = Clock(), Runner()
        self.lanes = Lanes(self.runner, self.clock, lambda entry: None, capacity=2)
        self.lanes.open()

    def add(self, *names: str, by: str = "") -> None:
        for name in names:
            self.lanes.add(evolve(entry(name), commanded_by=by))
        self.clock.advance(0)

    def test_they_wait_for_each_other_alone(self) -> None:
        self.add("runs", "waits")
        self.add("first", "second", by="me")
        self.assertEqual(self.runner.order, ["runs", "first"])
        self.runner.end("first")
        self.clock.advance(0)
        self.assertEqual(self.runner.order, ["runs", "first", "second"])
        running = self.lanes.running("a")
        assert running is not None
        self.assertEqual(running.run_id, "runs")

    def test_what_is_done_to_the_session_s_lane_is_not_meant_for_them(self) -> None:
        self.add("runs", "waits")
        self.add("first", "second", by="me")
        self.assertEqual([one.run_id for one in self.lanes.withdraw("a", None)], ["waits"])
        self.assertEqual(self.lanes.take("a", lambda one: True), [])
        self.runner.end("first")
        self.clock.advance(0)
        self.assertIn("second", self.runner.order)

    def test_each_has_room_of_its_own(self) -> None:
        self.add("runs", "waits", "waits too")
        self.assertTrue(self.lanes.full("a", 0))
        commanded = evolve(entry("c"), commanded_by="me")
        self.assertFalse(self.lanes.full(lane_of(commanded, "a"), 0))
        self.add("c", "d", "e", by="me")
        self.assertTrue(self.lanes.full(lane_of(commanded, "a"), 0))
