"""Tests of benchmarks/results.py."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.results import load, save
from benchmarks.servers import ORIGINAL, OURS, PEER
from tests.benchmarks.samples import known_result


class ResultTests(SynchronousTestCase):
    """What can be read from samples."""

    def test_median_is_the_middle_round(self) -> None:
        """One disturbed round does not move the figure."""
        median = known_result().median("health", ORIGINAL, "cpuSeconds", 10_000.0)
        self.assertEqual(median, 7.0)

    def test_figures_are_scaled_to_the_unit_of_work(self) -> None:
        """A figure is divided by the amount that was done."""
        median = known_result().median("handshake-device", OURS, "cpuSeconds", 10_000.0)
        assert median is not None
        self.assertAlmostEqual(median, 33.0)

    def test_figure_without_amount_stands_as_it_is(self) -> None:
        """Times and sizes are not divided by anything."""
        self.assertEqual(known_result().median("rest", PEER, "healthSeconds"), 0.9)

    def test_what_was_not_measured_is_absent(self) -> None:
        """No figure is invented."""
        self.assertIsNone(known_result().median("health", PEER, "cpuSeconds"))
        self.assertIsNone(known_result().median("health", OURS, "rssBytes"))

    def test_saved_result_reads_back_equal(self) -> None:
        """The raw rounds survive the file."""
        path = Path(self.mktemp()) / "rounds.json"
        save(known_result(), path)
        self.assertEqual(load(path), known_result())
