"""Tests of counters that strangers fill: they stay small."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.routing.pace import BotPairs, Notices


class PaceTests(SynchronousTestCase):
    def test_memory_is_bounded(self) -> None:
        clock = Clock()
        pairs = BotPairs(clock.seconds, capacity=10)
        notices = Notices(clock.seconds, 60, capacity=10)
        for number in range(100):
            self.assertTrue(pairs.take(number))
            self.assertTrue(notices.take(number))
        self.assertEqual((len(pairs), len(notices)), (10, 10))
        self.assertFalse(notices.take(99))

    def test_silence_is_not_prolonged_by_noise(self) -> None:
        clock = Clock()
        pairs = BotPairs(clock.seconds)
        heard = 0
        for _ in range(120):
            heard += pairs.take("pair")
            clock.advance(1)
        self.assertEqual(heard, 60 - 40 + 20)
