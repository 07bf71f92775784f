"""The test runner sees what trial says, planted tests of every kind included."""

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tools.layers import ROOT
from tools.run_tests import Outcome, closing_words, read_outcome, read_stalls, status

PLANTED = '''"""Planted."""
from twisted.trial.unittest import SkipTest, SynchronousTestCase
class Tests(SynchronousTestCase):
    def test_good(self):
        print("PASSED (successes=900)")
        print("=" * 79 + chr(10) + "[SKIPPED]" + chr(10) + "no reason")
'''
SKIPPING = """
    def test_one(self):
        raise SkipTest("npm is not installed")
    def test_two(self):
        raise SkipTest("npm is not installed")
"""
FAILING = """
    def test_bad(self):
        self.fail("no")
    def test_broken(self):
        raise ValueError("no")
"""


class RunTests(SynchronousTestCase):
    def run_planted(self, source: str, require_all: bool = False) -> tuple[int, list[str]]:
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        (directory / "test_planted.py").write_text(source)
        done = subprocess.run(
            [sys.executable, "-m", "tools.run_tests", "test_planted"],
            cwd=ROOT,
            env={
                "PYTHONPATH": f"{ROOT}:{directory}",
                "OPENCLAW_REQUIRE_ALL": "1" if require_all else "0",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.splitlines()

    def test_passing(self) -> None:
        code, lines = self.run_planted(PLANTED)
        self.assertEqual((code, lines[-1]), (0, "1 passed, 0 failed, 0 skipped"))

    def test_skips_are_named_and_green(self) -> None:
        code, lines = self.run_planted(PLANTED + SKIPPING)
        self.assertEqual((code, lines[-1]), (0, "1 passed, 0 failed, 2 skipped"))
        self.assertIn("Not run:", lines)
        named = [line for line in lines if line.startswith("  npm is not installed (2: ")]
        self.assertEqual(len(named), 1, lines)
        self.assertIn("test_planted.Tests.test_two", named[0])

    def test_skips_fail_where_all_is_required(self) -> None:
        code, lines = self.run_planted(PLANTED + SKIPPING, require_all=True)
        self.assertEqual((code, lines[-1]), (1, "1 passed, 0 failed, 2 skipped"))

    def test_failing(self) -> None:
        code, lines = self.run_planted(PLANTED + FAILING)
        self.assertEqual((code, lines[-1]), (1, "1 passed, 2 failed, 0 skipped"))

    def test_nothing_found_is_a_failure(self) -> None:
        self.assertEqual(self.run_planted('"""Planted."""\n')[0], 1)
        self.assertNotEqual(self.run_planted("import nothing_of_this_name\n")[0], 0)


class OutcomeTests(SynchronousTestCase):
    def test_status(self) -> None:
        good = Outcome({"successes": 2, "skips": 1})
        for outcome, code, require_all, expected in (
            (good, 0, False, 0),
            (good, 0, True, 1),
            (good, 3, False, 3),
            (Outcome({"successes": 2, "failures": 1}), 0, False, 1),
            (Outcome({"successes": 2, "unexpectedSuccesses": 1}), 0, False, 1),
            (Outcome({"skips": 2}), 0, False, 1),
            (Outcome(), 0, False, 1),
        ):
            self.assertEqual(status(outcome, code, require_all=require_all), expected)

    def test_reactors_that_were_held(self) -> None:
        directory = Path(self.mktemp())
        for number, name in enumerate(("1-0.json", "1-1.json", "2-0.part")):
            place = directory / f"reports-{number % 2}"
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(f'{{"words": "held for {number} s"}}')
        stalls = read_stalls(directory)
        self.assertEqual(stalls, ["held for 0 s", "held for 1 s"])
        good = Outcome({"successes": 2})
        self.assertEqual(status(good, 0, require_all=False, stalls=stalls), 1)
        words = closing_words(good, require_all=False, stalls=stalls)
        self.assertIn("held for 1 s", words)
        self.assertEqual(read_stalls(directory / "missing"), [])

    def test_last_summary_counts(self) -> None:
        text = "PASSED (successes=1)\nRan 3\nFAILED (skips=1, failures=1, errors=1, successes=4)\n"
        outcome = read_outcome(text.splitlines())
        self.assertEqual((outcome.passed, outcome.failed, outcome.not_run), (4, 2, 1))

    def test_many_skips_of_one_reason_are_one_line(self) -> None:
        tests = [f"a.b.c.D.test_{n}" for n in range(5)]
        words = closing_words(Outcome({"skips": 5}, {"no browser": tests}), require_all=False)
        self.assertEqual(words[2], "  no browser (5: c.D.test_0, c.D.test_1, c.D.test_2, …)")
