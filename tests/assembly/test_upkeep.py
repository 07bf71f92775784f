"""Jobs that come round again."""

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.upkeep import Upkeep


class UpkeepTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.calls = 0
        self.result: Deferred[None] = succeed(None)
        self.upkeep = Upkeep(self.job, self.clock, interval_seconds=30)

    def job(self) -> Deferred[None]:
        self.calls += 1
        return self.result

    def test_first_after_one_interval(self) -> None:
        self.upkeep.startService()
        self.assertEqual(self.calls, 0)
        self.clock.pump([30, 30])
        self.assertEqual(self.calls, 2)
        self.upkeep.stopService()
        self.clock.advance(60)
        self.assertEqual(self.calls, 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_failure_is_tried_again(self) -> None:
        self.result = fail(ValueError("disk"))
        self.upkeep.startService()
        self.clock.advance(30)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.result = succeed(None)
        self.clock.advance(30)
        self.assertEqual(self.calls, 2)
        self.upkeep.stopService()

    def test_slow_job_is_not_started_twice(self) -> None:
        slow: Deferred[None] = Deferred()
        self.result = slow
        self.upkeep.startService()
        self.clock.pump([30, 30, 30])
        self.assertEqual(self.calls, 1)
        self.upkeep.stopService()
        slow.callback(None)
        self.assertEqual(self.clock.getDelayedCalls(), [])
