"""The garbage collector after a start."""

import gc

from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.collector import THRESHOLDS, settle


class Knot:
    """Refers to itself: only the collector can free it."""

    def __init__(self) -> None:
        self.me = self


class SettleTests(SynchronousTestCase):
    """What is there is left alone; what comes later is still freed."""

    def setUp(self) -> None:
        before = gc.get_threshold()
        self.addCleanup(gc.set_threshold, *before)
        self.addCleanup(gc.unfreeze)

    def test_what_the_start_made_is_not_looked_at_again(self) -> None:
        kept = Knot()
        settle()
        self.assertGreater(gc.get_freeze_count(), 0)
        self.assertFalse(any(one is kept for one in gc.get_objects()))
        self.assertEqual(gc.get_threshold(), THRESHOLDS)

    def test_what_came_before_and_is_garbage_is_freed_first(self) -> None:
        Knot()
        settle()
        gc.unfreeze()
        self.assertEqual([one for one in gc.get_objects() if isinstance(one, Knot)], [])

    def test_later_garbage_is_freed(self) -> None:
        settle()
        Knot()
        gc.collect()
        self.assertEqual([one for one in gc.get_objects() if isinstance(one, Knot)], [])
