"""Keeps an agent's process alive: starts it when needed, again after a crash, but not for ever.

What happens when is the state machine in ``life``; this is what the machine acts with.
"""

from collections import deque
from collections.abc import Callable

from attrs import frozen
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from openclaw.agents.runtimes.process.child import Spawn
from openclaw.agents.runtimes.process.life import start_life
from openclaw.agents.runtimes.process.peer import Gone, Peer

MOST_CRASHES = 5
WINDOW_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 1.5
DOWN_SECONDS = 60.0
GRACE_SECONDS = 5.0


@frozen
class Alarm:
    """An agent's process crashes too often.

    :ivar name: whose.
    :ivar why: how it ended the last time.
    """

    name: str
    why: str


class Stillborn:
    """A process that never was; its end is on its way."""

    def write(self, data: bytes) -> None:
        """Nobody reads it."""

    def terminate(self) -> None:
        """It need not be asked."""

    def kill(self) -> None:
        """There is nothing to kill."""


class Supervisor:
    """One process, and what becomes of it.

    :param name: whose, for people.
    :param alarmed: told when it goes down.
    :ivar down: how it crashed, while it is left alone; else empty.
    """

    _log = Logger()

    def __init__(
        self,
        name: str,
        spawn: Spawn,
        clock: IReactorTime,
        alarmed: Callable[[Alarm], None],
    ) -> None:
        self.name = name
        self.down = ""
        self._spawn = spawn
        self._clock = clock
        self._alarmed = alarmed
        self._life = start_life(self)
        self._peer: Peer | None = None
        self._pause: IDelayedCall | None = None
        self._crashes: deque[float] = deque()
        self._stopped = False
        self._awaited_end = False
        self._grace_seconds = GRACE_SECONDS
        self._why = ""
        self._waiting: list[Deferred[Peer]] = []
        self._resting: list[Deferred[None]] = []

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._peer is not None

    def peer(self) -> Deferred[Peer]:
        """The running process; started, or waited for, if there is none.

        :return: fails with :class:`Gone` if there will be none soon.
        """
        if self._stopped:
            return fail(Gone("was stopped"))
        self._life.wanted()
        if self._peer is not None and not self._awaited_end:
            return succeed(self._peer)
        if self.down:
            return fail(Gone(self.down))
        waiting: Deferred[Peer] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def hangs(self) -> None:
        """Kill the process; another is started once it is gone. It does not count as a crash."""
        self._life.hangs()

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> Deferred[None]:
        """Ask the process to end, kill it after the grace; fires once it is gone, for good."""
        self._stopped = True
        self._grace_seconds = grace_seconds
        resting: Deferred[None] = Deferred()
        self._resting.append(resting)
        self._life.stop()
        return resting

    # -- the machine asks (process/life.py) ------------------------------------------------------

    def spawn(self) -> None:
        """See :meth:`Core.spawn`."""
        self._pause = None
        self._awaited_end = False
        peer = self._peer = Peer(self.name, self._clock, self._gone)
        try:
            peer.start(self._spawn(peer))
        except OSError as error:  # No process, no memory, no directory: the same as a crash.
            peer.start(Stillborn())
            why = f"could not be started: {error.strerror or error}"
            self._clock.callLater(0, peer.gone, why)
            return
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(peer)

    def plan_return(self) -> None:
        """See :meth:`Core.plan_return`."""
        seconds = min(FIRST_PAUSE_SECONDS * 2 ** len(self._crashes), LONGEST_PAUSE_SECONDS)
        self._pause = self._clock.callLater(seconds, self._life.pause_over)

    def alarm(self) -> None:
        """See :meth:`Core.alarm`."""
        number = len(self._crashes)
        self.down = f"crashed {number} times within {WINDOW_SECONDS:g} s, lately it {self._why}"
        self._log.error("{name} is down: {why}", name=self.name, why=self.down)
        self._pause = self._clock.callLater(DOWN_SECONDS, self._life.pause_over)
        self._fail_waiting(self.down)
        self._alarmed(Alarm(self.name, self.down))

    def give_another_chance(self) -> None:
        """See :meth:`Core.give_another_chance`."""
        self._pause = None
        self.down = ""
        self._crashes.clear()

    def forget_pause(self) -> None:
        """See :meth:`Core.forget_pause`."""
        pause, self._pause = self._pause, None
        if pause is not None and pause.active():
            pause.cancel()

    def terminate(self) -> None:
        """See :meth:`Core.terminate`."""
        self._awaited_end = True
        self._pause = self._clock.callLater(self._grace_seconds, self._life.too_late)
        self._here.child.terminate()

    def kill(self) -> None:
        """See :meth:`Core.kill`."""
        self._awaited_end = True
        self._here.child.kill()

    def at_rest(self) -> None:
        """See :meth:`Core.at_rest`."""
        self.down = ""
        self._fail_waiting("was stopped")
        resting, self._resting = self._resting, []
        for one in resting:
            one.callback(None)

    # -- inside ------------------------------------------------------------------------------------

    @property
    def _here(self) -> Peer:
        assert self._peer is not None
        return self._peer

    def _gone(self, why: str) -> None:
        self._peer = None
        self._why = why
        if self._awaited_end:
            self.forget_pause()
            self._life.ended()
            return
        self._log.warn("{name} {why}", name=self.name, why=why)
        now = self._clock.seconds()
        self._crashes.append(now)
        while now - self._crashes[0] > WINDOW_SECONDS:
            self._crashes.popleft()
        if len(self._crashes) > MOST_CRASHES:
            self._life.gave_out()
        else:
            self._life.crashed()

    def _fail_waiting(self, why: str) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.errback(Gone(why))
