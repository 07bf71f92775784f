"""Watches the reactor's thread: it notes when a turn begins, another thread looks how it goes."""

import gc
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.stalls.blame import blame, stack, within
from tests.stalls.clocks import Machine, ThreadClocks
from tests.stalls.verdict import LIMIT_SECONDS, TICK_SECONDS, Look, Point, Stall, verdict


class Turns:
    """What the reactor's own thread notes: little, for it does so in every turn.

    :param tell: is called with a turn that was held, in the reactor's thread.
    :ivar number: how many turns began; with it a look tells one from the next.
    :ivar began_at: when the present turn began; None while the reactor looks at its sockets.
    :ivar before: the clocks when somebody last looked.
    :ivar collected: CPU seconds in full garbage collections, where these are not to count.
    """

    def __init__(self, tell: Callable[[Stall], None]) -> None:
        self._tell = tell
        self._cpu = 0.0
        self._inside = False
        self._collecting = 0.0
        self.number = 0
        self.began_at: float | None = None
        self.before = Point(0.0, 0.0, 0.0, 0.0)
        self.collected = 0.0
        self.looks: list[Look] = []
        self.now: Callable[[], Point] = lambda: self.before

    def enter(self) -> None:
        """The reactor begins to turn."""
        self._inside = True
        self.begin()

    def leave(self) -> None:
        """It turns no longer."""
        self.end()
        self._inside = False

    def begin(self) -> None:
        """A turn begins."""
        if self._inside:
            self.number += 1
            self._cpu = time.thread_time() - self.collected
            self.began_at = time.monotonic()

    def end(self) -> None:
        """A turn ends."""
        began_at, self.began_at = self.began_at, None
        if began_at is not None and time.monotonic() - began_at > LIMIT_SECONDS:
            self._judge(began_at)

    def collection(self, phase: str, info: dict[str, int]) -> None:
        """Leave full collections out: in a process with thousands of tests they are long."""
        if info["generation"] == 2 and self.began_at is not None:
            if phase == "start":
                self._collecting = time.thread_time()
            elif self._collecting:
                self.collected += time.thread_time() - self._collecting
                self._collecting = 0.0

    def _judge(self, began_at: float) -> None:
        began = self.before._replace(at=began_at, cpu=self._cpu)
        looks = [look for look in self.looks if look.point.at > began_at]
        stall = verdict(began, looks, self.now())
        if stall is not None:
            self._tell(stall)


class Poller:
    """The reactor's epoll object, which tells when it is asked and when it answers."""

    def __init__(self, poller: Any, turns: Turns) -> None:
        self._poller = poller
        self._turns = turns

    def __getattr__(self, name: str) -> Any:
        """Everything else is the real one's."""
        return getattr(self._poller, name)

    def poll(self, *arguments: Any) -> Any:
        """Wait for events: between two turns."""
        self._turns.end()
        try:
            return self._poller.poll(*arguments)
        finally:
            self._turns.begin()


class Watch(threading.Thread):
    """Looks at the reactor's thread forty times a second; it is made in that thread.

    :param aside: is called at each look, for whatever else has to be looked at.
    """

    def __init__(self, turns: Turns, aside: Callable[[], None]) -> None:
        super().__init__(name="watch of the reactor", daemon=True)
        self._turns = turns
        self._aside = aside
        self._reactor = threading.get_ident()
        self._clocks = ThreadClocks.mine()
        self._machine = Machine()
        self._number = 0
        self._last = self.point()

    def point(self) -> Point:
        """The clocks now."""
        cpu = self._clocks.cpu() - self._turns.collected
        return Point(time.monotonic(), cpu, self._clocks.queued(), self._machine.stolen())

    def run(self) -> None:
        """Look until the process ends."""
        own, starved = ThreadClocks.mine(), 0.0
        while True:
            due = time.monotonic() + TICK_SECONDS
            time.sleep(TICK_SECONDS)
            late, before, starved = time.monotonic() - due, starved, own.queued()
            self._look(late, starved - before)
            self._aside()

    def _look(self, late: float, starved: float) -> None:
        turns, point = self._turns, self.point()
        number, began_at = turns.number, turns.began_at
        if number != self._number:
            # The look before was in an earlier turn: no clock is missed by starting from there.
            self._number, turns.before, turns.looks = number, self._last, []
        self._last = point
        if began_at is None:
            return
        asleep = self._clocks.asleep()
        frame = sys._current_frames().get(self._reactor)
        who, calls = blame(frame), within(frame)
        look = Look(point, late, starved, asleep, who, calls, stack(frame))
        if turns.number == number:
            turns.looks.append(look)


def watch(
    reactor: Any,
    tell: Callable[[Stall], None],
    aside: Callable[[], None] = lambda: None,
    collections: bool = True,
) -> Turns:
    """Watch a reactor that polls with epoll.

    :param tell: is called in its thread with each turn that was held.
    :param collections: whether full garbage collections count.
    """
    turns = Turns(tell)
    run = reactor.mainLoop
    watching: list[Watch] = []

    def turn() -> None:
        if not watching:
            watching.append(Watch(turns, aside))
            turns.now = watching[0].point
            watching[0].start()
        turns.enter()
        try:
            run()
        finally:
            turns.leave()

    if not collections:
        gc.callbacks.append(turns.collection)
    reactor._poller = Poller(reactor._poller, turns)
    reactor.mainLoop = turn
    return turns
