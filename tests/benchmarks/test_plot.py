"""Tests of benchmarks/plot.py."""

from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.plot import LEFT, WIDTH, across, bars, svg
from tests.benchmarks.samples import known_result

SPACE = "{http://www.w3.org/2000/svg}"


class PlotTests(SynchronousTestCase):
    """The drawing of shares."""

    def test_only_rows_with_both_figures_have_a_bar(self) -> None:
        """Nothing is drawn for what was not measured."""
        self.assertEqual(
            [bar.title for bar in bars(known_result())], ["health", "handshake, Ed25519 device"]
        )

    def test_colours_tell_met_from_missed(self) -> None:
        """The drawing is XML, one bar a row, in the order of the table."""
        root = ElementTree.fromstring(svg(known_result()))
        kinds = [rectangle.get("class") for rectangle in root.iter(f"{SPACE}rect")]
        self.assertEqual(kinds, ["met", "missed"])

    def test_axis_is_logarithmic_and_bounded(self) -> None:
        """A tenth lies half way between a hundredth and the whole; nothing leaves the axis."""
        places = [across(share) for share in (0.001, 0.01, 0.1, 1.0, 5.0)]
        expected = [LEFT, LEFT, LEFT + WIDTH / 2, LEFT + WIDTH, LEFT + WIDTH]
        for place, wanted in zip(places, expected, strict=True):
            self.assertAlmostEqual(place, wanted)
