"""Tests of the limit of control-plane writes."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import Busy
from openclaw.security.limits.writes import WriteLimit


class WriteLimitTests(SynchronousTestCase):
    """Thirty in any minute, for each device."""

    def setUp(self) -> None:
        """A limit on a clock that stands still."""
        self.clock = Clock()
        self.limit = WriteLimit(self.clock.seconds, capacity=4)

    def test_thirty_a_minute(self) -> None:
        """The next one is told what the protocol tells, and how long to wait."""
        for _ in range(30):
            self.limit.take("device.pair.approve", "d1")
            self.clock.advance(1)
        error = self.assertRaises(Busy, self.limit.take, "device.pair.reject", "d1")
        self.assertEqual(
            error.message, "rate limit exceeded for device.pair.reject; retry after 30s"
        )
        told = {
            "code": "RATE_LIMITED",
            "method": "device.pair.reject",
            "limit": "30 per 60s",
            "layer": "writes",
        }
        self.assertEqual(error.details, told)
        self.assertEqual((error.retry_after_ms, error.retryable), (30_000, True))
        self.limit.take("device.pair.reject", "d2")
        self.clock.advance(30)
        self.limit.take("device.pair.reject", "d1")
        self.assertRaises(Busy, self.limit.take, "device.pair.reject", "d1")

    def test_who_is_refused_is_not_punished(self) -> None:
        """Refused tries do not count."""
        for _ in range(30):
            self.limit.take("x", "d1")
        for _ in range(50):
            self.assertRaises(Busy, self.limit.take, "x", "d1")
        self.clock.advance(60)
        self.limit.take("x", "d1")

    def test_memory_is_bounded(self) -> None:
        """The devices that wrote longest ago are forgotten."""
        for number in range(100):
            self.limit.take("x", str(number))
        self.assertEqual(len(self.limit), 4)
