"""Measures without load: the time to ready, memory when nothing happens, the bare echo floor."""

from __future__ import annotations

import http.client
import time

from benchmarks.loads import CONNECTIONS, IN_FLIGHT, figures_of
from benchmarks.servers import PEER, Server
from benchmarks.stage import Figures, Stage

READY_SECONDS = 120.0
POLL_SECONDS = 0.005
SETTLE_SECONDS = 10.0
ECHO_BYTES = 100
ECHOES = 50_000


def is_healthy(port: int) -> bool:
    """Whether ``GET /health`` answers 200 now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5.0)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_for_health(server: Server) -> float:
    """Wait for the first healthy answer.

    :return: seconds since exec.
    :raises TimeoutError: when none comes, or the program ended.
    """
    process = server.process
    while not is_healthy(server.port):
        elapsed = time.monotonic() - process.started_at
        if elapsed > READY_SECONDS or not process.running:
            tail = process.log.read_text(errors="replace")[-2000:]
            raise TimeoutError(f"{server.name} did not become healthy: {tail}")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - process.started_at


def start_and_rest(stage: Stage, name: str) -> Figures:
    """Start one program on the server core, wait until it is ready, let it settle, weigh it."""
    with stage.serving(name) as server:
        figures = {"healthSeconds": wait_for_health(server)}
        if name != PEER:  # The peer speaks another protocol.
            stage.wait_for_hello(server, READY_SECONDS)
            figures["helloSeconds"] = time.monotonic() - server.process.started_at
        figures["readyCpuSeconds"] = server.process.cpu_seconds()
        time.sleep(max(1.0, SETTLE_SECONDS * min(1.0, stage.scale)))
        memory = server.process.memory()
    sizes = {"rssBytes": memory.rss, "pssBytes": memory.pss, "processes": memory.processes}
    return {**figures, **{name: float(value) for name, value in sizes.items()}}


def wait_for_port(stage: Stage, server: Server) -> None:
    """Wait until an echo server answers."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            echo(stage, server, CONNECTIONS)
        except Exception:  # Whatever fails, it fails until the port is open.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def echo(stage: Stage, server: Server, count: int) -> Figures:
    """Echo ``count`` small messages."""
    answer = stage.measure(
        server,
        "echoes",
        url=f"ws://127.0.0.1:{server.port}/",
        port=server.port,
        tcp=server.name == "tcp",
        connections=CONNECTIONS,
        inFlight=IN_FLIGHT,
        bytes=ECHO_BYTES,
        count=count,
    )
    return figures_of(answer, count)


def floor(stage: Stage, kind: str) -> Figures:
    """One round of echoes through one bare server."""
    with stage.echoing(kind) as server:
        wait_for_port(stage, server)
        return echo(stage, server, stage.amount(ECHOES, IN_FLIGHT))
