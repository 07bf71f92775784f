"""How late the reactor runs, measured with a clock that the test makes late."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.monitoring.lag import KEPT, ReactorLag, resident_bytes


class LagTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.cpu = 0.0
        self.busy = 0.0
        self.lag = ReactorLag(self.clock, lambda: self.cpu, lambda: self.busy)
        self.lag.startService()

    def late(self, seconds: float) -> None:
        """One measurement that comes so much too late."""
        self.clock.advance(1 + seconds)

    def test_on_time(self) -> None:
        figures = self.lag.figures()
        self.assertEqual((figures.degraded, figures.reasons), (False, []))
        for _ in range(5):
            self.late(0)
        figures = self.lag.figures()
        self.assertEqual((figures.delay_max_ms, figures.delay_p99_ms), (0.0, 0.0))
        self.assertEqual(figures.interval_ms, 1000)

    def test_late(self) -> None:
        self.late(0.1)
        self.late(0.3)
        figures = self.lag.figures()
        self.assertEqual((figures.degraded, figures.reasons), (True, ["event_loop_delay"]))
        self.assertEqual(figures.delay_max_ms, 300.0)
        self.late(0)
        self.assertFalse(self.lag.figures().degraded)
        self.assertEqual(self.lag.figures().delay_max_ms, 300.0)

    def test_only_the_last_minute_counts(self) -> None:
        self.late(5)
        for _ in range(KEPT - 1):
            self.late(0)
        self.assertEqual(self.lag.figures().delay_max_ms, 5000.0)
        self.late(0)
        self.assertEqual(self.lag.figures().delay_max_ms, 0.0)

    def test_cpu_of_the_interval_as_it_was(self) -> None:
        self.cpu = 0.5
        self.late(0)
        self.assertEqual(self.lag.figures().cpu_core_ratio, 0.5)
        self.cpu = 1.5
        self.late(1)
        self.assertEqual(self.lag.figures().cpu_core_ratio, 0.5)

    def test_how_busy_the_reactors_thread_was(self) -> None:
        self.busy, self.cpu = 0.25, 3.0
        self.late(0)
        self.assertEqual(self.lag.figures().utilization, 0.25)
        self.busy = 0.75
        self.late(1)
        self.assertEqual(self.lag.figures().utilization, 0.25)
        self.busy = 2.0
        self.late(0)
        self.assertEqual(self.lag.figures().utilization, 1.0)

    def test_stop(self) -> None:
        self.lag.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        idle = ReactorLag(self.clock)
        idle.startService()
        idle.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_memory_of_this_process(self) -> None:
        before = resident_bytes()
        self.assertGreater(before, 10_000_000)
        held = bytearray(64_000_000)
        held[::4096] = b"x" * len(held[::4096])
        self.assertGreater(resident_bytes(), before + 40_000_000)
        del held
