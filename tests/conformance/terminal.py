"""A program in a pseudo-terminal: what it shows as text, and keys for it. It draws no screen."""

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path

from tests.conformance.cli import plain

_ROWS, _COLUMNS = 40, 120


class Terminal:
    """One program with a terminal of its own; :attr:`text` is what it wrote without escapes."""

    def __init__(self, command: list[str], environment: Mapping[str, str], directory: Path) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=directory,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._raw = b""
        self._seen = 0

    @property
    def text(self) -> str:
        """Everything shown so far."""
        return plain(self._raw.decode(errors="replace"))

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def enter(self, line: str) -> None:
        """Type a line, then Enter as a key of its own, as a person does."""
        self.mark()
        self.type(line)
        self.wait_for(line[:20])
        self.mark()
        self.type("\r")

    def mark(self) -> None:
        """From now on :meth:`wait_for` looks only at what comes later."""
        self._read(0)
        self._seen = len(self._raw)

    def wait_for(self, wanted: str, seconds: float = 60) -> str:
        """Wait until the program has written ``wanted`` since the last :meth:`mark`.

        :return: what it wrote since then.
        """
        deadline = time.monotonic() + seconds
        while wanted not in (new := plain(self._raw[self._seen :].decode(errors="replace"))):
            if time.monotonic() > deadline:
                raise AssertionError(f"{wanted!r} was not shown; shown: {self._last(new)}")
            self._read(0.1)
        return new

    def _last(self, text: str) -> str:
        lines = [line.rstrip() for line in text.splitlines()]
        return "\n".join(line for line in lines if line)[-2000:]

    def _read(self, seconds: float) -> None:
        while select.select([self._master], [], [], seconds)[0]:
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:  # Linux reports the end of the program as an I/O error.
                return
            if not data:
                return
            self._raw += data
            seconds = 0

    def stop(self) -> None:
        """End the program and give the terminal back."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._master)
