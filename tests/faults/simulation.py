"""Time that a test moves, over sockets and threads that are real.

Whatever is given the :class:`SimulatedReactor` connects, listens and reads as ever, but its clock
stands still until :class:`Simulation` moves it; and that only moves on once nothing is under way.
So a minute takes milliseconds, and a machine that is busy changes nothing.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from zope.interface import directlyProvides, providedBy

real: Any = the_reactor
BREATH_SECONDS = 0.001
"""What a busy kernel gets to carry bytes from one socket of ours to another."""

TURNS = 6
"""Turns of the reactor without a sign of life after which nothing is under way: a request through
a proxy needs three to be seen by it again."""


class SimulatedReactor:
    """The real reactor with a clock of its own, which begins now."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.rightNow = real.seconds()
        self.seconds = self.clock.seconds
        self.callLater = self.clock.callLater
        self.getDelayedCalls = self.clock.getDelayedCalls
        directlyProvides(self, providedBy(real))

    def __getattr__(self, name: str) -> Any:
        return getattr(real, name)


class Simulation:
    """Moves the clock.

    :param step: seconds that pass at a time; between two moves everything comes to rest.
    :ivar signs: functions that give a number each; while one changes, something is under way.
    :ivar barriers: functions whose result fires once the threads behind them have nothing to do.
    """

    def __init__(self, step: float = 0.5) -> None:
        self.reactor = SimulatedReactor()
        self.step = step
        self.signs: list[Callable[[], int]] = []
        self.barriers: list[Callable[[], Awaitable[object]]] = []

    @property
    def now(self) -> float:
        """Seconds of the simulated clock."""
        return float(self.reactor.seconds())

    async def settle(self) -> None:
        """Let everything happen that can happen at this moment."""
        while True:
            before = [sign() for sign in self.signs]
            # What is due at this very moment; a timer of no seconds does not move the clock.
            self.reactor.clock.advance(0)
            for _ in range(TURNS):
                await deferLater(real, 0)
            await deferLater(real, BREATH_SECONDS)
            for barrier in self.barriers:
                await barrier()
            if before == [sign() for sign in self.signs] and not self._due():
                return

    def _due(self) -> bool:
        return any(call.getTime() <= self.now for call in self.reactor.getDelayedCalls())

    async def move(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end:
            await self.settle()
            self.reactor.clock.advance(min(self.step, end - self.now))
        await self.settle()

    async def until(self, holds: Callable[[], object], seconds: float) -> float | None:
        """Let time pass until something holds.

        :return: how long that took; ``None`` if it did not come about within so many seconds.
        """
        began = self.now
        await self.settle()
        while not holds():
            if self.now - began >= seconds:
                return None
            self.reactor.clock.advance(self.step)
            await self.settle()
        return self.now - began

    async def result(self, waiting: Any, moving: bool = False) -> Any:
        """What a Deferred fires with.

        :param moving: time passes meanwhile; else it comes about at this very moment, however long
            threads and others take for it.
        """
        outcome: list[Any] = []
        waiting.addBoth(outcome.append)
        while not outcome:
            self.reactor.clock.advance(self.step if moving else 0)
            await self.settle()
            await deferLater(real, 0.001)
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]
