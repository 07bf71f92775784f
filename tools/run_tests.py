"""Runs the tests with trial and ends by naming what was not run; it knows no test itself."""

import argparse
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attrs import Factory, define

_SUMMARY = re.compile(r"^(?:PASSED|FAILED)(?: \((?P<counts>[^()]*)\))?$")
_RULE = re.compile(r"^(={70,}|-{70,})$")
_BAD = ("failures", "errors", "unexpectedSuccesses")


@define
class Outcome:
    """What trial's output says.

    :ivar counts: trial's own words, ``successes``, ``skips``, ``failures`` …, to numbers.
    :ivar skipped: reason to the tests that gave it.
    """

    counts: dict[str, int] = Factory(dict)
    skipped: dict[str, list[str]] = Factory(dict)

    @property
    def failed(self) -> int:
        """How many tests did not do what they should."""
        return sum(self.counts.get(name, 0) for name in _BAD)

    @property
    def passed(self) -> int:
        """How many did."""
        return self.counts.get("successes", 0) + self.counts.get("expectedFailures", 0)

    @property
    def not_run(self) -> int:
        """How many were skipped."""
        return self.counts.get("skips", 0)


def read_outcome(lines: Iterable[str]) -> Outcome:
    """Read the end of trial's output; a test that prints the like before it changes nothing."""
    outcome, block, reason = Outcome(), False, ""
    for line in map(str.rstrip, lines):
        if _RULE.match(line):
            block, reason = False, ""
        elif line == "[SKIPPED]":
            block = True
        elif block and not reason:
            reason = line
        elif block and line:
            outcome.skipped.setdefault(reason, []).append(line)
        elif match := _SUMMARY.match(line):
            outcome.counts = _counts(match["counts"] or "")
    return outcome


def read_stalls(directory: Path) -> list[str]:
    """What held a reactor, in any process of the run; see ``tests/stalls``."""
    found = sorted(directory.glob("reports-*/*.json"))
    return [str(json.loads(path.read_text())["words"]) for path in found]


def closing_words(outcome: Outcome, *, require_all: bool, stalls: Sequence[str] = ()) -> list[str]:
    """Name what was not run, then count; the last line is for programs that count tests."""
    words: list[str] = []
    if stalls:
        words += ["", "A reactor was held, which counts as failed:", *stalls]
    if outcome.skipped:
        words += ["", "Not run:"]
        for reason, tests in sorted(outcome.skipped.items()):
            words.append(f"  {reason} ({len(tests)}: {_some(tests)})")
    if require_all and outcome.not_run:
        words += ["", "OPENCLAW_REQUIRE_ALL is set: what was not run counts as failed."]
    counts = f"{outcome.passed} passed, {outcome.failed} failed, {outcome.not_run} skipped"
    return [*words, "", counts]


def status(
    outcome: Outcome, trial_status: int, *, require_all: bool, stalls: Sequence[str] = ()
) -> int:
    """The exit status: 0 only if something ran, nothing failed, and all ran that had to."""
    if trial_status:
        return trial_status
    if outcome.failed or not outcome.passed or stalls:
        return 1
    return 1 if require_all and outcome.not_run else 0


def run_trial(targets: Sequence[str], jobs: int, seed: int, directory: str) -> tuple[int, Outcome]:
    """Run trial, show its output as it comes, and read it."""
    command = [sys.executable, "-m", "twisted.trial", f"--temp-directory={directory}/trial"]
    command += [f"--random={seed}", *([f"--jobs={jobs}"] if jobs > 1 else []), *targets]
    lines: list[str] = []
    with subprocess.Popen(
        command,
        env={**os.environ, "OPENCLAW_TEST_STALLS": f"{directory}/stalls"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line)
    return process.returncode, read_outcome(lines)


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run what is named, or everything."""
    parser = argparse.ArgumentParser(prog="tools.run_tests", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--seed", type=int, help="repeat the order of an earlier run")
    parser.add_argument("targets", nargs="*", help="modules, classes or tests; default: all")
    options = parser.parse_args(arguments)
    require_all = environ.get("OPENCLAW_REQUIRE_ALL") == "1"
    directory = tempfile.mkdtemp(prefix="openclaw-tests-")
    seed = options.seed or secrets.randbelow(2**31 - 1) + 1
    code, outcome = run_trial(options.targets or ["tests"], options.jobs, seed, directory)
    stalls = read_stalls(Path(directory, "stalls"))
    result = status(outcome, code, require_all=require_all, stalls=stalls)
    print("\n".join(closing_words(outcome, require_all=require_all, stalls=stalls)))
    if result == 0:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        again = f"python -m tools.run_tests --seed {seed} {' '.join(options.targets)}"
        print(f"The order again: {again.rstrip()}; logs: {directory}", file=sys.stderr)
    return result


def _counts(text: str) -> dict[str, int]:
    pairs = (part.split("=") for part in text.split(", ") if "=" in part)
    return {name: int(number) for name, number in pairs}


def _some(tests: Sequence[str]) -> str:
    short = [".".join(test.split(".")[-3:]) for test in sorted(tests)]
    return ", ".join(short[:3]) + (", …" if len(short) > 3 else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
