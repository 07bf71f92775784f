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

    Only whole lines are told; the cursor stands behind the last of them.
    """
    try:
        with path.open("rb") as log:
            size = os.fstat(log.fileno()).st_size
            return _read(path, log.fileno(), size, params)
    except FileNotFoundError:
        return LogsTail(file=str(path), cursor=0, size=0, lines=[], truncated=False, reset=False)


def _read(path: Path, descriptor: int, size: int, params: LogsTailParams) -> LogsTail:
    known = params.cursor is not UNSET
    reset = params.cursor is not UNSET and params.cursor > size
    start = params.cursor if params.cursor is not UNSET and not reset else 0
    truncated = size - start > params.max_bytes
    if truncated:
        start = size - params.max_bytes
    data = os.pread(descriptor, size - start, start)
    whole = data.rfind(b"\n") + 1
    lines = data[:whole].decode(errors="replace").splitlines()
    if truncated and lines:
        lines = lines[1:]  # It began before what was read.
    if len(lines) > params.limit:
        lines, truncated = lines[-params.limit :], True
    cursor = start + whole
    return LogsTail(
        file=str(path),
        cursor=cursor,
        size=size,
        lines=lines,
        truncated=truncated and not (known and not reset and not lines),
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
