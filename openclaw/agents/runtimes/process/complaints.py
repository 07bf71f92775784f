"""What a program writes to standard error: to the log, without secrets, and not without end."""

from collections.abc import Callable

from twisted.logger import Logger

from openclaw.agents.runtimes.process.lines import LineReader, TooLong

MOST_LINES = 100
WINDOW_SECONDS = 60.0
MOST_CHARACTERS = 500


class Complaints:
    """The standard error of one process.

    :param name: whose, for the log.
    :param hide: takes secrets out of a line.
    :param seconds: a monotonic clock.
    """

    _log = Logger()

    def __init__(self, name: str, hide: Callable[[str], str], seconds: Callable[[], float]) -> None:
        self._name = name
        self._hide = hide
        self._seconds = seconds
        self._lines = LineReader(most_bytes=64 * 1024)
        self._began = seconds()
        self._count = 0
        self._last = ""

    def feed(self, data: bytes) -> None:
        """Take what it wrote."""
        for line in self._lines.feed(data):
            self._line(line.head if isinstance(line, TooLong) else line)

    def close(self) -> str:
        """It has ended; the last thing it complained of, empty if it never did."""
        for line in self._lines.feed(b"\n"):
            self._line(line.head if isinstance(line, TooLong) else line)
        self._report_left_out()
        return self._last

    def _line(self, line: bytes) -> None:
        words = self._hide(line.decode(errors="replace")).strip()[:MOST_CHARACTERS]
        if not words:
            return
        self._last = words
        if self._seconds() - self._began >= WINDOW_SECONDS:
            self._report_left_out()
            self._began, self._count = self._seconds(), 0
        self._count += 1
        if self._count <= MOST_LINES:
            self._log.warn("{name}: {words}", name=self._name, words=words)

    def _report_left_out(self) -> None:
        if self._count > MOST_LINES:
            number = self._count - MOST_LINES
            self._log.warn("{name}: {number} more lines", name=self._name, number=number)
            self._count = MOST_LINES
