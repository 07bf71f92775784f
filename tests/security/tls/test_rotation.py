from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import StartError
from openclaw.security.tls.rotation import OwnPairs, Plan

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)
PLAN = Plan(names=["localhost"], interval=90 * DAY, overlap=7 * DAY)


class RotationTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())

    def open(self, now: datetime, plan: Plan = PLAN) -> OwnPairs:
        return OwnPairs.open(self.directory, plan, now)

    def test_the_first_start_makes_a_pair_and_the_next_finds_it(self) -> None:
        made = self.open(NOW)
        self.assertIsNone(made.following)
        self.assertEqual(self.open(NOW + DAY).current.fingerprint, made.current.fingerprint)

    def test_the_successor_is_public_for_the_overlap_and_then_used(self) -> None:
        pairs = self.open(NOW)
        first = pairs.current.fingerprint
        self.assertFalse(pairs.advance(NOW + 82 * DAY))
        self.assertIsNone(pairs.following)
        self.assertTrue(pairs.advance(NOW + 83 * DAY))
        assert pairs.following is not None
        second = pairs.following.fingerprint
        self.assertEqual(pairs.current.fingerprint, first)
        self.assertFalse(pairs.advance(NOW + 89 * DAY))
        self.assertTrue(pairs.advance(NOW + 90 * DAY))
        self.assertEqual((pairs.current.fingerprint, pairs.following), (second, None))
        self.assertGreater(pairs.current.expires_at, NOW + 172 * DAY)

    def test_a_restart_within_the_overlap_forgets_nothing(self) -> None:
        pairs = self.open(NOW)
        pairs.advance(NOW + 84 * DAY)
        again = self.open(NOW + 85 * DAY)
        assert pairs.following is not None and again.following is not None
        self.assertEqual(again.following.fingerprint, pairs.following.fingerprint)
        self.assertEqual(again.switches_at(), pairs.switches_at())

    def test_a_crash_between_the_two_files_is_no_harm(self) -> None:
        pairs = self.open(NOW)
        pairs.advance(NOW + 84 * DAY)
        kept = (self.directory / "next.pem").read_bytes()
        pairs.advance(NOW + 92 * DAY)
        (self.directory / "next.pem").write_bytes(kept)
        again = self.open(NOW + 92 * DAY)
        self.assertEqual(again.current.fingerprint, pairs.current.fingerprint)
        self.assertIsNone(again.following)

    def test_after_a_long_sleep_the_old_one_stays_until_the_new_one_was_public(self) -> None:
        self.open(NOW)
        late = NOW + 200 * DAY
        pairs = self.open(late)
        first = pairs.current.fingerprint
        self.assertTrue(pairs.advance(late))
        self.assertFalse(pairs.advance(late + 6 * DAY))
        self.assertEqual(pairs.current.fingerprint, first)
        self.assertTrue(pairs.advance(late + 8 * DAY))
        self.assertNotEqual(pairs.current.fingerprint, first)

    def test_without_rotation_nothing_ever_changes(self) -> None:
        pairs = self.open(NOW, Plan(names=["localhost"], interval=None))
        self.assertFalse(pairs.advance(NOW + 3000 * DAY))

    def test_files_that_are_none_are_an_error_that_says_what_to_do(self) -> None:
        self.directory.mkdir()
        (self.directory / "current.pem").write_text("nothing")
        error: StartError = self.assertRaises(StartError, self.open, NOW)
        self.assertIn(str(self.directory), str(error))

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.floats(0.01, 40.0), st.booleans()), min_size=1, max_size=14))
    def test_no_certificate_is_used_that_was_not_public_for_the_overlap(
        self, steps: list[tuple[float, bool]]
    ) -> None:
        """Whatever the pauses and the restarts: a model of what a client could have learnt."""
        self.directory = Path(self.mktemp())
        plan = Plan(names=["localhost"], interval=20 * DAY, overlap=3 * DAY)
        now = NOW
        pairs = self.open(now, plan)
        public_since = {pairs.current.fingerprint: now - 3 * DAY}
        for days, restarts in steps:
            now += days * DAY
            if restarts:
                pairs = self.open(now, plan)
            pairs.advance(now)
            if pairs.following is not None:
                public_since.setdefault(pairs.following.fingerprint, now)
            since = public_since.get(pairs.current.fingerprint)
            assert since is not None, "used before it was public"
            self.assertGreaterEqual(now - since, 3 * DAY)
