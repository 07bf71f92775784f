"""Jobs that come round again."""

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.periodic import Periodic


class PeriodicTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.calls = 0
        self.result: Deferred[None] = succeed(None)
        self.service = Periodic(self.job, self.clock, interval_seconds=30)

    def job(self) -> Deferred[None]:
        self.calls += 1
        return self.result

    def test_first_after_one_interval(self) -> None:
        self.service.startService()
        self.assertEqual(self.calls, 0)
        self.clock.pump([30, 30])
        self.assertEqual(self.calls, 2)
        self.service.stopService()
        self.clock.advance(60)
        self.assertEqual(self.calls, 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_failure_is_tried_again(self) -> None:
        self.result = fail(ValueError("disk"))
        self.service.startService()
        self.clock.advance(30)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.result = succeed(None)
        self.clock.advance(30)
        self.assertEqual(self.calls, 2)
        self.service.stopService()

    def test_slow_job_is_not_started_twice(self) -> None:
        slow: Deferred[None] = Deferred()
        self.result = slow
        self.service.startService()
        self.clock.pump([30, 30, 30])
        self.assertEqual(self.calls, 1)
        self.service.stopService()
        slow.callback(None)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_work_that_raises_is_done_again(self) -> None:
        def raise_once() -> None:
            self.calls += 1
            if self.calls == 1:
                raise ValueError("disk")

        service = Periodic(raise_once, self.clock, 30, at_once=True)
        service.startService()
        self.assertEqual((self.calls, len(self.flushLoggedErrors(ValueError))), (1, 1))
        self.clock.advance(30)
        self.assertEqual(self.calls, 2)
        service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_an_interval_of_nothing_is_never(self) -> None:
        service = Periodic(self.job, self.clock, 0, at_once=True)
        service.startService()
        self.assertEqual((self.calls, self.clock.getDelayedCalls()), (0, []))
        service.stopService()
