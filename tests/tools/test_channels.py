"""The quality table: complete, made from manifests, and every test in it exists."""

from pathlib import Path

from twisted.python.reflect import namedAny
from twisted.trial.runner import TestLoader
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.registry import BUILT_IN
from tools import channels
from tools.layers import ROOT

DATA = ROOT / "docs" / "channels.toml"


class ChannelTableTests(SynchronousTestCase):
    def test_every_named_test_exists(self) -> None:
        for row in channels.verified(DATA):
            for name in row.tests:
                suite = TestLoader().loadAnything(namedAny(name))
                self.assertGreater(suite.countTestCases(), 0, name)

    def test_every_platform_keeps_the_contract(self) -> None:
        for row in channels.verified(DATA):
            self.assertIn(f"tests.channels.{row.channel}.test_whole", row.tests)

    def test_abilities_are_the_manifests(self) -> None:
        table = channels.table(DATA)
        self.assertIn(
            "   * - :doc:`IRC <irc>`\n     - nothing\n     - 350 bytes\n     - InspIRCd", table
        )
        self.assertIn("- edits, deletion, reactions, typing signs, threads, files", table)

    def test_a_platform_that_is_forgotten_or_unproven_is_an_error(self) -> None:
        told = DATA.read_text(encoding="utf-8")
        for wrong in (
            told.replace("[irc]", "[icq]"),
            told + '\n[icq]\nagainst = "x"\nmissing = ""\ntests = ["x"]\n',
            "".join(f'[{name}]\nagainst = "x"\nmissing = ""\ntests = []\n' for name in BUILT_IN),
        ):
            path = Path(self.mktemp())
            path.write_text(wrong, encoding="utf-8")
            self.assertRaises(ValueError, channels.verified, path)

    def test_every_platform_has_a_page(self) -> None:
        for name in BUILT_IN:
            self.assertTrue((ROOT / "docs" / "channels" / f"{name}.rst").is_file(), name)
