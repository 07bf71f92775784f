"""Every finding is tested, or says what it waits for; every attack belongs to one."""

import importlib
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase, TestCase

HERE = Path(__file__).parent
CLUSTERS = [f"S{number}" for number in range(1, 43)]
LEAST_INPUTS = 20_000
LEAST_ADVISORIES = 120


def attacks() -> Iterator[tuple[str, Any]]:
    """Every test of this directory that is an attack, as ``module.Class.test``."""
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f"{__package__}.{path.stem}")
        for name, case in vars(module).items():
            own = isinstance(case, type) and case.__module__ == module.__name__
            if own and issubclass(case, SynchronousTestCase | TestCase):
                for test in vars(case):
                    if test.startswith("test_") and path.stem != "test_coverage":
                        yield f"{path.stem}.{name}.{test}", getattr(case, test)


class CoverageTests(SynchronousTestCase):
    """The table beside this module, and what is really there."""

    def setUp(self) -> None:
        self.table = tomllib.loads((HERE / "coverage.toml").read_text())
        self.attacks = dict(attacks())

    def test_every_finding_is_in_the_table(self) -> None:
        self.assertEqual(list(self.table), CLUSTERS)
        for cluster, row in self.table.items():
            self.assertTrue(row["finding"] and row["advisories"], cluster)
            self.assertTrue(row.get("tests") or row.get("later"), cluster)

    def test_every_named_test_exists_and_none_is_forgotten(self) -> None:
        named = [test for row in self.table.values() for test in row.get("tests", ())]
        self.assertEqual(sorted(named), sorted(set(named)))
        self.assertEqual(sorted(set(named) - self.attacks.keys()), [])
        self.assertEqual(sorted(self.attacks.keys() - set(named)), [])

    def test_every_attack_says_what_was_done_and_how_often(self) -> None:
        for name, attack in self.attacks.items():
            self.assertTrue(attack.__doc__, name)
            self.assertGreaterEqual(attack.inputs, 0, name)

    def test_it_is_enough(self) -> None:
        """The one line that says how much."""
        inputs = sum(attack.inputs for attack in self.attacks.values())
        tested = [row for row in self.table.values() if row.get("tests")]
        advisories = {name for row in self.table.values() for name in row["advisories"]}
        covered = {name for row in tested for name in row["advisories"]}
        sys.stdout.write(
            f"\nattacks: {len(tested)} of {len(self.table)} clusters, {len(covered)} of "
            f"{len(advisories)} advisories, {len(self.attacks)} attacks, {inputs} hostile inputs\n"
        )
        self.assertGreaterEqual(inputs, LEAST_INPUTS)
        self.assertGreaterEqual(len(advisories), LEAST_ADVISORIES)
