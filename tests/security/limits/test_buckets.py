"""Token buckets beside a reference that is too simple to be wrong."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.security.limits.buckets import Buckets, Rate, milliseconds

# Moments on a grid of milliseconds, far enough from each other for floats to tell them apart.
STEPS = st.lists(st.tuples(st.integers(0, 90_000), st.sampled_from("abc")), max_size=60)
RATES = st.tuples(st.sampled_from([0.5, 1, 6, 60, 100, 500]), st.integers(1, 20))


class Reference:
    """Counts tokens in exact numbers, as a text book has it."""

    def __init__(self, per_minute: float, burst: int) -> None:
        self.per_ms = Fraction(per_minute) / 60_000
        self.burst = Fraction(burst)
        self.tokens: dict[str, Fraction] = {}
        self.at: dict[str, int] = {}

    def take(self, key: str, now_ms: int) -> bool:
        """Whether there was one."""
        passed = now_ms - self.at.get(key, now_ms)
        tokens = self.tokens.get(key, self.burst) + passed * self.per_ms
        tokens = min(tokens, self.burst)
        self.at[key] = now_ms
        self.tokens[key] = tokens - 1 if tokens >= 1 else tokens
        return tokens >= 1


class Moment:
    """A clock that is set."""

    milliseconds = 0

    def __call__(self) -> float:
        """Seconds, as a machine that is up for a year would tell."""
        return 31_536_000 + self.milliseconds / 1000


class PropertyTests(SynchronousTestCase):
    """What holds whatever is asked when."""

    @settings(max_examples=300, deadline=None)
    @given(RATES, STEPS)
    def test_takes_what_the_reference_takes(
        self, rate: tuple[float, int], steps: list[tuple[int, str]]
    ) -> None:
        """No more, no less, key by key."""
        now, reference = Moment(), Reference(*rate)
        buckets = Buckets(now, Rate(*rate))
        for pause_ms, key in steps:
            now.milliseconds += pause_ms
            self.assertEqual(buckets.take(key) == 0, reference.take(key, now.milliseconds))

    @settings(max_examples=200, deadline=None)
    @given(RATES, STEPS)
    def test_who_waits_as_told_is_served(
        self, rate: tuple[float, int], steps: list[tuple[int, str]]
    ) -> None:
        """And a millisecond earlier is too early, so nobody waits longer than needed."""
        now = Moment()
        buckets = Buckets(now, Rate(*rate))
        for pause_ms, key in steps:
            now.milliseconds += pause_ms
            wait_ms = buckets.take(key)
            if wait_ms > 1:
                now.milliseconds += wait_ms - 1
                self.assertGreater(buckets.take(key), 0)
                now.milliseconds += 1
                self.assertEqual(buckets.take(key), 0)

    @settings(max_examples=100, deadline=None)
    @given(RATES, st.lists(st.integers(0, 3000), max_size=200))
    def test_no_minute_gets_more_than_rate_and_burst(
        self, rate: tuple[float, int], pauses: list[int]
    ) -> None:
        """However it is asked."""
        now = Moment()
        buckets = Buckets(now, Rate(*rate))
        served = []
        for pause_ms in pauses:
            now.milliseconds += pause_ms
            if buckets.take("a") == 0:
                served.append(now.milliseconds)
        for index, first in enumerate(served):
            within = [one for one in served[index:] if one < first + 60_000]
            self.assertLessEqual(len(within), rate[0] + rate[1])


class BucketsTests(SynchronousTestCase):
    """Numbers that can be counted on fingers."""

    def setUp(self) -> None:
        """The seed's work limit on a clock that stands still."""
        self.clock = Clock()
        self.buckets = Buckets(self.clock.seconds, Rate(60, 10), capacity=100)

    def test_burst_then_one_a_second(self) -> None:
        """Ten at once, the eleventh in a second."""
        self.assertEqual([self.buckets.take("a") for _ in range(10)], [0] * 10)
        self.assertEqual(self.buckets.take("a"), 1000)
        self.clock.advance(1)
        self.assertEqual([self.buckets.take("a") for _ in range(2)], [0, 1000])

    def test_who_is_refused_is_not_punished(self) -> None:
        """A thousand refused tries cost nothing."""
        for _ in range(1010):
            self.buckets.take("a")
        self.clock.advance(1)
        self.assertEqual(self.buckets.take("a"), 0)

    def test_keys_are_apart(self) -> None:
        """One client's flood is nobody else's."""
        for _ in range(50):
            self.buckets.take("a")
        self.assertEqual(self.buckets.take("b"), 0)

    def test_a_flood_of_keys_is_bounded(self) -> None:
        """The bucket that was not asked for longest goes first."""
        for _ in range(11):
            self.buckets.take("kept")
        for number in range(10_000):
            self.buckets.take(number)
            self.buckets.take("kept")
        self.assertEqual(len(self.buckets), 100)
        self.assertGreater(self.buckets.take("kept"), 0)

    def test_a_rate_alone_holds_its_minute(self) -> None:
        """``100rpm``: a hundred at once; one an hour: one."""
        self.assertEqual(Rate(100).burst, 100)
        self.assertEqual(Rate(1 / 60).burst, 1)
        self.assertEqual(str(Rate(60, 10)), "60 per minute, 10 at once")

    def test_nothing_that_stops_everything(self) -> None:
        """Such a rate would be a misunderstanding."""
        for per_minute, burst in ((0, 1), (-1, 1), (1, 0)):
            self.assertRaises(ValueError, Rate, per_minute, burst)

    def test_whole_milliseconds(self) -> None:
        """Rounded up, so that the wait is long enough."""
        self.assertEqual([milliseconds(one) for one in (0.0, 0.0001, 1.0)], [0, 1, 1000])
