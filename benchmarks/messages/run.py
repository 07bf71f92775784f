"""One run: a gateway with some accounts of the crowd, watched from the outside until they tell."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs

from benchmarks.install import ROOT
from benchmarks.messages.spread import Spread
from benchmarks.processes import PinnedProcess
from benchmarks.rest import wait_for_health
from benchmarks.servers import OURS, Launch, Server, clean_environment, free_port, start
from benchmarks.servers import write_config as write
from benchmarks.stage import Figures

ENTRY_POINTS = "[openclaw.channels]\ncrowd = benchmarks.messages.channel:MANIFEST\n"
METADATA = "Metadata-Version: 2.1\nName: openclaw-bench-crowd\nVersion: 1\n"
ACCOUNTS = 8
BEGIN_SECONDS = 2.0
SAMPLE_SECONDS = 0.5
PEOPLE_PER_MESSAGE = 4
"""People, for each message a second: nobody writes faster than the gateway lets people write."""


@attrs.frozen(kw_only=True)
class Load:
    """What is put on the gateway.

    :ivar per_second: messages a second, over all accounts that answer.
    :ivar neighbour: what one more account does, which gets as many messages as any other: it
        ``answers``, or ``blocks`` and never answers a call; empty for none. Beside one that blocks
        another one crashes whenever it is started.
    """

    per_second: float = 500.0
    seconds: float = 60.0
    grace_seconds: float = 60.0
    accounts: int = ACCOUNTS
    neighbour: Literal["", "answers", "blocks"] = ""

    @property
    def trouble(self) -> bool:
        """Whether something is wrong with a neighbour."""
        return self.neighbour == "blocks"


@attrs.frozen
class Ends:
    """What the accounts told.

    :ivar healthy: of those that answer.
    :ivar blocked: of the one that does not, if there is one.
    """

    healthy: Sequence[Mapping[str, Any]]
    blocked: Mapping[str, Any] | None

    def total(self, name: str) -> float:
        """A count over the healthy."""
        return float(sum(report[name] for report in self.healthy))


def once(load: Load, cores: Sequence[int], home: Path | None = None) -> Figures:
    """Run one load on a fresh gateway.

    :param home: where everything is kept afterwards; nothing is if it is absent.
    :raises TimeoutError: an account told nothing.
    """
    if home is not None:
        return _measured(load, cores, home)
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory:
        return _measured(load, cores, Path(directory))


def _measured(load: Load, cores: Sequence[int], home: Path) -> Figures:
    port = free_port()
    process = start(_launch(load, home, port), home, cores)
    try:
        wait_for_health(Server(OURS, port, process))
        before = process.cpu_seconds()
        sizes = _watched(load, home, process)
        cpu = process.cpu_seconds() - before
    finally:
        process.stop()
    return _figures(load, _ends(load, home), cpu, sizes)


def _launch(load: Load, home: Path, port: int) -> Launch:
    site = home / "site" / "openclaw_bench_crowd-1.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text(METADATA)
    (site / "entry_points.txt").write_text(ENTRY_POINTS)
    config = {
        "gateway": {"mode": "local", "port": port},
        "logging": {"file": str(home / "gateway.log")},
        "agents": {"defaults": {"workspace": str(home / "workspace")}},
        "channels": {"crowd": _accounts(load, home)},
    }
    command: list[Path | str] = [sys.executable, "-m", "openclaw"]
    command += ["--config", write(home, config)]
    command += ["--state-dir", home / "state", "--port", str(port), "--token", "of-no-value-at-all"]
    path = f"{ROOT}:{site.parent}"
    return Launch(command, clean_environment(home, PYTHONPATH=path))


def _accounts(load: Load, home: Path) -> dict[str, Any]:
    each = load.per_second / load.accounts
    shared = {
        "dmPolicy": "open",
        "allowFrom": ["*"],
        "perSecond": each,
        "seconds": load.seconds,
        "graceSeconds": load.grace_seconds,
        "afterSeconds": BEGIN_SECONDS,
        "chats": max(1, round(each * PEOPLE_PER_MESSAGE)),
    }
    accounts: dict[str, Any] = {
        name: {"report": str(home / f"{name}.json")} for name in _healthy(load)
    }
    if load.neighbour:
        accounts["neighbour"] = {
            "behaviour": load.neighbour,
            "report": str(home / "neighbour.json"),
        }
    if load.trouble:
        accounts["crashing"] = {"behaviour": "crashes", "reconnectInterval": "100ms"}
    return {**shared, "accounts": accounts}


def _healthy(load: Load) -> list[str]:
    return [f"well{number}" for number in range(load.accounts)]


def _watched(load: Load, home: Path, process: PinnedProcess) -> list[tuple[float, int]]:
    """Wait for every report; the resident bytes at each moment meanwhile."""
    names = [*_healthy(load), *(["neighbour"] if load.neighbour else [])]
    deadline = time.monotonic() + BEGIN_SECONDS + load.seconds + load.grace_seconds + 30.0
    sizes = []
    while not all((home / f"{name}.json").exists() for name in names):
        if time.monotonic() > deadline or not process.running:
            tail = process.log.read_text(errors="replace")[-2000:]
            raise TimeoutError(f"not every account told how it went: {tail}")
        sizes.append((time.monotonic(), _resident_bytes(process.popen.pid)))
        time.sleep(SAMPLE_SECONDS)
    return sizes


def _resident_bytes(pid: int) -> int:
    # Cheaper than smaps: looking must not slow down what is looked at.
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def _ends(load: Load, home: Path) -> Ends:
    def read(name: str) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((home / f"{name}.json").read_text())
        return report

    return Ends(
        [read(name) for name in _healthy(load)], read("neighbour") if load.trouble else None
    )


def _figures(load: Load, ends: Ends, cpu: float, sizes: Sequence[tuple[float, int]]) -> Figures:
    answered, made = ends.total("answered"), ends.total("made")
    accepting = Spread.joined(report["accepting"] for report in ends.healthy)
    answering = Spread.joined(report["answering"] for report in ends.healthy)
    figures = {
        "perSecond": load.per_second,
        "seconds": load.seconds,
        "amount": answered,
        "made": made,
        "accepted": ends.total("queued"),
        "repeats": ends.total("duplicate"),
        "doubled": ends.total("doubled"),
        "inverted": ends.total("inverted"),
        "lost": ends.total("unanswered"),
        "pushedBack": ends.total("pushedBack"),
        "failed": ends.total("failed") + ends.total("refused"),
        "acceptedPerSecond": ends.total("queued") / load.seconds,
        "answeredPerSecond": answered / max(report["wallSeconds"] for report in ends.healthy),
        "lateSeconds": max(report["lateSeconds"] for report in ends.healthy),
        "cpuSeconds": cpu,
        "rssBytes": float(sizes[-1][1]),
        "rssSlope": slope(sizes[len(sizes) // 2 :]) / load.per_second,
    }
    for name, spread in (("accepting", accepting), ("answering", answering)):
        figures[f"{name}50"], figures[f"{name}99"] = spread.share(0.5), spread.share(0.99)
    if ends.blocked is not None:
        figures["blockedAccepted"] = float(ends.blocked["queued"])
        figures["blockedHeld"] = float(ends.blocked["held"])
        figures["blockedFailed"] = float(ends.blocked["failed"] + ends.blocked["refused"])
    return figures


def slope(points: Sequence[tuple[float, int]]) -> float:
    """By how much a value grows each second; 0 where that cannot be said."""
    if len(points) < 2:
        return 0.0
    times, values = zip(*points, strict=True)
    if len(set(times)) < 2:
        return 0.0
    return statistics.linear_regression(times, values).slope
