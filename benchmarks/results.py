"""What a run found: raw rounds and the machine they come from, as JSON and back; no tables."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import attrs

from benchmarks.install import PEER, Tools

LIBRARIES = ("twisted", "autobahn", "msgspec", "cryptography")


@attrs.frozen
class Sample:
    """One server's figures in one round of one measure; the unit is in each figure's name."""

    measure: str
    server: str
    round: int
    figures: dict[str, float]


@attrs.frozen
class Result:
    """All samples of one run, and what they were taken on."""

    date: str
    machine: dict[str, str]
    versions: dict[str, str]
    scale: float
    samples: list[Sample]

    def values(
        self, measure: str, server: str, figure: str, per: float | None = None
    ) -> list[float]:
        """One figure of every round, or with ``per`` that figure for so many units of work."""
        found = []
        for sample in self.samples:
            if (sample.measure, sample.server) != (measure, server) or figure not in sample.figures:
                continue
            amount = sample.figures.get("amount", 1.0) or float("nan")
            value = sample.figures[figure]
            found.append(value if per is None else value / amount * per)
        return found

    def median(
        self, measure: str, server: str, figure: str, per: float | None = None
    ) -> float | None:
        """The middle of :meth:`values`; None when nothing was measured."""
        values = self.values(measure, server, figure, per)
        return statistics.median(values) if values else None


def processor() -> str:
    """The processor's name as the kernel gives it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def describe_machine() -> dict[str, str]:
    """What a reader needs to judge the figures; nothing that names the machine."""
    return {
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def describe_libraries() -> dict[str, str]:
    """List the versions of what this gateway runs on."""
    versions = {"Python": platform.python_version()}
    for library in LIBRARIES:
        with suppress(PackageNotFoundError):
            versions[library] = version(library)
    return versions


def describe_versions(tools: Tools) -> dict[str, str]:
    """List the versions of everything measured that is there."""
    versions = describe_libraries()
    packages = {"original": tools.node_modules / "openclaw", "Node": tools.node.parent.parent}
    for name, directory in packages.items():
        if (directory / "package.json").exists():
            versions[name] = json.loads((directory / "package.json").read_text())["version"]
    if tools.peer is not None:
        versions["nanobot"] = PEER.partition("==")[2]
    return versions


def make_result(tools: Tools | None, scale: float) -> Result:
    """Begin the result of a run; without ``tools`` of one that measures this gateway alone."""
    return Result(
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        machine=describe_machine(),
        versions=describe_versions(tools) if tools else describe_libraries(),
        scale=scale,
        samples=[],
    )


def save(result: Result, path: Path) -> None:
    """Write a result as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(attrs.asdict(result), indent=1) + "\n")
    unfinished.replace(path)


def load(path: Path) -> Result:
    """Read a result that :func:`save` wrote."""
    fields = json.loads(path.read_text())
    fields["samples"] = [Sample(**sample) for sample in fields["samples"]]
    return Result(**fields)
