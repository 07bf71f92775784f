"""What a run stands on: cores, load generator, model stand-in, scale; it compares nothing."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs

from benchmarks.driver import SCRIPTS, Driver
from benchmarks.install import Tools
from benchmarks.processes import PinnedProcess
from benchmarks.servers import (
    Launch,
    Server,
    clean_environment,
    free_port,
    start,
    start_floor,
    start_server,
)

Figures = dict[str, float]
SETTLE_SECONDS = 0.1


@attrs.frozen
class Cores:
    """Who runs where: the measured programs, the load, both together where nothing is pinned."""

    server: tuple[int, ...]
    load: tuple[int, ...]

    @property
    def every(self) -> tuple[int, ...]:
        """All cores in use."""
        return tuple(sorted({*self.server, *self.load}))


def choose_cores() -> Cores:
    """The first allowed core serves and the last one loads; on a single core they share it."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(server=(allowed[0],), load=(allowed[-1],))


class Stage:
    """A load generator and a model stand-in on the load core, and a directory for homes."""

    def __init__(self, tools: Tools, cores: Cores, scale: float) -> None:
        """Start the two Node programs; use as a context manager."""
        self.tools = tools
        self.cores = cores
        self.scale = scale
        self._stack = ExitStack()
        temporary = tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)
        self.home = Path(self._stack.enter_context(temporary))
        self.model_port = free_port()
        self._node("model.js", str(self.model_port))
        self.driver = Driver(self._node("main.js", piped=True))

    def __enter__(self) -> Stage:
        """Nothing more to do: all is started."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop every program and remove the homes."""
        self._stack.close()

    def _node(self, script: str, *arguments: str, piped: bool = False) -> PinnedProcess:
        command: list[Path | str] = [self.tools.node, SCRIPTS / script, *arguments]
        environment = clean_environment(self.home, NODE_PATH=str(self.tools.node_modules))
        process = start(Launch(command, environment), self.home, self.cores.load, piped=piped)
        self._stack.callback(process.stop)
        return process

    def amount(self, full: int, least: int = 1) -> int:
        """A count at this run's scale."""
        return max(least, round(full * self.scale))

    @contextmanager
    def serving(
        self, name: str, *, home: str = "", cores: Sequence[int] = (), model: bool = True
    ) -> Iterator[Server]:
        """Run one gateway or peer for the time of the block, on the server core unless told."""
        directory = self.home / (home or name)
        port = self.model_port if model else None
        server = start_server(name, self.tools, directory, cores or self.cores.server, port)
        try:
            yield server
        finally:
            server.process.stop()

    @contextmanager
    def echoing(self, kind: str) -> Iterator[Server]:
        """Run one bare echo server for the time of the block."""
        directory = self.home / f"floor-{kind}"
        directory.mkdir(exist_ok=True)
        server = start_floor(kind, self.tools, directory, self.cores.server)
        try:
            yield server
        finally:
            server.process.stop()

    def wait_for_hello(self, server: Server, seconds: float = 120.0) -> None:
        """Wait until the server lets a client in."""
        self.driver.ask("firstHello", **server.address, seconds=seconds)

    @contextmanager
    def pool(self, server: Server, name: str, count: int, **options: Any) -> Iterator[str]:
        """Keep ``count`` clients connected for the time of the block; gives the pool's name."""
        pool = f"{server.name} {name}"
        self.driver.ask("openPool", pool=pool, count=count, **server.address, **options)
        try:
            yield pool
        finally:
            self.driver.ask("closePool", pool=pool)

    def measure(self, server: Server, operation: str, **parameters: Any) -> dict[str, Any]:
        """Run one operation of the load generator; its answer gains the server's ``cpuSeconds``."""
        time.sleep(SETTLE_SECONDS)
        before = server.process.cpu_seconds()
        answer: dict[str, Any] = self.driver.ask(operation, **parameters)
        time.sleep(SETTLE_SECONDS)  # What an answer leaves to be done belongs to it.
        answer["cpuSeconds"] = server.process.cpu_seconds() - before
        return answer
