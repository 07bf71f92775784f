"""Server-sent events, read from bytes split anywhere; pure, and ignorant of what the data means.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

MAX_EVENT_BYTES = 4 * 1024 * 1024
"""The longest line, and the longest event, that is still believed to be one."""

_BOM = b"\xef\xbb\xbf"


class EventTooLong(ValueError):
    """A line or an event grew past :data:`MAX_EVENT_BYTES`."""


class EventReader:
    """Turns a byte stream into the data of its events; names, ids and comments are dropped."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._pieces: list[bytes] = []  # Of the line that has no end yet.
        self._piece_bytes = 0
        self._data: list[bytes] = []  # Of the event that has no end yet.
        self._data_bytes = 0
        self._first_line = True
        self._after_return = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; return the data of every event that they complete.

        :raises EventTooLong: if a line or an event exceeds the limit.
        """
        data = self._one_newline(data)
        if b"\n" not in data:
            self._keep(data)
            return []
        lines = (b"".join(self._pieces) + data).split(b"\n")
        self._pieces.clear()
        self._piece_bytes = 0
        self._keep(lines.pop())
        events: list[bytes] = []
        for line in lines:
            self._line(line, events)
        return events

    def finish(self) -> list[bytes]:
        """End of the stream: what an event without its closing blank line holds.

        The standard drops such an event; servers that forget the last blank line are common.
        """
        events: list[bytes] = []
        self._line(b"".join(self._pieces), events)
        self._line(b"", events)
        self._pieces.clear()
        return events

    def _one_newline(self, data: bytes) -> bytes:
        """Make CRLF and CR into LF; a CRLF may be split between two calls."""
        if self._after_return and data:
            self._after_return = False
            if data.startswith(b"\n"):
                data = data[1:]
        if b"\r" in data:
            self._after_return = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data

    def _keep(self, piece: bytes) -> None:
        if not piece:
            return
        self._pieces.append(piece)
        self._piece_bytes += len(piece)
        if self._piece_bytes > self._limit:
            raise EventTooLong(f"a line of more than {self._limit} bytes")

    def _line(self, line: bytes, events: list[bytes]) -> None:
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            if self._data:
                events.append(b"\n".join(self._data))
                self._data.clear()
                self._data_bytes = 0
        elif line.startswith(b"data:"):
            self._value(line[6:] if line.startswith(b"data: ") else line[5:])
        elif line == b"data":
            self._value(b"")
        elif line.startswith(b"error:"):  # Older llama.cpp's own; the standard has no such field.
            self._value(b'{"error":' + line[6:] + b"}")

    def _value(self, value: bytes) -> None:
        self._data.append(value)
        self._data_bytes += len(value) + 1
        if self._data_bytes > self._limit:
            raise EventTooLong(f"an event of more than {self._limit} bytes")
