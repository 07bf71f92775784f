"""The short cut for ordinary frames: read them here, leave everything else to Autobahn.

Autobahn reads a frame in many small steps, each of them a Python call, which costs about two
thirds of a small request. Nearly every frame that a client sends is the plainest kind there is: one
whole text message, masked, complete in the segment just received. Such a frame is read below in one
go. Whatever is not exactly that (control frames, fragments, binary, half a frame, a wrong length
encoding, reserved bits, text that is no request) is handed to Autobahn unread, so the rules of
RFC 6455 are kept in one place and the short cut cannot be seen on the wire.
"""

from autobahn.twisted.websocket import WebSocketServerProtocol

_FINAL_TEXT = 0x81
_MASKED = 0x80
_MASKED_16_BIT = 0xFE
_SHORT_HEADER = 6
_LONG_HEADER = 8


def unmask(data: bytes, start: int, stop: int) -> bytes:
    """Undo the masking of ``data[start:stop]``; the mask is in the four bytes before ``start``."""
    length = stop - start
    mask = data[start - 4 : start]
    key = (mask * (length // 4 + 1))[:length]
    masked = int.from_bytes(data[start:stop], "big")
    return (masked ^ int.from_bytes(key, "big")).to_bytes(length, "big")


def ordinary_frame(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Find one whole, ordinary frame.

    :return: where its payload starts and stops; ``None`` if Autobahn has to look at it.
    """
    if end - start < _SHORT_HEADER or data[start] != _FINAL_TEXT:
        return None
    length = data[start + 1]
    if _MASKED < length < _MASKED_16_BIT:
        first = start + _SHORT_HEADER
        stop = first + length - _MASKED
    elif length == _MASKED_16_BIT and end - start >= _LONG_HEADER:
        size = int.from_bytes(data[start + 2 : start + 4], "big")
        if size < 126:  # Not the shortest encoding: a violation that Autobahn reports.
            return None
        first = start + _LONG_HEADER
        stop = first + size
    else:
        return None
    return (first, stop) if stop <= end else None


class FastFrames(WebSocketServerProtocol):
    """A server protocol that reads ordinary frames itself.

    :ivar fast: set by the subclass once ordinary frames go to :meth:`onText`.
    """

    fast = False
    maxMessagePayloadSize: int  # Autobahn's; bytes.

    def onText(self, payload: bytes) -> bool:
        """Take one ordinary message, valid UTF-8; false to let Autobahn deliver it instead."""
        raise NotImplementedError

    def onSegment(self) -> None:
        """Everything in one segment has been looked at: the answers can leave together."""

    def dataReceived(self, data: bytes) -> None:
        """Read ordinary frames here for as long as they come, then let Autobahn go on."""
        if self.fast and self.state == self.STATE_OPEN and self._between_messages():
            data = self._read_ordinary(data)
        if data:
            super().dataReceived(data)
        self.onSegment()

    def _between_messages(self) -> bool:
        """Whether Autobahn is in the middle of nothing."""
        return not self.data and self.current_frame is None and not self.inside_message

    def _read_ordinary(self, data: bytes) -> bytes:
        """Deliver the ordinary frames at the front of ``data``; return what is left."""
        start, end = 0, len(data)
        while start < end:
            found = ordinary_frame(data, start, end)
            if found is None:
                break
            first, stop = found
            if stop - first > self.maxMessagePayloadSize:
                break
            payload = unmask(data, first, stop)
            if not (payload.isascii() or _is_utf8(payload)) or not self.onText(payload):
                break
            start = stop
            if self.state != self.STATE_OPEN:
                break
        return data[start:] if start else data


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
