"""Talk with the load generator, a Node program: it makes the load, not the figures."""

from __future__ import annotations

import json
import os
import select
from pathlib import Path
from typing import Any

from benchmarks.processes import PinnedProcess

SCRIPTS = Path(__file__).parent / "driver"
ANSWER_SECONDS = 600.0


class DriverError(Exception):
    """The load generator could not do what it was asked."""


class Driver:
    """The load generator: one command at a time, one answer each."""

    def __init__(self, process: PinnedProcess) -> None:
        """Take over a started ``driver/main.js``."""
        self._process = process
        self._buffer = b""

    def ask(self, operation: str, **parameters: Any) -> Any:
        """Run one operation of ``driver/main.js``.

        :return: its answer, a dictionary of counts and wall times.
        :raises DriverError: when it failed or did not answer in time.
        """
        commands, _ = self._process.pipes
        commands.write(json.dumps({"operation": operation, **parameters}).encode() + b"\n")
        commands.flush()
        answer = json.loads(self._read_line(operation))
        if not answer.pop("ok"):
            raise DriverError(f"{operation}: {answer['error']}")
        return answer

    def _read_line(self, operation: str) -> bytes:
        _, answers = self._process.pipes
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([answers], [], [], ANSWER_SECONDS)
            data = os.read(answers.fileno(), 1 << 16) if ready else b""
            if not data:
                log = self._process.log.read_text(errors="replace")[-1000:]
                raise DriverError(f"{operation}: no answer from the load generator {log}")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def stop(self) -> None:
        """End the load generator and with it every connection it holds."""
        self._process.stop()
