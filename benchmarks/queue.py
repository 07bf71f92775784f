"""Measures the queue alone, ``python -m benchmarks.queue``: no sockets, no agent, one process.

Everything goes through the interface of the queue and, for ``sqlite``, through a journal on disk
with a sync per commit. Rates per second of wall-clock and of CPU time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from attrs import frozen
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, gatherResults, succeed
from zope.interface import implementer

from openclaw.interfaces.queue import Delivery, IHandler, IQueueBackend, NewMessage
from openclaw.queue.memory import MemoryQueue
from openclaw.queue.retries import RetryPolicy
from openclaw.queue.rules import QueueRules
from openclaw.queue.sqlite import SQLiteQueue
from openclaw.queue.worker import Pace, Worker
from openclaw.storage.sqlite import SQLiteStore

reactor: Any = the_reactor
IN_FLIGHT = 256
BODY = b"x" * 300


@frozen
class Rate:
    """How often something was done."""

    what: str
    per_second: int
    per_cpu_second: int


@implementer(IHandler)
class Nothing:
    """Does nothing, at once; tells when it has done it often enough."""

    def __init__(self, messages: int) -> None:
        self._left = messages
        self.done: Deferred[None] = Deferred()

    def handle(self, delivery: Delivery) -> Deferred[None]:
        """Count."""
        self._left -= 1
        if not self._left:
            self.done.callback(None)
        return succeed(None)

    def gave_up(self, delivery: Delivery, reason: str, unknown: bool) -> None:
        """Nothing is ever given up here."""


class Measurement:
    """One backend, measured in one process.

    :param lanes: over how many lanes the messages are spread.
    """

    def __init__(self, queue: IQueueBackend, messages: int, lanes: int) -> None:
        self._queue = queue
        self._messages = messages
        self._lanes = lanes
        self._sent = 0

    async def run(self) -> list[Rate]:
        """Measure everything once."""
        return [
            await self._timed("enqueue", self._enqueue),
            await self._timed("claim and ack", self._claim_and_ack),
            await self._timed("enqueue, work, ack", self._all_the_way),
        ]

    async def _timed(self, what: str, work: Callable[[], Any]) -> Rate:
        wall, cpu = time.perf_counter(), time.process_time()
        await work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return Rate(what, round(self._messages / wall), round(self._messages / cpu))

    async def _enqueue(self) -> None:
        left = [self._messages]

        async def one_after_the_other() -> None:
            while left[0]:
                left[0] -= 1
                self._sent += 1
                new = NewMessage(
                    id=f"telegram:main:{self._sent}",
                    queue="in",
                    lane=f"agent:main:telegram:dm:{self._sent % self._lanes}",
                    body=BODY,
                )
                if not await self._queue.enqueue(new):
                    raise RuntimeError(f"{new.id} was taken for a duplicate")

        running = [Deferred.fromCoroutine(one_after_the_other()) for _ in range(IN_FLIGHT)]
        await gatherResults(running)

    async def _claim_and_ack(self) -> None:
        left = self._messages
        while left:
            claimed = await self._queue.claim("in", IN_FLIGHT, 60_000)
            ended: list[Deferred[Any]] = [self._queue.ack(one) for one in claimed]
            if not all(await gatherResults(ended)):
                raise RuntimeError("a claim was stale")
            left -= len(claimed)

    async def _all_the_way(self) -> None:
        handler = Nothing(self._messages)
        worker = Worker(
            self._queue,
            "in",
            handler,
            RetryPolicy(),
            reactor,
            Random(),
            Pace(concurrency=IN_FLIGHT),
        )
        worker.startService()
        await self._enqueue()
        await handler.done
        await worker.stopService()


async def measure(backend: str, folder: Path, messages: int, lanes: int) -> list[Rate]:
    """Measure one backend, in a fresh journal."""
    rules = QueueRules(max_size=2 * messages)
    if backend == "memory":
        return await Measurement(MemoryQueue(rules, _now_ms), messages, lanes).run()
    store = SQLiteStore(folder / "journal.sqlite", reactor, reactor)
    store.startService()
    try:
        return await Measurement(SQLiteQueue(store, rules, _now_ms), messages, lanes).run()
    finally:
        await store.stopService()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queue", description=__doc__)
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--lanes", type=int, default=1000)
    parser.add_argument("--backend", choices=("sqlite", "memory"), default="sqlite")
    parser.add_argument("--folder", type=Path, help="where the journal is made")
    options = parser.parse_args(arguments)
    status: list[int] = []

    def show(rates: list[Rate]) -> None:
        status.append(0)
        for rate in rates:
            print(f"{rate.what:20} {rate.per_second:>8}/s {rate.per_cpu_second:>8}/CPU s")

    def fail(failure: Any) -> None:
        status.append(1)
        failure.printTraceback()

    def begin(folder: str) -> None:
        rates = measure(options.backend, Path(folder), options.messages, options.lanes)
        measured = Deferred.fromCoroutine(rates)
        measured.addCallbacks(show, fail).addBoth(lambda _: reactor.stop())

    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        # In memory everything is done at once: the reactor must run before it can be stopped.
        reactor.callWhenRunning(begin, folder)
        reactor.run()
    return status[0]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    sys.exit(main())
