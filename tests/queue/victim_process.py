"""A process that enqueues numbered messages and works on them until it is killed.

It prints what the world outside would know: ``E n`` the message was acknowledged, ``S n`` its work
begins, ``D n`` its effect was seen, ``U n`` it is parked with an unknown outcome, ``R n`` how many
open claims the start found, ``Z 0`` nothing is left.
"""

import os
import sys
import time
from random import Random
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from zope.interface import implementer

from openclaw.deferreds import Tasks, deferred
from openclaw.interfaces.queue import Delivery, IHandler, NewMessage, Undelivered
from openclaw.queue.retries import RetryPolicy
from openclaw.queue.rules import QueueRules
from openclaw.queue.sqlite import SQLiteQueue
from openclaw.queue.worker import Worker
from openclaw.storage.sqlite import SQLiteStore

reactor: Any = the_reactor
LANES = 16
PRODUCERS = 32
# How many numbers before the last acknowledged one a new process sends again.
SENT_AGAIN = 200


def tell(what: str, number: int) -> None:
    """Say it at once and whole."""
    os.write(1, b"%b %d\n" % (what.encode(), number))


def lane_of(number: int) -> str:
    """Where a message waits."""
    return f"lane{number % LANES}"


@implementer(IHandler)
class Effects:
    """Has an effect that cannot be taken back, and so never acts on an interrupted delivery."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    @deferred
    async def handle(self, delivery: Delivery) -> None:
        """Act, now and then only at the second attempt."""
        number = int(delivery.id)
        if delivery.interrupted:
            raise Undelivered("its process died", "unknown")
        tell("S", number)
        if self._chance.random() < 0.2:
            await deferLater(reactor, self._chance.random() / 200)
        if delivery.attempt == 1 and self._chance.random() < 0.05:
            raise Undelivered("no luck", "retry", 1)
        tell("D", number)

    def gave_up(self, delivery: Delivery, reason: str, unknown: bool) -> None:
        """The letters tell."""


class Victim:
    """Produces and works on messages."""

    def __init__(self, path: str, first: int) -> None:
        self._store = SQLiteStore(path, reactor, reactor)
        self._queue = SQLiteQueue(self._store, QueueRules(), lambda: time.time_ns() // 1_000_000)
        chance = Random()
        policy = RetryPolicy(initial_ms=2)
        self._worker = Worker(self._queue, "in", Effects(chance), policy, reactor, chance)
        self._next = first
        self._tasks = Tasks()

    async def run(self, drain: bool) -> None:
        """Work for ever, or until nothing is left."""
        self._store.startService()
        tell("R", await self._queue.open())
        self._worker.startService()
        if drain:
            await self._drained()
            return
        # One at a time up to what an earlier process may have stored, so that the order stays.
        for _ in range(SENT_AGAIN * 2):
            await self._send()
        for _ in range(PRODUCERS):
            self._tasks.spawn("producer", self._produce())

    async def _produce(self) -> None:
        while True:
            await self._send()

    @deferred
    async def _send(self) -> None:
        number = self._next
        self._next += 1
        new = NewMessage(id=str(number), queue="in", lane=lane_of(number), body=b"x" * 100)
        await self._queue.enqueue(new)
        tell("E", number)

    async def _drained(self) -> None:
        while True:
            found = (await self._queue.stats()).queues.get("in")
            if found is None or not found.ready + found.delayed + found.running:
                break
            await deferLater(reactor, 0.02)
        after = 0
        while letters := await self._queue.inspect("", 500, after, "", True):
            for one in letters:
                assert one.state == "unknown", one.reason
                tell("U", int(one.id))
            after = letters[-1].position
        await self._worker.stopService()
        await self._store.stopService()
        tell("Z", 0)
        reactor.stop()


def fail(failure: Any) -> None:
    """End with a status that the test does not expect."""
    failure.printTraceback()
    os._exit(3)


def main(path: str, first: str, drain: str) -> None:
    """Work until killed, or until nothing is left."""
    victim = Victim(path, int(first))
    Deferred.fromCoroutine(victim.run(drain == "drain")).addErrback(fail)
    reactor.run(installSignalHandlers=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
