"""The command line, ``python -m benchmarks.messages``: runs, keeps the figures, writes the page."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from benchmarks.install import ROOT
from benchmarks.messages.page import ALONE, LONG, MEASURE, TROUBLED, page
from benchmarks.messages.run import Load, once
from benchmarks.results import Result, Sample, load, make_result, save

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks-messages.rst"
FULL_SECONDS = 600.0


def arguments() -> argparse.ArgumentParser:
    """Describe the options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.messages", description=__doc__)
    parser.add_argument("--per-second", type=float, default=500.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=FULL_SECONDS, help="of the long run")
    parser.add_argument(
        "--trouble-seconds", type=float, default=60.0, help="of each run with and without trouble"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of those pairs")
    parser.add_argument("--out", type=Path, help="where the figures go")
    parser.add_argument(
        "--publish", action="store_true", help="keep the figures and rewrite the page"
    )
    parser.add_argument("--from", dest="source", type=Path, help="measure nothing, use these")
    return parser


def measure(options: argparse.Namespace) -> Result:
    """One long run, then pairs of short ones, in turned order so that noise hits both alike."""
    result = make_result(None, 1.0)
    path = options.out or RESULTS / f"messages-{result.date}.json"
    if options.seconds:
        _add(result, path, 0, Load(per_second=options.per_second, seconds=options.seconds))
    for number in range(1, options.rounds + 1):
        for trouble in (False, True) if number % 2 else (True, False):
            seconds = options.trouble_seconds
            _add(
                result,
                path,
                number,
                Load(
                    per_second=options.per_second,
                    seconds=seconds,
                    neighbour="blocks" if trouble else "answers",
                ),
            )
    print(f"figures: {path}", file=sys.stderr)
    return result


def _add(result: Result, path: Path, number: int, put: Load) -> None:
    measure = MEASURE if number else LONG
    server = TROUBLED if put.trouble else ALONE
    figures = once(put, sorted(os.sched_getaffinity(0)))
    shown = " ".join(f"{name}={value:.4g}" for name, value in figures.items())
    print(f"{measure} {server} round {number}: {shown}", file=sys.stderr, flush=True)
    result.samples.append(Sample(measure, server, number, figures))
    save(result, path)


def end(number: int, frame: FrameType | None) -> None:
    """End as for Ctrl-C: what was started is stopped on the way out."""
    raise KeyboardInterrupt


def main(words: Sequence[str] | None = None) -> None:
    """Measure or read, then show."""
    options = arguments().parse_args(words)
    signal.signal(signal.SIGTERM, end)
    result = load(options.source) if options.source else measure(options)
    if options.publish:
        PAGE.write_text(page(result))
    print(page(result))


if __name__ == "__main__":
    main()
