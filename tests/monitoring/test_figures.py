from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.interfaces.monitoring import IFigures
from openclaw.monitoring.figures import Figures
from openclaw.monitoring.lag import ReactorLag
from openclaw.monitoring.notices import Notices
from openclaw.monitoring.usage import UsageReport
from openclaw.protocol.base import UNSET
from openclaw.storage.memory import MemoryStore


class FigureTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 10_000
        clock = Clock()
        self.figures = Figures(
            clock_ms=lambda: self.now,
            started_at_ms=4_000,
            lag=ReactorLag(clock, lambda: 0.0),
            notices=Notices(lambda: self.now),
            usage=UsageReport(MemoryStore(clock), lambda: self.now),
        )

    def test_provides_the_interface(self) -> None:
        self.assertTrue(verifyObject(IFigures, self.figures))

    def test_time(self) -> None:
        self.assertEqual((self.figures.now_ms(), self.figures.uptime_ms()), (10_000, 6_000))

    def test_runs_by_how_they_ended(self) -> None:
        self.figures.active_runs = lambda: 2
        for state in ("done", "done", "failed", "timeout", "aborted", "interrupted"):
            self.figures.count_run(state)
        runs = self.figures.runs()
        self.assertEqual((runs.total, runs.active, runs.terminal, runs.failures), (8, 2, 6, 3))
        self.assertEqual(
            runs.by_status,
            {
                "queued": 0,
                "running": 2,
                "succeeded": 2,
                "failed": 1,
                "timed_out": 1,
                "cancelled": 1,
                "lost": 1,
            },
        )
        self.assertEqual(sum(runs.by_status.values()), runs.total)

    def test_what_went_wrong_is_noticed(self) -> None:
        for state in ("done", "aborted", "failed", "timeout"):
            self.figures.count_run(state)
        report = self.figures.stability(10, UNSET)
        self.assertEqual([one.type for one in report.events], ["run.failed", "run.timeout"])
