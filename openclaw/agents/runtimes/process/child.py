"""One running program: bytes in and out, its complaints, its signals; knows no protocol.

The program leads a process group of its own, so that what it has started goes with it.
"""

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from attrs import field, frozen
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from openclaw.agents.runtimes.process.complaints import Complaints
from openclaw.agents.runtimes.process.lines import LineReader, TooLong

MOST_UNSENT_BYTES = 64 * 1024 * 1024
"""What may wait for a program that does not read; a prompt with pictures is smaller."""

LINGER_SECONDS = 0.5
"""How long pipes of a program that has ended may stay open for what is still in them."""

# What makes a program the leader of a group and then becomes it; a shell is never involved.
_LEADER = """\
import os, sys
os.setsid()
try:
    os.execvpe(sys.argv[1], sys.argv[1:], os.environ)
except OSError as error:
    sys.exit(f"{sys.argv[1]} cannot be started: {error.strerror}")
"""


class Clogged(Exception):
    """The program does not read what it is told."""


class Listener(Protocol):
    """Who hears a program."""

    def line(self, line: bytes | TooLong) -> None:
        """It wrote a line to standard output."""

    def gone(self, why: str) -> None:
        """It has ended, and nothing more will come; in words such as ``ended with status 1``."""


class Child(Protocol):
    """A running program."""

    def write(self, data: bytes) -> None:
        """Tell it something, as soon as it reads.

        :raises Clogged: too much waits already.
        """

    def terminate(self) -> None:
        """Ask it to end: close its standard input, send SIGTERM."""

    def kill(self) -> None:
        """End it and its group with SIGKILL."""


Spawn = Callable[[Listener], Child]


@frozen(kw_only=True)
class Program:
    """What is run.

    :ivar argv: the program, found on ``PATH`` of ``env``, and its arguments; no shell reads them.
    :ivar env: all of its environment; it may hold secrets.
    :ivar directory: where it works; made if it is not there.
    """

    argv: tuple[str, ...]
    directory: Path
    env: Mapping[str, str] = field(factory=dict, repr=False)


def spawner(program: Program, reactor: Any, complaints: Callable[[], Complaints]) -> Spawn:
    """What starts a program, again and again.

    :param complaints: makes what takes each one's standard error.
    """

    def spawn(listener: Listener) -> Child:
        program.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        child = RunningChild(listener, complaints(), reactor)
        reactor.spawnProcess(
            child,
            sys.executable,
            leader_argv(program.argv),
            dict(program.env),
            str(program.directory),
        )
        return child

    return spawn


def leader_argv(argv: Sequence[str]) -> list[str]:
    """The arguments of the interpreter that becomes the program."""
    return [sys.executable, "-I", "-S", "-c", _LEADER, *argv]


@implementer(IPushProducer)
class RunningChild(ProcessProtocol):
    """A program as Twisted runs it.

    What it is told waits here while its pipe is full; memory stays bounded whether it reads or not.
    """

    transport: Any

    def __init__(self, listener: Listener, complaints: Complaints, clock: IReactorTime) -> None:
        self._listener = listener
        self._complaints = complaints
        self._clock = clock
        self._lines = LineReader()
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._paused = False
        self._lingering: IDelayedCall | None = None
        self._why = ""

    # -- who uses it asks ----------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """See :meth:`Child.write`."""
        if 0 not in self.transport.pipes:
            return  # It has closed its input; its end is about to be heard of.
        if not self._paused:
            self.transport.writeToChild(0, data)
            return
        if self._unsent_bytes + len(data) > MOST_UNSENT_BYTES:
            raise Clogged("it does not read what it is told")
        self._unsent.append(data)
        self._unsent_bytes += len(data)

    def terminate(self) -> None:
        """See :meth:`Child.terminate`."""
        self._drop_unsent()
        if 0 in self.transport.pipes:
            self.transport.pipes[0].unregisterProducer()
            self.transport.closeStdin()
        if self.transport.pid is not None:
            self.transport.signalProcess("TERM")

    def kill(self) -> None:
        """See :meth:`Child.kill`."""
        if self.transport.pid is not None and not _kill_group(self.transport.pid):
            self.transport.signalProcess("KILL")  # It had no time yet to lead a group.

    # -- the pipe to it ------------------------------------------------------------------------

    def pauseProducing(self) -> None:
        """The pipe is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """It reads again."""
        self._paused = False
        while self._unsent and not self._paused and 0 in self.transport.pipes:
            data = self._unsent.popleft()
            self._unsent_bytes -= len(data)
            self.transport.writeToChild(0, data)

    def stopProducing(self) -> None:
        """It reads no more."""
        self._drop_unsent()

    # -- Twisted tells -------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """It runs."""
        self._pid: int = self.transport.pid
        self.transport.pipes[0].registerProducer(self, True)

    def outReceived(self, data: bytes) -> None:
        """It wrote something."""
        for line in self._lines.feed(data):
            self._listener.line(line)

    def errReceived(self, data: bytes) -> None:
        """It complains."""
        self._complaints.feed(data)

    def processExited(self, reason: Failure) -> None:
        """It has ended; what it has started goes too, and with it whoever holds its pipes."""
        self._why = _in_words(reason)
        _kill_group(self._pid)
        # A program that has left the group may hold them all the same.
        self._lingering = self._clock.callLater(LINGER_SECONDS, self.transport.loseConnection)

    def processEnded(self, reason: Failure) -> None:
        """Its pipes are closed, and nothing is left of it."""
        if self._lingering is not None and self._lingering.active():
            self._lingering.cancel()
        self._drop_unsent()
        last = self._complaints.close()
        why = self._why or _in_words(reason)
        self._listener.gone(f"{why}: {last}" if last else why)

    def _drop_unsent(self) -> None:
        self._unsent.clear()
        self._unsent_bytes = 0


def _kill_group(pid: int) -> bool:
    """Send SIGKILL to a group; false if there is none of this number."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says EPERM where only zombies are left.
        return False
    return True


def _in_words(reason: Failure) -> str:
    end = reason.value
    if isinstance(end, ProcessTerminated) and end.signal is not None:
        return f"was ended by {signal.Signals(end.signal).name}"
    status = end.exitCode if isinstance(end, ProcessTerminated | ProcessDone) else "unknown"
    return f"ended with status {status}"
