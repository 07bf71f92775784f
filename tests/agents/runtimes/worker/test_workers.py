"""Who gets a run, whose results count, and what becomes of runs whose worker is lost."""

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openclaw.agents.runtimes.worker.runtime import WorkerRuntime
from openclaw.agents.runtimes.worker.workers import Workers
from openclaw.errors import InvalidRequest, ModelError
from openclaw.interfaces.agents import IAgentRuntime, RunOutcome, Usage
from openclaw.interfaces.tools import ToolCall, ToolResult
from openclaw.interfaces.workers import IWorkerLink, IWorkers
from tests.agents.runtimes.process.rig import Sink, request

CALL = ToolCall(id="c1", name="bash", arguments="{}")


@implementer(IWorkerLink)
class Link:
    """One worker's connection; remembers what it was told."""

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id
        self.told: list[tuple[str, Any]] = []
        self.takes = True

    def tell(self, event: str, payload: Any) -> bool:
        """See :meth:`IWorkerLink.tell`."""
        self.told.append((event, payload))
        return self.takes

    @property
    def runs(self) -> list[str]:
        """The names of the runs that it was given."""
        return [payload.run for event, payload in self.told if event == "worker.run.request"]


class WorkerCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.workers = Workers(self.clock)
        self.made = 0
        self.runtime = WorkerRuntime("far", (), self.workers, self.make_id)
        self.sink = Sink()

    def make_id(self) -> str:
        self.made += 1
        return f"try-{self.made}"

    def join(self, conn_id: str, slots: int = 2, backends: tuple[str, ...] = ("far",)) -> Link:
        link = Link(conn_id)
        self.assertTrue(self.workers.ready(link, backends, slots))
        return link

    def run_one(self, text: str = "hi", session: str = "s") -> Deferred[RunOutcome]:
        return self.runtime.run(request(text, session=session), self.sink)

    def failure(self, run: Deferred[RunOutcome]) -> ModelError:
        error = self.failureResultOf(run, ModelError).value
        assert isinstance(error, ModelError)
        return error


class GivingTests(WorkerCase):
    def test_provides_the_interfaces(self) -> None:
        self.assertTrue(verifyObject(IAgentRuntime, self.runtime))
        self.assertTrue(verifyObject(IWorkers, self.workers))

    def test_an_answer(self) -> None:
        link = self.join("a")
        run = self.run_one()
        ((event, given),) = link.told
        self.assertEqual(event, "worker.run.request")
        self.assertEqual((given.backend, given.model), ("far", "standin/mock-1"))
        self.assertEqual([turn.text for turn in given.turns], ["hi"])
        self.assertTrue(given.owner)
        self.workers.delta("a", "try-1", "", "hm")
        self.workers.tool_started("a", "try-1", CALL)
        self.workers.tool_ended("a", "try-1", CALL, ToolResult(text=""))
        self.workers.delta("a", "try-1", "hello", "")
        self.workers.ended("a", "try-1", RunOutcome("hello", usage=Usage(1, 2)))
        self.assertEqual(self.successResultOf(run), RunOutcome("hello", usage=Usage(1, 2)))
        self.assertEqual(
            self.sink.kinds(), ["model", "thought", "commit", "tool", "tool done", "delta"]
        )

    def test_the_least_busy_first(self) -> None:
        first, second = self.join("a", slots=10), self.join("b", slots=10)
        for number in range(6):
            self.run_one(session=f"s{number}").addErrback(lambda _: None)
        self.assertEqual((len(first.runs), len(second.runs)), (3, 3))

    def test_among_equals_who_knows_the_session(self) -> None:
        first, second = self.join("a"), self.join("b")
        for number in range(4):
            self.run_one(session="one" if number % 2 else "two")
            name, link = f"try-{number + 1}", second if number % 2 else first
            self.assertIn(name, link.runs)
            if number % 2:  # Both at once, so that each has its session.
                self.workers.ended("a", f"try-{number}", RunOutcome("x"))
                self.workers.ended("b", name, RunOutcome("x"))

    def test_only_who_runs_that_agent(self) -> None:
        self.join("a", backends=("other",))
        link = self.join("b")
        self.run_one()
        self.assertEqual(link.runs, ["try-1"])

    def test_where_all_are_busy_a_run_waits(self) -> None:
        link = self.join("a", slots=1)
        self.run_one(session="one")
        self.run_one(session="two")
        self.clock.advance(100)
        self.assertEqual(link.runs, ["try-1"])
        self.workers.ended("a", "try-1", RunOutcome("x"))
        self.assertEqual(link.runs, ["try-1", "try-2"])

    def test_where_nobody_is_a_run_waits_a_little(self) -> None:
        run = self.run_one()
        self.clock.advance(9)
        self.assertNoResult(run)
        link = self.join("a")
        self.assertEqual(link.runs, ["try-1"])

    def test_and_then_says_how_to_start_one(self) -> None:
        run = self.run_one()
        self.clock.advance(10)
        error = self.failure(run)
        self.assertIn("openclaw worker run --backend far", error.message)
        self.assertEqual(error.kind, "network")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_is_too_large_for_the_wire(self) -> None:
        self.join("a").takes = False
        self.assertIn("too large", self.failure(self.run_one()).message)

    def test_a_failure_in_the_workers_words(self) -> None:
        self.join("a")
        run = self.run_one()
        self.workers.failed("a", "try-1", "far: 429 slow down", "rate_limit")
        error = self.failure(run)
        self.assertEqual((error.message, error.kind), ("pi: far: 429 slow down", "rate_limit"))


class TrustTests(WorkerCase):
    def test_results_count_only_from_whom_the_run_was_given(self) -> None:
        link, other = self.join("a"), self.join("b")
        run = self.run_one()
        self.assertEqual((link.runs, other.runs), (["try-1"], []))
        for tell in (
            lambda conn: self.workers.delta(conn, "try-1", "forged", ""),
            lambda conn: self.workers.tool_started(conn, "try-1", CALL),
            lambda conn: self.workers.tool_ended(conn, "try-1", CALL, ToolResult(text="")),
            lambda conn: self.workers.ended(conn, "try-1", RunOutcome("forged")),
            lambda conn: self.workers.failed(conn, "try-1", "forged", "unknown"),
        ):
            for conn in ("b", "nobody"):
                with self.assertRaises(InvalidRequest):
                    tell(conn)
        self.assertNoResult(run)
        self.assertEqual(self.sink.heard, [])

    def test_a_run_that_ended_takes_no_more(self) -> None:
        self.join("a")
        run = self.run_one()
        self.workers.ended("a", "try-1", RunOutcome("x"))
        self.successResultOf(run)
        with self.assertRaises(InvalidRequest):
            self.workers.delta("a", "try-1", "late", "")


class LossTests(WorkerCase):
    def test_a_run_that_showed_nothing_runs_elsewhere(self) -> None:
        self.join("a")
        other = self.join("b")
        run = self.run_one()
        self.workers.delta("a", "try-1", "", "only a thought")
        self.workers.gone("a")
        self.assertEqual(other.runs, ["try-2"])
        self.workers.ended("b", "try-2", RunOutcome("from b"))
        self.assertEqual(self.successResultOf(run).text, "from b")

    def test_or_with_the_same_worker_when_it_is_back(self) -> None:
        self.join("a")
        run = self.run_one()
        self.workers.gone("a")
        self.clock.advance(5)
        back = self.join("a2")
        self.assertEqual(back.runs, ["try-2"])
        self.workers.ended("a2", "try-2", RunOutcome("again"))
        self.assertEqual(self.successResultOf(run).text, "again")

    def test_a_run_that_was_seen_is_reported(self) -> None:
        self.join("a")
        other = self.join("b")
        run = self.run_one()
        self.workers.delta("a", "try-1", "some", "")
        self.workers.gone("a")
        self.assertIn("the worker was lost", self.failure(run).message)
        self.assertEqual(other.runs, [])

    def test_a_run_that_used_a_tool_is_reported(self) -> None:
        self.join("a")
        self.join("b")
        run = self.run_one()
        self.workers.tool_started("a", "try-1", CALL)
        self.workers.gone("a")
        self.failure(run)

    def test_not_for_ever(self) -> None:
        run = self.run_one()
        for number in range(3):
            self.join(f"w{number}")
            self.workers.gone(f"w{number}")
        self.assertIn("the worker was lost", self.failure(run).message)


class AbortTests(WorkerCase):
    def test_the_place_is_free_once_the_worker_has_confirmed(self) -> None:
        link = self.join("a", slots=1)
        run = self.run_one()
        run.cancel()
        self.failureResultOf(run, CancelledError)
        self.assertEqual(link.told[-1][0], "worker.run.abort")
        following = self.run_one()
        self.workers.delta("a", "try-1", "late", "")  # It is on its way, so it is no crime.
        self.assertEqual(self.sink.heard, [])
        self.assertEqual(link.runs, ["try-1"])
        self.workers.failed("a", "try-1", "aborted", "unknown")
        self.assertEqual(link.runs, ["try-1", "try-2"])
        self.workers.ended("a", "try-2", RunOutcome("x"))
        self.successResultOf(following)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_or_has_not_for_too_long(self) -> None:
        link = self.join("a", slots=1)
        run = self.run_one()
        run.cancel()
        self.failureResultOf(run, CancelledError)
        self.run_one()
        self.clock.advance(15)
        self.assertEqual(link.runs, ["try-1", "try-2"])

    def test_a_lost_worker_leaves_no_timer(self) -> None:
        self.join("a")
        run = self.run_one()
        run.cancel()
        self.failureResultOf(run, CancelledError)
        self.workers.gone("a")
        self.assertEqual(self.clock.getDelayedCalls(), [])
