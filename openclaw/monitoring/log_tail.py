"""The latest lines of the gateway's own log file."""

import os
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from zope.interface import implementer

from openclaw.interfaces.monitoring import ILogs
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.system import LogsTail, LogsTailParams


def tail(path: Path, params: LogsTailParams) -> LogsTail:
    """Read the end of the file, or what came after ``params.cursor``; blocks on the disk.

    Only whole lines are told, wherever the cursor stands; the new one stands behind the last.
    """
    try:
        with path.open("rb") as log:
            size = os.fstat(log.fileno()).st_size
            return _read(path, log.fileno(), size, params)
    except FileNotFoundError:
        return LogsTail(file=str(path), cursor=0, size=0, lines=[], truncated=False, reset=False)


def _read(path: Path, descriptor: int, size: int, params: LogsTailParams) -> LogsTail:
    reset = params.cursor is not UNSET and params.cursor > size
    start = 0 if params.cursor is UNSET or reset else params.cursor
    truncated = size - start > params.max_bytes
    if truncated:
        start = size - params.max_bytes
    begin = max(0, start - 1)  # Unless a line ended there, what follows is the rest of one.
    data = os.pread(descriptor, size - begin, begin)
    first = data.find(b"\n") + 1 if start else 0
    last = data.rfind(b"\n") + 1
    # Not splitlines(): a message may hold what Unicode calls a line's end.
    lines = data[first:last].decode(errors="replace").split("\n")[:-1]
    if len(lines) > params.limit:
        lines, truncated = lines[-params.limit :], True
    return LogsTail(
        file=str(path),
        cursor=begin + last if last else start,
        size=size,
        lines=lines,
        truncated=truncated,
        reset=reset,
    )


@implementer(ILogs)
class LogTail:
    """Reads the log without blocking the reactor."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, params: LogsTailParams) -> Deferred[LogsTail]:
        """See :func:`tail`."""
        return deferToThread(tail, self._path, params)
