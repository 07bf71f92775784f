"""The gateway's log: one JSON object a line in a file that turns over, text on standard output."""

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    PredicateResult,
    formatEvent,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from openclaw.protocol.base import encode

MAX_BYTES = 10 * 1024 * 1024
KEPT = 3
Hide = Callable[[str], str]
# JSON leaves these as they are; a terminal or an editor that shows the file may act on them.
_CONTROLS = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_LEVELS = {
    "silent": LogLevel.critical,
    "fatal": LogLevel.critical,
    "error": LogLevel.error,
    "warn": LogLevel.warn,
    "info": LogLevel.info,
    "debug": LogLevel.debug,
    "trace": LogLevel.debug,
}


def _as_it_is(text: str) -> str:
    return text


def as_line(event: LogEvent, hide: Hide = _as_it_is) -> bytes:
    """One event as one JSON line; whatever is in it, it stays one line and moves no cursor.

    :param hide: takes secrets out of a text.
    """
    record: dict[str, Any] = {
        "time": _moment(event.get("log_time", 0)),
        "level": event["log_level"].name if "log_level" in event else "info",
        "subsystem": str(event.get("log_namespace", "")),
        "message": hide(_encodable(formatEvent(event))),
    }
    failure = event.get("log_failure")
    if isinstance(failure, Failure):
        record["failure"] = hide(_encodable(failure.getTraceback()))
    line = encode(record)
    if not line.isascii() or b"\x7f" in line:
        line = _CONTROLS.sub(lambda one: f"\\u{ord(one[0]):04x}", line.decode()).encode()
    return line + b"\n"


def _moment(seconds: float) -> str:
    """A time as official clients read it in a log: ISO 8601, UTC, milliseconds."""
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def as_text(event: LogEvent, hide: Hide = _as_it_is) -> str:
    """One event as one line for people; control characters are escaped.

    The lines of a failure stand further in, so that none of them can pass for an event.
    """
    text = _printable(hide(formatEvent(event)))
    level = event["log_level"].name if "log_level" in event else "info"
    failure = event.get("log_failure")
    trace = ""
    if isinstance(failure, Failure):
        lines = hide(_encodable(failure.getTraceback())).split("\n")
        trace = "".join(f"\n    {_printable(line)}" for line in lines if line)
    return f"{level:8} {text}{trace}\n"


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)


def _encodable(text: str) -> str:
    """A text with every half character escaped: names of files may hold some, UTF-8 may not."""
    return text.encode(errors="backslashreplace").decode()


@implementer(ILogObserver)
class LogFile:
    """Appends events to a file of limited size; a full disk loses lines, not the gateway."""

    def __init__(
        self,
        path: Path,
        max_bytes: int = MAX_BYTES,
        kept: int = KEPT,
        hide: Hide = _as_it_is,
    ) -> None:
        self._hide = hide
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._file: IO[bytes] | None = None
        self._size = 0

    def __call__(self, event: LogEvent) -> None:
        """Write one event."""
        line = as_line(event, self._hide)
        try:
            if self._file is None or self._size + len(line) > self._max_bytes:
                self._open()
            assert self._file is not None
            self._file.write(line)
        except OSError:
            self.close()
        else:
            self._size += len(line)

    def close(self) -> None:
        """Close the file; the next event opens it again."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # What a failing disk says at the end helps nobody.
                file.close()

    def _open(self) -> None:
        self.close()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size > self._max_bytes // 2:
            self._turn_over()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._path, flags, 0o600), "ab", buffering=0)
        self._size = self._file.tell()

    def _turn_over(self) -> None:
        names = [self._path, *(self._path.with_suffix(f".{n}.log") for n in range(1, self._kept))]
        for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
            if newer.exists():
                newer.replace(older)


@implementer(ILogObserver)
class Console:
    """Writes events to standard output, as text or as JSON."""

    def __init__(
        self,
        json: bool,
        write: Callable[[str], object] = sys.stdout.write,
        hide: Hide = _as_it_is,
    ) -> None:
        self._hide = hide
        self._json = json
        self._write = write

    def __call__(self, event: LogEvent) -> None:
        """Write one event."""
        # Nobody may be reading standard output any more; the file has it all the same.
        with suppress(OSError, ValueError):
            hide = self._hide
            self._write(as_line(event, hide).decode() if self._json else as_text(event, hide))


def at_level(observer: ILogObserver, level: str) -> ILogObserver:
    """Let only events of a level and above through; ``silent`` lets failures through, no more.

    What Twisted says in its old log (ports that open and close, signals) counts as debug.
    """
    predicates: list[Any] = [LogLevelFilterPredicate(defaultLogLevel=_LEVELS[level])]
    if _LEVELS[level] is not LogLevel.debug:
        predicates.insert(0, _without_chatter)
    filtered: ILogObserver = FilteringLogObserver(observer, predicates)
    return filtered


def _without_chatter(event: LogEvent) -> Any:
    chatter = event.get("log_namespace") == "log_legacy" and not event.get("isError")
    return PredicateResult.no if chatter else PredicateResult.maybe
