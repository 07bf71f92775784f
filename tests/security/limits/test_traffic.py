"""Limits of plain traffic: three buckets in a row."""

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import Busy
from openclaw.security.limits.buckets import Rate
from openclaw.security.limits.traffic import Meter, Traffic


class TrafficTests(SynchronousTestCase):
    """What one connection, one address and all together may ask."""

    def setUp(self) -> None:
        """A clock that stands still."""
        self.clock = Clock()

    def make(self, **rates: Any) -> Traffic:
        """Limits."""
        return Traffic(self.clock.seconds, **rates)

    def served(self, meter: Meter, times: int, address: str = "192.0.2.1") -> int:
        """How many of so many requests are served."""
        return sum(meter.take("health", address) is None for _ in range(times))

    def refusal(self, meter: Meter, address: str = "192.0.2.1") -> Busy:
        """The answer to one request too many."""
        busy = meter.take("health", address)
        assert busy is not None
        return busy

    def test_nothing_configured_limits_nothing(self) -> None:
        """Nor does anybody need a meter."""
        self.assertFalse(self.make().limited)
        self.assertEqual(self.served(self.make().meter(), 5000), 5000)
        for name in ("gateway", "address", "connection"):
            self.assertTrue(self.make(**{name: Rate(1)}).limited)

    def test_one_connection(self) -> None:
        """Another one of the same client has its own bucket."""
        traffic = self.make(connection=Rate(100))
        first, second = traffic.meter(), traffic.meter()
        self.assertEqual(self.served(first, 150), 100)
        self.assertEqual(self.served(second, 150), 100)

    def test_one_address(self) -> None:
        """However many connections it has, and however the address is spelled."""
        traffic = self.make(address=Rate(500))
        addresses = ("192.0.2.1", "::ffff:192.0.2.1")
        served = [self.served(traffic.meter(), 1, addresses[n % 2]) for n in range(600)]
        self.assertEqual(sum(served), 500)
        self.assertEqual(self.served(traffic.meter(), 1, "192.0.2.2"), 1)

    def test_one_v6_network(self) -> None:
        """A customer's addresses are one client."""
        traffic = self.make(address=Rate(10))
        meter = traffic.meter()
        self.assertEqual(sum(self.served(meter, 1, f"2001:db8::{n:x}") for n in range(99)), 10)

    def test_all_together(self) -> None:
        """Whoever asks."""
        traffic = self.make(gateway=Rate(1000))
        served = sum(self.served(traffic.meter(), 10, f"10.0.0.{n}") for n in range(200))
        self.assertEqual(served, 1000)

    def test_who_is_refused_uses_up_nothing_that_others_share(self) -> None:
        """A client that floods is stopped at its own limit, and the others never notice."""
        traffic = self.make(gateway=Rate(1000), address=Rate(500), connection=Rate(100))
        self.assertEqual(self.served(traffic.meter(), 100_000), 100)
        self.assertEqual(self.served(traffic.meter(), 100, "10.0.0.1"), 100)
        fresh = [self.served(traffic.meter(), 100, f"10.1.0.{n}") for n in range(8)]
        self.assertEqual(fresh, [100] * 8)

    def test_the_answer(self) -> None:
        """Which limit, and how long to wait; the first that refuses in the order of nearness."""
        traffic = self.make(gateway=Rate(1), address=Rate(1), connection=Rate(100))
        meter = traffic.meter()
        self.assertEqual(self.served(meter, 1), 1)
        busy = self.refusal(meter)
        self.assertEqual(busy.retry_after_ms, 60_000)
        self.assertTrue(busy.retryable)
        self.assertEqual(
            busy.details,
            {
                "code": "RATE_LIMITED",
                "method": "health",
                "limit": "1 per minute, 1 at once",
                "layer": "address",
            },
        )
        self.assertEqual(busy.message, "rate limit exceeded for health; retry after 60s")
        self.assertEqual((self.refusal(meter, "10.0.0.1").details or {})["layer"], "gateway")
        self.clock.advance(60)
        self.assertEqual(self.served(meter, 2), 1)
