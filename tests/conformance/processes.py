"""Processes beside the tests: started, watched until ready, and gone for certain at the end."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import attrs

from openclaw.cli.tunnel import find_free_port
from tests.conformance import packages

_STOP_SECONDS = 20
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """Ask Linux to kill this process when the tests are killed and cannot do it themselves."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@attrs.define
class Process:
    """A child process with its output in a file, gone for certain after :meth:`stop`."""

    arguments: list[str]
    environment: Mapping[str, str]
    log: Path
    directory: Path
    _process: subprocess.Popen[bytes] | None = None
    _file: IO[bytes] | None = None

    def start(self) -> None:
        """Start it in a process group of its own."""
        self._file = self.log.open("ab")
        self._process = subprocess.Popen(
            self.arguments,
            env=dict(self.environment),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self, signal_number: int = signal.SIGTERM) -> int | None:
        """Signal it, wait, and kill its whole group at last.

        :return: the exit status, or None if it never ran.
        """
        if self._process is None:
            return None
        if self.running:
            self._process.send_signal(signal_number)
        try:
            status = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            status = None
        self._kill_group()
        if status is None:
            status = self._process.wait(_STOP_SECONDS)
        if self._file is not None:
            self._file.close()
        self._process = None
        return status

    def _kill_group(self) -> None:
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                return  # The group is empty already.

    def tail(self, size: int = 3000) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""


class Model:
    """The model stand-in as a process."""

    def __init__(self, directory: Path) -> None:
        self.port = find_free_port()
        arguments = [sys.executable, "-m", "tests.standins.model", "--port", str(self.port)]
        environment = {**os.environ, "PYTHONPATH": str(packages.ROOT)}
        self._process = Process(arguments, environment, directory / "model.log", packages.ROOT)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process.start()
        wait_for(self._answers, 20, self._process)

    def stop(self) -> None:
        """Stop it."""
        self._process.stop()

    def requests(self) -> list[dict[str, Any]]:
        """What it was asked so far, oldest first."""
        rows: list[dict[str, Any]] = json.loads(self._fetch("GET"))
        return rows

    def forget(self) -> None:
        """Empty that record."""
        self._fetch("DELETE")

    def _fetch(self, method: str) -> bytes:
        url = f"http://127.0.0.1:{self.port}/requests"
        with urlopen(Request(url, method=method), timeout=60) as answer:
            body: bytes = answer.read()
            return body

    def _answers(self) -> bool:
        try:
            self._fetch("GET")
        except (URLError, OSError):
            return False
        return True


def wait_for(ready: Callable[[], bool], seconds: float, process: Process) -> None:
    """Ask ``ready()`` until it is true.

    :raises RuntimeError: the process ended, or the time is over; with the end of its output.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if not process.running or time.monotonic() > deadline:
            state = "is not ready" if process.running else "ended"
            raise RuntimeError(f"{process.arguments[0]} {state}:\n{process.tail()}")
        time.sleep(0.05)
