from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.monitoring.notices import Notices


class NoticeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.notices = Notices(lambda: 1_800_000_000_123, capacity=5)

    def test_none(self) -> None:
        report = self.notices.report(10)
        self.assertEqual((report.count, report.dropped, report.events), (0, 0, []))
        self.assertEqual(report.generated_at, "2027-01-15T08:00:00.123Z")

    def test_the_newest_last_and_so_many(self) -> None:
        for number in range(4):
            self.notices.note("a", f"{number}")
        report = self.notices.report(2)
        self.assertEqual([one.detail for one in report.events], ["2", "3"])
        self.assertEqual([one.seq for one in report.events], [3, 4])
        self.assertEqual(report.count, 4)

    def test_of_one_kind(self) -> None:
        for kind in ("a", "b", "a"):
            self.notices.note(kind, "x")
        report = self.notices.report(10, "a")
        self.assertEqual((report.count, {one.type for one in report.events}), (2, {"a"}))
        self.assertEqual(report.summary.by_type, {"a": 2, "b": 1})

    def test_details_are_cut(self) -> None:
        self.notices.note("a", "x" * 10_000)
        self.assertEqual(len(self.notices.report(1).events[0].detail), 500)

    @given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(1, 10))
    def test_bounded_and_nothing_uncounted(self, kinds: list[str], limit: int) -> None:
        notices = Notices(lambda: 0, capacity=5)
        for kind in kinds:
            notices.note(kind, "x")
        report = notices.report(limit)
        self.assertLessEqual(len(report.events), min(5, limit))
        self.assertEqual(report.count + report.dropped, len(kinds))
        self.assertEqual(sum(report.summary.by_type.values()), len(kinds))
