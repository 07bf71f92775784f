"""Tests of benchmarks/table.py and benchmarks/rows.py."""

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.rows import CPU_ROWS, PEER_ROWS, STREAM_ROWS, Row, Target
from benchmarks.servers import ORIGINAL, OURS, PEER
from benchmarks.table import number, page, ratio
from tests.benchmarks.samples import known_result, sample


def row_of(measure: str) -> Row:
    """Find a row of the first table."""
    return next(row for row in CPU_ROWS if row.measure == measure)


class VerdictTests(SynchronousTestCase):
    """Whether a target was reached."""

    def test_reached_share_is_met(self) -> None:
        """0.5 is below a twelfth of 7."""
        self.assertEqual(row_of("health").verdict(known_result()), "met")

    def test_half_is_not_a_fifth(self) -> None:
        """A missed target is said in bold."""
        self.assertEqual(row_of("handshake-device").verdict(known_result()), "**missed**")

    def test_nothing_is_said_without_both_figures(self) -> None:
        """What was not measured is neither met nor missed."""
        self.assertEqual(row_of("model-chunks").verdict(known_result()), "—")

    def test_peer_rows_compare_with_the_peer(self) -> None:
        """Start and memory stand beside the peer's, and beside our own aims."""
        self.assertEqual([row.verdict(known_result()) for row in PEER_ROWS], ["met"] * 5)

    def test_bounds_hold_on_both_sides(self) -> None:
        """A bound is met at the bound and missed beyond it."""
        most, least = Target(at_most=50.0), Target(at_least=1_000.0)
        self.assertEqual([most.met(value, None) for value in (50.0, 50.1)], [True, False])
        self.assertEqual([least.met(value, None) for value in (1_000.0, 999.0)], [True, False])

    def test_target_is_said_in_words(self) -> None:
        """Words of each kind of target."""
        targets = (Target(share=1 / 12), Target(share=1 / 1.5), Target(share=1.0, against=PEER))
        words = ["≤ 1/12 of original", "≤ 1/1.5 of original", "≤ 1 of nanobot"]
        self.assertEqual([target.words() for target in targets], words)
        self.assertEqual(Target(times=5.0).words(), "≥ 5 times original")

    def test_a_multiple_is_reached_at_the_multiple(self) -> None:
        """Five times as many, or more; nothing is said without the other's figure."""
        target = Target(times=5.0)
        met = [target.met(ours, 10.0) for ours in (50.0, 49.0)]
        self.assertEqual((met, target.met(50.0, None)), ([True, False], None))

    def test_streaming_has_rows_of_its_own(self) -> None:
        """Chunks for a second of CPU beside the original, and how late the first token comes."""
        result = known_result()
        for server, chunks in ((ORIGINAL, 450.0), (OURS, 2_000.0)):
            result.samples.append(sample("model-chunks", server, chunksPerCpuSecond=chunks))
        late = sample("first-tokens", OURS, firstP99Ms=19.0, answerP99Ms=51.0, reactorP99Ms=3.0)
        result.samples.append(late)
        verdicts = {row.figure: row.verdict(result) for row in STREAM_ROWS if row.target}
        expected = {
            "chunksPerCpuSecond": "**missed**",
            "firstP99Ms": "met",
            "answerP99Ms": "**missed**",
            "reactorP99Ms": "met",
            "reactorMaxMs": "—",
        }
        self.assertEqual(verdicts, expected)


class PageTests(SynchronousTestCase):
    """The page as a whole."""

    def test_numbers_keep_three_digits(self) -> None:
        """Large ones are grouped, small ones are not rounded away."""
        shown = [number(value) for value in (12345.0, 123.4, 12.34, 1.234, 0.1234, 0.01234, 0.0)]
        self.assertEqual(shown, ["12 345", "123", "12.3", "1.23", "0.123", "0.0123", "0"])
        self.assertEqual(number(None), "—")

    def test_ratio_has_one_on_the_smaller_side(self) -> None:
        """A tenth reads as 1/10, twice as much as 2."""
        self.assertEqual(
            (ratio(1.0, 10.0), ratio(2.0, 1.0), ratio(None, 1.0)), ("1/10.0", "2.0", "—")
        )

    def test_page_shows_figures_and_misses(self) -> None:
        """Every measure has its row, the missed one too."""
        text = page(known_result())
        for row in CPU_ROWS:
            self.assertIn(f"* - {row.title}\n", text)
        self.assertIn("**missed**", text)
        self.assertIn("     - 7.00\n     - 0.500\n     - 1/14.0\n     - ≤ 1/12 of original", text)
        self.assertNotIn("not to be quoted", text)

    def test_tables_are_complete(self) -> None:
        """Every row of a table has as many cells as its head: else the markup is wrong."""
        for table in page(known_result()).split(".. list-table::")[1:]:
            rows = [row.count("\n     - ") for row in table.split("   * - ")[1:]]
            self.assertEqual(len(set(rows)), 1, table)
            self.assertGreater(len(rows), 1)
