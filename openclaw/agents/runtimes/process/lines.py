"""Cuts what a program writes into lines, of which none is too long to keep; reads no JSON."""

from attrs import frozen

MAX_LINE_BYTES = 16 * 1024 * 1024
HEAD_BYTES = 256


@frozen
class TooLong:
    """Stands for a line that was dropped while it came.

    :ivar head: its first :data:`HEAD_BYTES`.
    :ivar size: bytes of the whole.
    """

    head: bytes
    size: int


class LineReader:
    """Turns a byte stream into lines; LF ends one, and nothing else does.

    Memory stays within ``most_bytes``, however long a line gets.
    """

    def __init__(self, most_bytes: int = MAX_LINE_BYTES) -> None:
        self._most = most_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._head: bytes | None = None  # Of a line that is being dropped.

    def feed(self, data: bytes) -> list[bytes | TooLong]:
        """Take bytes; return the lines that they complete, without their ends."""
        *ended, rest = data.split(b"\n")
        lines: list[bytes | TooLong] = []
        for piece in ended:
            self._keep(piece)
            lines.append(self._line())
        self._keep(rest)
        return lines

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._head is not None:
            return
        self._pieces.append(piece)
        if self._size > self._most:
            self._head = b"".join(self._pieces)[:HEAD_BYTES]
            self._pieces.clear()

    def _line(self) -> bytes | TooLong:
        head, size = self._head, self._size
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._size, self._head = 0, None
        return line.removesuffix(b"\r") if head is None else TooLong(head, size)
