"""Every backend against a plain model: whatever is done in whatever order, both say the same."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from openclaw.interfaces.queue import Delivery, IQueueBackend, NewMessage, QueueFull
from openclaw.queue.memory import MemoryQueue
from openclaw.queue.rules import QueueRules
from openclaw.queue.sqlite import SQLiteQueue
from openclaw.storage.memory import MemoryStore

WINDOW, VISIBILITY, KEPT, MOST = 50, 20, 200, 6
QUEUES, LANES = ("in", "out"), ("a", "b")
BOUNDS = QueueRules(max_size=MOST, remember_ms=WINDOW, dead_max_age_ms=KEPT)
IDS = [f"m{n}" for n in range(10)]


def now(deferred: Deferred[Any]) -> Any:
    """The result of what is done at once."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    (result,) = results
    if isinstance(result, Failure):
        result.raiseException()
    return result


class Kept:
    """One message, as the model knows it."""

    def __init__(self, message: NewMessage) -> None:
        self.message = message
        self.claims: list[Delivery] = []  # All of them; only the last can be open.
        self.open = False
        self.attempts = 0
        self.interrupted = False
        self.failures: list[str] = []


class QueueMachine(RuleBasedStateMachine):
    """What may happen to a queue; the lanes of the model are lists."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 1_000_000
        self.lanes: dict[tuple[str, str], list[Kept]] = {}
        self.due: dict[tuple[str, str], int] = {}
        self.dead: dict[str, tuple[Kept, str, int]] = {}
        self.seen: dict[str, int] = {}
        self.claims: list[tuple[Kept, Delivery]] = []
        self.queue = self.make()

    def make(self) -> IQueueBackend:
        raise NotImplementedError

    # -- what may happen -----------------------------------------------------------------------

    @rule(by=st.integers(1, 30))
    def time_passes(self, by: int) -> None:
        self.time += by

    @rule(
        message_id=st.sampled_from(IDS),
        queue=st.sampled_from(QUEUES),
        lane=st.sampled_from(LANES),
        later=st.sampled_from((0, 0, 0, 15)),
    )
    def enqueue(self, message_id: str, queue: str, lane: str, later: int) -> None:
        time = self.time + later if later else 0
        body = f"{message_id}@{self.time}".encode()
        new = NewMessage(id=message_id, queue=queue, lane=lane, body=body, not_before_ms=time)
        duplicate = self.kept(message_id) or self.seen.get(message_id, 0) > self.time
        if not duplicate and self.depth(queue) >= MOST:
            self.refused(self.queue.enqueue(new))
            return
        assert now(self.queue.enqueue(new)) is not duplicate
        if not duplicate:
            self.seen[message_id] = self.time + WINDOW
            self.append(Kept(new), time)

    @rule(queue=st.sampled_from(QUEUES), limit=st.integers(1, 3))
    def claim(self, queue: str, limit: int) -> None:
        claimed = now(self.queue.claim(queue, limit, VISIBILITY))
        able = {lane for lane in self.lanes if lane[0] == queue and self.claimable(lane)}
        assert len(claimed) == min(limit, len(able))
        assert len({one.lane for one in claimed}) == len(claimed)
        for one in claimed:
            assert (queue, one.lane) in able
            self.claimed(one)

    def claimed(self, delivery: Delivery) -> None:
        lane = (delivery.queue, delivery.lane)
        head = self.lanes[lane][0]
        assert (delivery.id, delivery.body) == (head.message.id, head.message.body)
        head.interrupted = head.interrupted or head.open
        head.attempts += 1
        head.open = True
        assert (delivery.attempt, delivery.interrupted) == (head.attempts, head.interrupted)
        assert all(delivery.fence > one.fence for one in head.claims)
        head.claims.append(delivery)
        self.claims.append((head, delivery))
        self.due[lane] = self.time + VISIBILITY

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), what=st.sampled_from(("ack", "retry", "postpone", "bury", "extend")))
    def end(self, data: st.DataObject, what: str) -> None:
        """End a claim, a stale one perhaps."""
        kept, delivery = data.draw(st.sampled_from(self.claims))
        good = kept.open and kept.claims[-1] is delivery
        lane = (delivery.queue, delivery.lane)
        if what == "ack":
            assert now(self.queue.ack(delivery)) is good
        elif what == "extend":
            assert now(self.queue.extend(delivery, VISIBILITY)) is good
        elif what == "postpone":
            assert now(self.queue.postpone(delivery, 10)) is good
        elif what == "retry":
            assert now(self.queue.retry(delivery, 10, f"why {self.time}")) is good
        else:
            assert now(self.queue.bury(delivery, "gone", data.draw(st.booleans()))) is good
        if not good:
            return
        kept.open = what == "extend"
        if what in ("ack", "bury"):
            self.lanes[lane].pop(0)
            self.due[lane] = self.time
            if what == "bury":
                self.dead[delivery.id] = (kept, delivery.lane, self.time)
        elif what == "extend":
            self.due[lane] = self.time + VISIBILITY
        else:
            self.due[lane] = self.time + 10
            kept.attempts -= what == "postpone"
            kept.failures += [f"why {self.time}"] if what == "retry" else []

    @precondition(lambda self: self.dead)
    @rule(data=st.data())
    def revive(self, data: st.DataObject) -> None:
        message_id = data.draw(st.sampled_from(sorted(self.dead)))
        kept = self.dead[message_id][0]
        if self.depth(kept.message.queue) >= MOST:
            self.refused(self.queue.revive([message_id]))
            return
        assert now(self.queue.revive([message_id])) == [message_id]
        del self.dead[message_id]
        old = kept.message
        again = NewMessage(id=old.id, queue=old.queue, lane=old.lane, body=old.body)
        self.append(Kept(again), 0)

    @precondition(lambda self: self.dead)
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        message_id = data.draw(st.sampled_from(sorted(self.dead)))
        assert now(self.queue.discard([message_id])) == [message_id]
        del self.dead[message_id]

    @rule()
    def expire(self) -> None:
        over = [one for one, (_, _, died) in self.dead.items() if died + KEPT <= self.time]
        assert now(self.queue.expire(self.time)) == len(over)
        for one in over:
            del self.dead[one]

    # -- what always holds ---------------------------------------------------------------------

    @invariant()
    def figures_agree(self) -> None:
        queues = now(self.queue.stats()).queues
        for queue in QUEUES:
            lanes = [lane for lane in self.lanes if lane[0] == queue and self.lanes[lane]]
            found = queues.get(queue)
            if found is None:
                assert not lanes
                continue
            assert found.lanes == len(lanes)
            assert found.ready + found.delayed + found.running == self.depth(queue)
            assert found.running == sum(
                self.lanes[lane][0].open and self.due[lane] > self.time for lane in lanes
            )
            dead = [one for one, _, _ in self.dead.values() if one.message.queue == queue]
            assert found.dead + found.unknown == len(dead)

    @invariant()
    def order_agrees(self) -> None:
        for (queue, lane), kept in self.lanes.items():
            shown = now(self.queue.inspect(queue, 100, 0, lane, False))
            assert [one.id for one in shown] == [one.message.id for one in kept]
        dead = now(self.queue.inspect("", 100, 0, "", True))
        assert [one.id for one in dead] == list(self.dead)
        for one in dead:
            lines = one.reason.split("\n")
            told = [line.split(": ", 1)[1] for line in lines[1:]]
            assert (lines[0], told) == ("gone", self.dead[one.id][0].failures[-20:])

    # -- the model -----------------------------------------------------------------------------

    def append(self, kept: Kept, not_before: int) -> None:
        lane = (kept.message.queue, kept.message.lane)
        if not self.lanes.get(lane):
            self.due[lane] = max(self.time, not_before)
        self.lanes.setdefault(lane, []).append(kept)

    def claimable(self, lane: tuple[str, str]) -> bool:
        kept = self.lanes[lane]
        due = self.due[lane] <= self.time
        return bool(kept) and due and kept[0].message.not_before_ms <= self.time

    def depth(self, queue: str) -> int:
        return sum(len(kept) for lane, kept in self.lanes.items() if lane[0] == queue)

    def kept(self, message_id: str) -> bool:
        waiting = (one.message.id for kept in self.lanes.values() for one in kept)
        return message_id in self.dead or message_id in waiting

    def refused(self, deferred: Deferred[Any]) -> None:
        try:
            now(deferred)
        except QueueFull:
            return
        raise AssertionError("there was room")


class MemoryMachine(QueueMachine):
    def make(self) -> IQueueBackend:
        return MemoryQueue(BOUNDS, lambda: self.time)


class SQLiteMachine(QueueMachine):
    """The same SQL as on disk; its process may die at any time."""

    def make(self) -> IQueueBackend:
        self.store = MemoryStore(Clock())
        self.store.startService()
        return self.again()

    def again(self) -> IQueueBackend:
        return SQLiteQueue(self.store, BOUNDS, lambda: self.time)

    @rule()
    def crash(self) -> None:
        """Open claims are released at once, and remembered as interrupted."""
        self.queue = self.again()
        still = [kept for lane in self.lanes.values() for kept in lane if kept.open]
        assert now(self.queue.open()) == len(still)
        for kept in still:
            kept.open, kept.interrupted = False, True
            self.due[kept.message.queue, kept.message.lane] = self.time

    def teardown(self) -> None:
        self.store.stopService()


class ModelTests(SynchronousTestCase):
    def run_machine(self, machine: type[QueueMachine]) -> None:
        case: Any = machine.TestCase
        case.settings = settings(
            max_examples=120,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        case("runTest").runTest()

    def test_memory(self) -> None:
        self.run_machine(MemoryMachine)

    def test_sqlite(self) -> None:
        self.run_machine(SQLiteMachine)
