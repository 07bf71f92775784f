"""Waits between attempts, without a clock."""

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from openclaw.queue.retries import RetryPolicy


class Least(Random):
    """Adds nothing."""

    def random(self) -> float:
        return 0.0


def waits(policy: RetryPolicy, attempts: int = 8) -> list[int]:
    """The planned waits after the first attempts."""
    return [policy.delay_ms(attempt, Least()) for attempt in range(1, attempts + 1)]


class RetryPolicyTests(SynchronousTestCase):
    def test_exponential_up_to_the_longest(self) -> None:
        self.assertEqual(
            waits(RetryPolicy()), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]
        )

    def test_linear_and_fixed(self) -> None:
        self.assertEqual(waits(RetryPolicy(backoff="linear", max_ms=3000), 5),
                         [1000, 2000, 3000, 3000, 3000])  # fmt: skip
        self.assertEqual(waits(RetryPolicy(backoff="fixed", initial_ms=50), 3), [50, 50, 50])

    def test_at_most_a_tenth_longer_and_never_above_the_longest(self) -> None:
        chance, policy = Random(7), RetryPolicy()
        found = [policy.delay_ms(2, chance) for _ in range(2000)]
        self.assertGreaterEqual(min(found), 2000)
        self.assertLessEqual(max(found), 2200)
        self.assertGreater(len(set(found)), 100)
        self.assertEqual({policy.delay_ms(60, chance) for _ in range(100)}, {30_000})

    def test_three_attempts_in_all(self) -> None:
        policy = RetryPolicy()
        self.assertEqual([policy.is_last(one) for one in (1, 2, 3, 4)], [False, False, True, True])

    def test_three_attempts_never_block_too_long(self) -> None:
        policy = RetryPolicy()
        self.assertFalse(any(policy.blocks_too_long(attempt) for attempt in (1, 2, 3)))
        self.assertTrue(policy.blocks_too_long(4), "1 + 2 + 4 + 8 s")
        self.assertFalse(RetryPolicy(blocked_ms=0).blocks_too_long(1000))
