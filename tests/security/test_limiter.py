"""Tests of the failure limiter: when it locks, whom, and for how long."""

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.interfaces.security import Peer
from openclaw.security.limiter import (
    SLOW_FAILURES,
    SLOW_LOCK_SECONDS,
    FailureLimiter,
    Kind,
    PatientLimiter,
)

FAR = Peer("192.0.2.7", loopback=False)
HERE = Peer("127.0.0.1", loopback=True, host="localhost")


class FailureLimiterTests(SynchronousTestCase):
    """Ten wrong ones in a minute close the door for five."""

    def setUp(self) -> None:
        """A limiter on a clock that stands still."""
        self.clock = Clock()
        self.limiter = FailureLimiter(self.clock.seconds, capacity=100)

    def guess(self, peer: Peer = FAR, times: int = 10, kind: Kind = Kind.SECRET) -> None:
        """Fail so many times."""
        for _ in range(times):
            self.limiter.failed(peer, kind)

    def test_nine_failures_lock_nobody(self) -> None:
        """One typo less than the limit."""
        self.guess(times=9)
        self.assertEqual(self.limiter.wait_ms(FAR, Kind.SECRET), 0)

    def test_ten_failures_lock_for_five_minutes(self) -> None:
        """The wait counts down and ends."""
        self.guess()
        self.assertEqual(self.limiter.wait_ms(FAR, Kind.SECRET), 300_000)
        self.clock.advance(299.5)
        self.assertEqual(self.limiter.wait_ms(FAR, Kind.SECRET), 500)
        self.clock.advance(0.5)
        self.assertEqual(self.limiter.wait_ms(FAR, Kind.SECRET), 0)
        self.assertEqual(len(self.limiter), 0)

    def test_a_locked_client_starts_anew_afterwards(self) -> None:
        """It takes ten more."""
        self.guess()
        self.clock.advance(300)
        self.guess(times=9)
        self.assertEqual(self.limiter.wait_ms(FAR, Kind.SECRET), 0)
        self.guess(times=1)
        self.assertEqual(self.limiter.wait_ms(FAR, Kind.SECRET), 300_000)

    def test_the_window_slides(self) -> None:
        """Nine, a pause of nearly a minute, and one more: still ten within the window."""
        self.guess(times=9)
        self.clock.advance(59.9)
        self.guess(times=1)
        self.assertGreater(self.limiter.wait_ms(FAR, Kind.SECRET), 0)

    def test_slow_failures_do_not_lock(self) -> None:
        """One every seven seconds is less than ten a minute."""
        for _ in range(1000):
            self.guess(times=1)
            self.clock.advance(7)
        self.assertEqual(self.limiter.wait_ms(FAR, Kind.SECRET), 0)

    def test_kinds_are_apart(self) -> None:
        """Bogus device tokens neither use up nor hide the budget of the shared secret."""
        self.guess(kind=Kind.DEVICE_TOKEN)
        self.assertEqual(self.limiter.wait_ms(FAR, Kind.SECRET), 0)
        self.assertGreater(self.limiter.wait_ms(FAR, Kind.DEVICE_TOKEN), 0)

    def test_mapped_and_plain_address_share_a_budget(self) -> None:
        """Spelling the address otherwise buys nothing."""
        for index in range(10):
            self.guess(evolve(FAR, address=("192.0.2.7", "::ffff:192.0.2.7")[index % 2]), times=1)
        self.assertGreater(self.limiter.wait_ms(FAR, Kind.SECRET), 0)

    def test_one_v6_network_shares_a_budget(self) -> None:
        """Nor does another address of the same customer."""
        for index in range(10):
            self.guess(evolve(FAR, address=f"2001:db8::{index:x}"), times=1)
        self.assertGreater(
            self.limiter.wait_ms(evolve(FAR, address="2001:db8::ff"), Kind.SECRET), 0
        )
        self.assertEqual(self.limiter.wait_ms(evolve(FAR, address="2001:db9::1"), Kind.SECRET), 0)

    def test_loopback_is_exempt_but_not_pages_and_proxied_clients(self) -> None:
        """Any page can reach loopback, and a proxy on this host speaks for strangers."""
        page, proxied = evolve(HERE, origin="http://localhost"), evolve(HERE, forwarded=True)
        for peer, locked in ((HERE, False), (page, True), (proxied, True)):
            limiter = self.limiter = FailureLimiter(self.clock.seconds)
            self.guess(peer, times=1000)
            self.assertEqual(limiter.wait_ms(peer, Kind.SECRET) > 0, locked, peer)
            self.assertEqual(limiter.wait_ms(HERE, Kind.SECRET), 0)

    def test_a_flood_of_addresses_neither_grows_nor_unlocks(self) -> None:
        """Memory is bounded, and who is locked out stays so."""
        self.guess()
        for index in range(5000):
            self.guess(evolve(FAR, address=f"10.{index >> 8}.{index & 255}.1"), times=9)
        self.assertLessEqual(len(self.limiter), 101)
        self.assertGreater(self.limiter.wait_ms(FAR, Kind.SECRET), 0)
        for index in range(500):
            self.guess(evolve(FAR, address=f"11.{index >> 8}.{index & 255}.1"))
        self.assertLessEqual(len(self.limiter), 200)


class PatientLimiterTests(SynchronousTestCase):
    """Who guesses slowly is stopped as well."""

    def setUp(self) -> None:
        """A limiter on a clock that stands still."""
        self.clock = Clock()
        self.limiter = PatientLimiter(self.clock.seconds)

    def guesses(self, hours: int, every_seconds: float, kind: Kind) -> int:
        """How many guesses are looked at in so many hours."""
        looked_at = 0
        until = self.clock.seconds() + hours * 3600
        while self.clock.seconds() < until:
            if not self.limiter.wait_ms(FAR, kind):
                self.limiter.failed(FAR, kind)
                looked_at += 1
            self.clock.advance(every_seconds)
        return looked_at

    def test_a_guess_each_seven_seconds_for_two_days(self) -> None:
        """Twelve thousand a day without the slow limit."""
        looked_at = self.guesses(48, 7.0, Kind.SECRET)
        self.assertLessEqual(looked_at, SLOW_FAILURES * (1 + 48 * 3600 / SLOW_LOCK_SECONDS))
        self.assertGreaterEqual(looked_at, SLOW_FAILURES)

    def test_other_kinds_are_not_for_people_to_choose(self) -> None:
        """A device token cannot be guessed at any speed; nobody is locked out for long."""
        self.guesses(1, 7.0, Kind.DEVICE_TOKEN)
        self.assertEqual(self.limiter.wait_ms(FAR, Kind.DEVICE_TOKEN), 0)

    def test_the_quick_limit_holds_too(self) -> None:
        """Ten at once lock for five minutes."""
        for _ in range(10):
            self.limiter.failed(FAR, Kind.SECRET)
        self.assertEqual(self.limiter.wait_ms(FAR, Kind.SECRET), 300_000)

    def test_the_owner_is_never_locked_out_of_his_machine(self) -> None:
        """Loopback is exempt."""
        for _ in range(SLOW_FAILURES):
            self.limiter.failed(HERE, Kind.SECRET)
        self.assertEqual(self.limiter.wait_ms(HERE, Kind.SECRET), 0)
