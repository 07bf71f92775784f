"""Cuts a stream into lines; one that is too long is left out, and its beginning told."""

from collections.abc import Callable

HEAD_BYTES = 256


class Lines:
    """Takes bytes split anywhere.

    :param line: told every line, without its end; empty ones are left out.
    :param too_long: told the beginning of a line that is longer than ``most`` bytes.
    """

    def __init__(
        self, line: Callable[[bytes], None], too_long: Callable[[bytes], None], most: int
    ) -> None:
        self._line = line
        self._too_long = too_long
        self._most = most
        self._pieces: list[bytes] = []
        self._size = 0
        self._dropping = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        *whole, rest = data.split(b"\n")
        for piece in whole:
            self._keep(piece)
            self._end()
        self._keep(rest)

    def _keep(self, piece: bytes) -> None:
        if self._dropping or not piece:
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._most:
            self._dropping = True
            head = b"".join(self._pieces)[:HEAD_BYTES]
            self._pieces.clear()
            self._too_long(head)

    def _end(self) -> None:
        line = b"".join(self._pieces).strip()
        dropped = self._dropping
        self._pieces.clear()
        self._size, self._dropping = 0, False
        if line and not dropped:
            self._line(line)
