"""Processes that are killed at an arbitrary point of their work, and what they said before."""

import os
import signal
import sys
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProcessTransport, IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

import tests

ROOT = Path(tests.__file__).absolute().parent.parent
KILLS = int(os.environ.get("OPENCLAW_TEST_KILLS", "20"))


def run_victim(module: str, *arguments: str, lines: int | None) -> Deferred[list[str]]:
    """Run a module in a process of its own.

    :param lines: it is killed once it has said so many; 0: as soon as it says anything; ``None``:
        never, it has to end by itself.
    :return: fires with the lines it said, but none that was cut short; fails if it complained, or
        ended in another way.
    """
    victim = _Victim(lines)
    cast(IReactorProcess, reactor).spawnProcess(
        victim,
        sys.executable,
        [sys.executable, "-m", module, *arguments],
        {**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return victim.ended


class _Victim(ProcessProtocol):
    def __init__(self, lines: int | None) -> None:
        self._left = lines
        self._output = bytearray()
        self._errors = bytearray()
        self.ended: Deferred[list[str]] = Deferred()

    def outReceived(self, data: bytes) -> None:
        """Count lines; the kill comes at an arbitrary point of the work."""
        self._output += data
        if self._left is not None and self._left >= 0:
            self._left -= data.count(b"\n")
            if self._left < 0:
                cast(IProcessTransport, self.transport).signalProcess("KILL")

    def errReceived(self, data: bytes) -> None:
        """Keep what it complains about."""
        self._errors += data

    def processEnded(self, reason: Failure) -> None:
        """Hand over what it said; a line cut short was not said."""
        status: Any = reason.value
        killed = getattr(status, "signal", None) == signal.SIGKILL
        if self._errors or (self._left is None) is killed:
            self.ended.errback(RuntimeError(f"{status}: {self._errors.decode()}"))
        else:
            whole = self._output[: self._output.rfind(b"\n") + 1]
            self.ended.callback(whole.decode().splitlines())
