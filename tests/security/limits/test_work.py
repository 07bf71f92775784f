"""The limit of work: whom it counts together, and whom not at all."""

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import Busy
from openclaw.interfaces.security import Peer
from openclaw.security.limits.buckets import Rate
from openclaw.security.limits.work import WorkLimit

FAR = Peer("192.0.2.7", loopback=False)
HERE = Peer("127.0.0.1", loopback=True, host="localhost")


class WorkLimitTests(SynchronousTestCase):
    """Sixty a minute, ten of them at once."""

    def setUp(self) -> None:
        """A limit on a clock that stands still."""
        self.clock = Clock()
        self.limit = WorkLimit(self.clock.seconds, capacity=64)

    def served(self, times: int, device: str | None = "d1", peer: Peer = FAR) -> int:
        """How many of so many requests may start work."""
        return sum(self.is_served(device, peer) for _ in range(times))

    def is_served(self, device: str | None, peer: Peer) -> bool:
        """Whether one may."""
        try:
            self.limit.take("agent", device, peer)
        except Busy:
            return False
        return True

    def test_ten_at_once_and_sixty_a_minute(self) -> None:
        """After the burst, one a second."""
        self.assertEqual(self.served(50), 10)
        served = 0
        for _ in range(60):
            self.clock.advance(1)
            served += self.served(5)
        self.assertEqual(served, 60)

    def test_the_answer(self) -> None:
        """As for every limit."""
        self.served(10)
        busy = self.assertRaises(Busy, self.limit.take, "agent", "d1", FAR)
        self.assertEqual(busy.retry_after_ms, 1000)
        self.assertEqual(
            busy.details,
            {
                "code": "RATE_LIMITED",
                "method": "agent",
                "limit": "60 per minute, 10 at once",
                "layer": "work",
            },
        )

    def test_a_device_has_one_bucket_wherever_it_is(self) -> None:
        """And two devices behind one address have two."""
        self.assertEqual(self.served(5) + self.served(10, peer=evolve(FAR, address="10.0.0.1")), 10)
        self.assertEqual(self.served(20, "d2"), 10)

    def test_clients_without_a_device_share_their_address(self) -> None:
        """A v4-mapped one is the same."""
        mapped = evolve(FAR, address="::ffff:192.0.2.7")
        self.assertEqual(self.served(5, None) + self.served(20, None, mapped), 10)
        self.assertEqual(self.served(20), 10)

    def test_programs_on_this_machine_are_never_counted(self) -> None:
        """Pages and proxied clients that come over loopback are."""
        self.assertEqual(self.served(500, peer=HERE), 500)
        self.assertEqual(len(self.limit), 0)
        self.assertEqual(self.served(20, "d3", evolve(HERE, origin="http://localhost")), 10)
        self.assertEqual(self.served(20, "d4", evolve(HERE, forwarded=True)), 10)

    def test_senders_have_buckets_of_their_own(self) -> None:
        """By channel and sender."""
        for sender in ("1", "2"):
            for _ in range(10):
                self.limit.take_sender("telegram", sender)
            busy = self.assertRaises(Busy, self.limit.take_sender, "telegram", sender)
            self.assertIn("messages on telegram", busy.message)
        self.limit.take_sender("slack", "1")

    def test_another_rate(self) -> None:
        """As configured."""
        self.limit = WorkLimit(self.clock.seconds, Rate(6, 2))
        self.assertEqual(self.served(5), 2)
        self.clock.advance(10)
        self.assertEqual(self.served(5), 1)

    def test_memory_is_bounded(self) -> None:
        """Whoever comes."""
        for number in range(5000):
            self.served(1, f"d{number}")
        self.assertEqual(len(self.limit), 64)
