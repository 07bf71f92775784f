"""Runs one judge: its lines as they come, its end for certain."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

HERE = Path(__file__).parent


class Program(ProcessProtocol):
    """A running judge.

    :ivar lines: what it printed, decoded.
    :ivar said: everything else that it wrote, for messages of failed tests.
    """

    def __init__(self, *arguments: str) -> None:
        self.lines: list[dict[str, Any]] = []
        self.said = ""
        self.gone: Deferred[None] = Deferred()
        self._rest = b""
        spawning: Any = reactor
        spawning.spawnProcess(self, arguments[0], arguments, env=_environment())

    def outReceived(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            if line.startswith(b"{"):
                self.lines.append(json.loads(line))
            else:
                self.said += line.decode(errors="replace") + "\n"

    def errReceived(self, data: bytes) -> None:
        self.said += data.decode(errors="replace")

    def processEnded(self, reason: Failure) -> None:
        self.gone.callback(None)

    def has(self, **wanted: Any) -> bool:
        """Whether it printed a line with these values; raises if it ended before it could.

        :raises AssertionError: it has ended.
        """
        if any(wanted.items() <= line.items() for line in self.lines):
            return True
        assert not self.gone.called, f"it ended: {self.said[-2000:]} {self.lines[-5:]}"
        return False

    def stop(self) -> Deferred[None]:
        """Kill it; fires once it is gone."""
        if not self.gone.called:
            try:
                transport: Any = self.transport
                transport.signalProcess("KILL")
            except ProcessExitedAlready:
                pass
        return self.gone


def script(name: str) -> str:
    """The path of one judge's script."""
    return str(HERE / name)


def python(name: str, *arguments: str) -> Program:
    """Run a judge that is written in Python."""
    return Program(sys.executable, "-u", script(name), *arguments)


def _environment() -> dict[str, str]:
    """Ours without proxies: what judges talk to is on this machine."""
    return {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
