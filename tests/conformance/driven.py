"""Drives a Node script over pipes: one JSON command per line in, JSON lines out."""

import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conformance import packages
from tests.conformance.target import Gateway, clean_environment

_DRIVERS = Path(__file__).parent / "drivers"

Line = dict[str, Any]


class Driven:
    """One running script of ``drivers/``. Lines that nobody asked for yet are kept in order."""

    def __init__(self, script: str, gateway: Gateway) -> None:
        home = gateway.directory / f"driver-{script}"
        home.mkdir(exist_ok=True)
        environment = clean_environment(home, OPENCLAW_NODE_MODULES=str(packages.modules()))
        self._errors = (home / "errors.log").open("a+b")
        self._process = subprocess.Popen(
            [str(packages.node()), str(_DRIVERS / script)],
            env=environment,
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._queue: queue.Queue[Line | None] = queue.Queue()
        self._count = 0
        self.lines: list[Line] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line: Line = json.loads(text)
            line["at"] = time.monotonic()
            self._queue.put(line)
        self._queue.put(None)

    def tell(self, operation: str, **arguments: Any) -> int:
        """Send one command and go on.

        :return: its number, which its answer carries as ``answers``.
        """
        self._count += 1
        command = {"n": self._count, "op": operation, **arguments}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        return self._count

    def ask(self, operation: str, *, seconds: float = 60, **arguments: Any) -> Any:
        """Send one command and wait for its result.

        :raises DriverError: the script reported a failure.
        """
        return self.result(self.tell(operation, **arguments), seconds)

    def result(self, number: int, seconds: float = 60) -> Any:
        """Wait for the result of an earlier :meth:`tell`."""
        line = self.wait(lambda row: row.get("answers") == number, seconds)
        if "error" in line:
            raise DriverError(line["error"])
        return line.get("result")

    def wait(self, wanted: Callable[[Line], bool], seconds: float = 60) -> Line:
        """The first line, old or new, for which ``wanted`` is true."""
        for line in self.lines:
            if wanted(line):
                return line
        deadline = time.monotonic() + seconds
        while True:
            line = self._next(deadline)
            if wanted(line):
                return line

    def _next(self, deadline: float) -> Line:
        try:
            line = self._queue.get(timeout=max(deadline - time.monotonic(), 0.001))
        except queue.Empty:
            raise AssertionError(f"no such line; got {str(self.lines)[-1500:]}") from None
        if line is None:
            raise AssertionError(f"the script ended: {self._tail()}")
        self.lines.append(line)
        return line

    def collect(self) -> list[Line]:
        """Everything that came so far, without waiting."""
        while not self._queue.empty():
            line = self._queue.get()
            if line is not None:
                self.lines.append(line)
        return self.lines

    def _tail(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")[-1500:]

    def stop(self) -> None:
        """End the script."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()


class DriverError(Exception):
    """A command failed in the script; ``details`` is what it reported."""

    def __init__(self, details: Line) -> None:
        super().__init__(str(details))
        self.details = details
