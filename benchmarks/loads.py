"""The loads put on a gateway that is up, and their figures; comparing them is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.servers import Server
from benchmarks.stage import Figures, Stage

Load = Callable[[Stage, Server], Figures]

CONNECTIONS = 16
IN_FLIGHT = 64
SESSIONS = 100
SEEDED_AT_ONCE = 4
RUNS = 20
CHUNKS_PER_RUN = 200
CHUNK_PACE_MS = 20
READERS = 4
STREAMS = 50
STREAMED_RUNS = 500
STREAM_CHUNKS = 60
STREAM_PACE_MS = 40
ASK_EVERY_MS = 20
FAN_OUT_IN_FLIGHT = 16
QUIET_MS = 3000
LEAST_CPU_SECONDS = 0.5
ADDED = {"amount", "cpuSeconds", "wallSeconds", "failed", "deliveries", "expected"}
GRACE_SECONDS = 5.0
EVERYTHING = ["operator.admin", "operator.read", "operator.write"]
# Whoever has this cap is not sent the chat events of sessions it did not subscribe to.
OWN_SESSIONS_ONLY = ["session-scoped-events"]
PRESENCE_TEXT = "Node: bench · reason periodic"


def figures_of(answer: dict[str, Any], amount: float) -> Figures:
    """Keep the numbers of an answer, and how much was done."""
    numbers = {name: value for name, value in answer.items() if isinstance(value, int | float)}
    return {**numbers, "amount": amount}


@contextmanager
def terminal(stage: Stage, server: Server) -> Iterator[None]:
    """Keep one terminal connected: in the original each new one lengthens the presence list."""
    with stage.pool(server, "terminal", 1, kind="ui", caps=OWN_SESSIONS_ONLY):
        yield


def until_measurable(stage: Stage, once: Callable[[], Figures]) -> Figures:
    """Repeat a load until the server's time is many times the clock tick it is counted in."""
    total = once()
    while total["cpuSeconds"] < LEAST_CPU_SECONDS * min(1.0, stage.scale):
        more = once()
        total = more | {name: total[name] + more[name] for name in ADDED & more.keys()}
    return total


def seed_sessions(stage: Stage, server: Server) -> None:
    """Give the server its sessions, by one short chat run in each."""
    with stage.pool(server, "seed", 1, scopes=EVERYTHING) as pool:
        stage.driver.ask(
            "chatRuns",
            pool=pool,
            readers=pool,
            runs=SESSIONS,
            sessions=SESSIONS,
            inFlight=SEEDED_AT_ONCE,
            message="hello",
        )


@contextmanager
def company(stage: Stage, server: Server) -> Iterator[str]:
    """Connect the clients that ask; their note is the third entry of the presence list."""
    with stage.pool(server, "main", CONNECTIONS, scopes=EVERYTHING) as main:
        stage.driver.ask("ask", pool=main, method="system-event", params={"text": PRESENCE_TEXT})
        yield main


def requests(method: str, count: int, **params: Any) -> Load:
    """Requests of one method, many in flight."""

    def run(stage: Stage, server: Server) -> Figures:
        amount = stage.amount(count, IN_FLIGHT)
        asked = {"method": method, "params": params, "count": amount, "inFlight": IN_FLIGHT}
        with company(stage, server) as pool:
            return until_measurable(
                stage,
                lambda: figures_of(stage.measure(server, "requests", pool=pool, **asked), amount),
            )

    return run


def handshakes(count: int, *, device: bool) -> Load:
    """Complete connections, each opened, greeted and closed."""

    def run(stage: Stage, server: Server) -> Figures:
        amount = stage.amount(count, CONNECTIONS)
        asked: dict[str, Any] = {"count": amount, "inFlight": CONNECTIONS, **server.address}
        asked["kind"] = "device" if device else "backend"
        with company(stage, server):
            return until_measurable(
                stage, lambda: figures_of(stage.measure(server, "handshakes", **asked), amount)
            )

    return run


def fan_out(readers: int, events: int) -> Load:
    """One sender's presence broadcasts, delivered to many readers."""

    def run(stage: Stage, server: Server) -> Figures:
        asked: dict[str, Any] = {"text": PRESENCE_TEXT, "events": stage.amount(events, 2)}
        asked |= {"inFlight": FAN_OUT_IN_FLIGHT, "quietMs": QUIET_MS}
        with (
            stage.pool(server, "sender", 1, scopes=EVERYTHING) as sender,
            stage.pool(server, "readers", readers) as pool,
        ):
            return until_measurable(
                stage, lambda: delivered(stage, server, sender=sender, readers=pool, **asked)
            )

    return run


def delivered(stage: Stage, server: Server, **asked: Any) -> Figures:
    """One burst of broadcasts; what counts is what arrived."""
    answer = stage.measure(server, "fanOut", **asked)
    return figures_of(answer, answer["deliveries"])


def model_chunks(stage: Stage, server: Server) -> Figures:
    """Concurrent runs whose model streams, watched by a few readers."""
    chunks = stage.amount(CHUNKS_PER_RUN, 2)
    with stage.pool(server, "readers", READERS, scopes=EVERYTHING) as pool:
        answer = stage.measure(
            server,
            "chatRuns",
            pool=pool,
            readers=pool,
            runs=RUNS,
            sessions=RUNS,
            inFlight=RUNS,
            message=f"stream chunks={chunks} pace={CHUNK_PACE_MS}",
        )
    cpu = answer["cpuSeconds"]
    if cpu:  # A very short run takes less than the tick in which time is counted.
        answer["chunksPerCpuSecond"] = chunks * RUNS / cpu
        answer["deltasPerCpuSecond"] = answer["deltas"] / cpu
    return figures_of(answer, chunks * RUNS)


def first_tokens(spread_ms: int) -> Load:
    """Fifty runs that stream at any time: how long each first token was on its way to a client.

    The model writes into it when it wrote it. Meanwhile another client asks for something small at
    short intervals: what it waits is how late the reactor is, and more. The gateway's own figure
    of that, where it has one, is of the last minute.

    :param spread_ms: between the beginnings of the first fifty; with 0 all begin at once, and
        again whenever they end.
    """

    def run(stage: Stage, server: Server) -> Figures:
        runs, chunks = stage.amount(STREAMED_RUNS, 2 * STREAMS), stage.amount(STREAM_CHUNKS, 2)
        with (
            stage.pool(server, "readers", READERS, scopes=EVERYTHING) as pool,
            stage.pool(server, "asker", 1, scopes=EVERYTHING, caps=OWN_SESSIONS_ONLY) as asker,
        ):
            answer = stage.measure(
                server,
                "firstTokens",
                pool=pool,
                readers=pool,
                asker=asker,
                method="last-heartbeat",
                askMs=ASK_EVERY_MS,
                runs=runs,
                sessions=SESSIONS,
                inFlight=STREAMS,
                spreadMs=spread_ms * min(1.0, stage.scale),
                message=f"stream chunks={chunks} pace={STREAM_PACE_MS} stamp=1",
            )
            asked = {"method": "health", "params": {"probe": True}}
            health = stage.driver.ask("ask", pool=asker, **asked)
        loop = health["payload"].get("eventLoop", {})
        inside = {"reactorP99Ms": loop.get("delayP99Ms"), "reactorMaxMs": loop.get("delayMaxMs")}
        return figures_of({**answer, **inside}, runs)

    return run


def sends(seconds: float, per_second: int | None) -> Load:
    """Durable chat inputs over all sessions, by the clock or as fast as the answers come."""

    def run(stage: Stage, server: Server) -> Figures:
        parameters: dict[str, Any] = {
            "sessions": SESSIONS,
            "message": "hello",
            "inFlight": IN_FLIGHT,
        }
        if per_second is not None:
            parameters |= {"perSecond": per_second, "graceSeconds": GRACE_SECONDS}
        with stage.pool(
            server, "main", CONNECTIONS, scopes=EVERYTHING, caps=OWN_SESSIONS_ONLY
        ) as pool:
            answer = stage.measure(
                server, "sends", pool=pool, seconds=seconds * min(1.0, stage.scale), **parameters
            )
        answer["acceptedPerSecond"] = answer["accepted"] / answer["wallSeconds"]
        return figures_of(answer, answer["accepted"])

    return run


LOADS: dict[str, Load] = {
    "health": requests("health", 5_000),
    "sessions.list": requests("sessions.list", 5_000, limit=10),
    "sessions.list-all": requests("sessions.list", 1_000, limit=100),
    "system-presence": requests("system-presence", 20_000),
    "last-heartbeat": requests("last-heartbeat", 20_000),
    "handshake-token": handshakes(2_000, device=False),
    "handshake-device": handshakes(600, device=True),
    "fanout-100": fan_out(100, 500),
    "fanout-500": fan_out(500, 200),
    "model-chunks": model_chunks,
    "first-tokens": first_tokens(STREAM_CHUNKS * STREAM_PACE_MS // STREAMS),
    "first-tokens-at-once": first_tokens(0),
}
"""On servers that are both up, pinned, in alternating rounds."""

DURABLE_LOADS: dict[str, Load] = {
    "sends-clock": sends(20.0, 1_000),
    "sends-most": sends(20.0, None),
}
"""On a fresh server that may use every core, with no model configured where that is possible."""
