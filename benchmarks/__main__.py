"""The command line, ``python -m benchmarks``: it chooses and writes, the measuring is elsewhere."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from benchmarks.install import ROOT, find_tools
from benchmarks.plot import svg
from benchmarks.results import Result, load, make_result, save
from benchmarks.rounds import MEASURES, REST, Plan, run
from benchmarks.servers import ORIGINAL, OURS, PEER
from benchmarks.stage import Stage, choose_cores
from benchmarks.table import page

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.rst"
PICTURE = "images/bench-ratios.svg"


def arguments() -> argparse.ArgumentParser:
    """Describe the options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=MEASURES, metavar="MEASURE", help=", ".join(MEASURES)
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds that count, after one that does not"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="multiply the amount of work")
    parser.add_argument(
        "--ours-only", action="store_true", help="measure nothing beside this gateway"
    )
    parser.add_argument("--original-only", action="store_true", help="measure the original alone")
    parser.add_argument("--node-modules", type=Path, help="use these npm packages")
    parser.add_argument("--peer", type=Path, help="use this nanobot program")
    parser.add_argument(
        "--cache", type=Path, default=ROOT / ".bench", help="where packages are installed"
    )
    parser.add_argument("--out", type=Path, help="where the raw rounds go")
    parser.add_argument(
        "--publish", action="store_true", help="keep the rounds and rewrite the page"
    )
    parser.add_argument(
        "--from", dest="source", type=Path, help="measure nothing, use these rounds"
    )
    return parser


def make_plan(options: argparse.Namespace) -> Plan:
    """Turn options into a plan."""
    servers: tuple[str, ...] = (ORIGINAL, OURS, PEER)
    if options.ours_only:
        servers = (OURS,)
    if options.original_only:
        servers = (ORIGINAL,)
    measures = tuple(options.only or MEASURES)
    return Plan(measures=measures, servers=servers, rounds=options.rounds)


def measure(options: argparse.Namespace) -> Result:
    """Run the plan; its rounds are kept as they come, for a run may be cut short."""
    plan = make_plan(options)
    want_peer = PEER in plan.servers and REST in plan.measures
    tools = find_tools(options.cache, options.node_modules, options.peer, want_peer=want_peer)
    result = make_result(tools, options.scale)
    directory = RESULTS if options.publish else options.cache / "results"
    path = options.out or directory / f"{result.date}.json"
    with Stage(tools, choose_cores(), options.scale) as stage:
        for sample in run(stage, plan):
            result.samples.append(sample)
            save(result, path)
    print(f"raw rounds: {path}", file=sys.stderr)
    return result


def publish(result: Result) -> None:
    """Rewrite the page and its picture."""
    picture = PAGE.parent / PICTURE
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(svg(result))
    PAGE.write_text(page(result, PICTURE))


def end(number: int, frame: FrameType | None) -> None:
    """End as for Ctrl-C: what was started is stopped on the way out."""
    raise KeyboardInterrupt


def main(words: Sequence[str] | None = None) -> None:
    """Measure or read, then show."""
    options = arguments().parse_args(words)
    signal.signal(signal.SIGTERM, end)
    result = load(options.source) if options.source else measure(options)
    if options.publish:
        publish(result)
    print(page(result))


if __name__ == "__main__":
    main()
