"""The rows of the table: what each shows, in which unit, and what was to be reached."""

from __future__ import annotations

import attrs

from benchmarks.results import Result
from benchmarks.servers import ORIGINAL, OURS, PEER

MEGABYTE = 1_000_000.0
DASH = "—"


@attrs.frozen
class Target:
    """What a figure was to reach: a share of another program's, a multiple of it, or a number."""

    share: float | None = None
    times: float | None = None
    against: str = ORIGINAL
    at_most: float | None = None
    at_least: float | None = None

    def words(self) -> str:
        """The target as the table shows it."""
        if self.share is not None:
            whole = f"1/{1 / self.share:.2g}" if self.share < 1 else "1"
            return f"≤ {whole} of {self.against}"
        if self.times is not None:
            return f"≥ {self.times:g} times {self.against}"
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}"

    def met(self, ours: float, other: float | None) -> bool | None:
        """Whether ``ours`` reaches it; None when there is nothing to compare with."""
        if self.share is not None:
            return None if other is None else ours <= other * self.share
        if self.times is not None:
            return None if other is None else ours >= other * self.times
        if self.at_most is not None:
            return ours <= self.at_most
        assert self.at_least is not None
        return ours >= self.at_least


@attrs.frozen
class Row:
    """One figure of one measure, per so many units of work where it has any."""

    title: str
    measure: str
    figure: str
    unit: str
    per: float | None = None
    target: Target | None = None

    @property
    def against(self) -> str:
        """The program whose figure stands beside ours."""
        return self.target.against if self.target else ORIGINAL

    def of(self, result: Result, server: str) -> float | None:
        """Find the row's figure for one server, the median over the rounds."""
        return result.median(self.measure, server, self.figure, self.per)

    def ours(self, result: Result) -> float | None:
        """Our figure."""
        return self.of(result, OURS)

    def other(self, result: Result) -> float | None:
        """The figure beside ours."""
        return self.of(result, self.against)

    def verdict(self, result: Result) -> str:
        """``met``, ``missed``, or a dash where that cannot be said."""
        ours = self.ours(result)
        if self.target is None or ours is None:
            return DASH
        met = self.target.met(ours, self.other(result))
        return DASH if met is None else "met" if met else "**missed**"


def cpu(title: str, measure: str, share: float, per: float = 10_000.0) -> Row:
    """A row of server CPU seconds."""
    unit = f"CPU s per {per:,.0f}".replace(",", " ")
    return Row(title, measure, "cpuSeconds", unit, per, Target(share=share))


def rest(title: str, figure: str, unit: str, target: Target | None = None) -> Row:
    """A row of the measures without load; bytes are shown in megabytes."""
    per = 1 / MEGABYTE if unit == "MB" else None
    return Row(title, "rest", figure, unit, per, target)


CPU_ROWS = (
    cpu("``health``", "health", 1 / 12),
    cpu("``sessions.list``, 10 of 100", "sessions.list", 1 / 12),
    cpu("``sessions.list``, all 100", "sessions.list-all", 1 / 12),
    cpu("``system-presence`` (3 entries)", "system-presence", 1 / 4),
    cpu("``last-heartbeat``", "last-heartbeat", 1 / 4),
    cpu("handshake, token", "handshake-token", 1 / 1.5),
    cpu("handshake, Ed25519 device", "handshake-device", 1 / 5),
    cpu("delivery to 100 clients", "fanout-100", 1 / 2),
    cpu("delivery to 500 clients", "fanout-500", 1 / 2),
    cpu("relayed model chunk (20 runs)", "model-chunks", 1 / 5, 1_000.0),
)

REST_ROWS = (
    rest("memory at rest, resident", "rssBytes", "MB", Target(share=1 / 12)),
    rest("memory at rest, shared pages once", "pssBytes", "MB", Target(share=1 / 12)),
    rest("exec to ``GET /health`` 200", "healthSeconds", "s", Target(share=1 / 10)),
    rest("exec to the first hello", "helloSeconds", "s", Target(share=1 / 10)),
    rest("CPU spent until then", "readyCpuSeconds", "CPU s"),
)

PEER_ROWS = (
    rest("exec to ``GET /health`` 200", "healthSeconds", "s", Target(share=1.0, against=PEER)),
    rest("memory at rest, resident", "rssBytes", "MB", Target(share=1.0, against=PEER)),
    rest("CPU spent until ready", "readyCpuSeconds", "CPU s", Target(share=1.0, against=PEER)),
    rest(
        "aim: exec to ``GET /health`` 200", "healthSeconds", "s", Target(at_most=0.7, against=PEER)
    ),
    rest("aim: memory at rest, resident", "rssBytes", "MB", Target(at_most=65.0, against=PEER)),
)

DURABLE_ROWS = (
    Row(
        "accepted, 64 in flight",
        "sends-most",
        "acceptedPerSecond",
        "per s",
        target=Target(at_least=1_000.0),
    ),
    Row("median accept, 64 in flight", "sends-most", "p50Ms", "ms"),
    Row("99th percentile accept, 64 in flight", "sends-most", "p99Ms", "ms"),
    Row(
        "accepted, 1 000 a second offered",
        "sends-clock",
        "acceptedPerSecond",
        "per s",
        target=Target(at_least=990.0),
    ),
    Row("median accept at that rate", "sends-clock", "p50Ms", "ms"),
    Row(
        "99th percentile accept at that rate",
        "sends-clock",
        "p99Ms",
        "ms",
        target=Target(at_most=50.0),
    ),
    Row(
        "unanswered at that rate", "sends-clock", "unanswered", "inputs", target=Target(at_most=0.0)
    ),
    Row("refused at that rate", "sends-clock", "refused", "inputs", target=Target(at_most=0.0)),
    Row(
        "CPU for accepted inputs, runs included",
        "sends-clock",
        "cpuSeconds",
        "CPU s per 1 000",
        1_000.0,
    ),
)

STREAM_ROWS = (
    Row(
        "model chunks relayed (20 runs)",
        "model-chunks",
        "chunksPerCpuSecond",
        "per CPU s",
        target=Target(times=5.0),
    ),
    Row("``chat`` deltas made of them", "model-chunks", "deltasPerCpuSecond", "per CPU s"),
    Row("first token on its way, median", "first-tokens", "firstP50Ms", "ms"),
    Row(
        "first token on its way, 99th percentile",
        "first-tokens",
        "firstP99Ms",
        "ms",
        target=Target(at_most=20.0),
    ),
    Row("the latest first token", "first-tokens", "firstMaxMs", "ms"),
    Row(
        "small request meanwhile, 99th percentile",
        "first-tokens",
        "answerP99Ms",
        "ms",
        target=Target(at_most=50.0),
    ),
    Row("slowest small request meanwhile", "first-tokens", "answerMaxMs", "ms"),
    Row(
        "reactor late, 99th percentile of its own figure",
        "first-tokens",
        "reactorP99Ms",
        "ms",
        target=Target(at_most=50.0),
    ),
    Row(
        "reactor late, at most, of its own figure",
        "first-tokens",
        "reactorMaxMs",
        "ms",
        target=Target(at_most=250.0),
    ),
    Row("first token, 50 begun at once, median", "first-tokens-at-once", "firstP50Ms", "ms"),
    Row(
        "first token, 50 begun at once, 99th percentile", "first-tokens-at-once", "firstP99Ms", "ms"
    ),
    Row("slowest small request then", "first-tokens-at-once", "answerMaxMs", "ms"),
)

FLOOR_ROWS = (
    Row("bare Autobahn echo", "floor-websocket", "cpuSeconds", "µs per message", 1e6),
    Row("bare TCP echo", "floor-tcp", "cpuSeconds", "µs per message", 1e6),
)
