"""What one socket still has to send: whole frames, written once per reactor turn."""

from collections.abc import Callable

from twisted.internet.interfaces import IPushProducer, IReactorTime, ITransport
from zope.interface import implementer


def text_frame(payload: bytes) -> bytes:
    """Frame one text message, unmasked and unfragmented (RFC 6455, section 5.2)."""
    length = len(payload)
    if length < 126:
        return b"\x81%c%b" % (length, payload)
    if length < 65_536:
        return b"\x81\x7e%b%b" % (length.to_bytes(2, "big"), payload)
    return b"\x81\x7f%b%b" % (length.to_bytes(8, "big"), payload)


class EndOfTurn:
    """Flushes, once per reactor turn, every socket that was given something in that turn."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: list[Outgoing] = []

    def add(self, outgoing: "Outgoing") -> None:
        """Flush ``outgoing`` when this turn is over."""
        if not self._waiting:
            self._clock.callLater(0, self._flush)
        self._waiting.append(outgoing)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for outgoing in waiting:
            outgoing.flush()


@implementer(IPushProducer)
class Outgoing:
    """Frames on their way to one socket; holds them back while the socket is slow.

    :ivar buffered_bytes: what is waiting here, beyond the transport's own buffer.
    """

    def __init__(
        self,
        transport: ITransport,
        end_of_turn: EndOfTurn,
        limit_bytes: int,
        too_slow: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._end_of_turn = end_of_turn
        self._limit_bytes = limit_bytes
        self._too_slow = too_slow
        self._frames: list[bytes] = []
        self._paused = False
        self._ended = False
        self.buffered_bytes = 0

    @property
    def congested(self) -> bool:
        """Whether more than the socket may owe is waiting: the next frame ends it."""
        return self._paused and self.buffered_bytes > self._limit_bytes

    def text(self, payload: bytes) -> None:
        """Send one text message, at the latest when this reactor turn is over."""
        if self._ended:
            return
        if self.buffered_bytes > self._limit_bytes:
            if self._paused:
                self._too_slow()
                return
            self.force()  # Much in one turn; whether the peer is slow is still to be seen.
        if not self._frames and not self._paused:
            self._end_of_turn.add(self)
        frame = text_frame(payload)
        self._frames.append(frame)
        self.buffered_bytes += len(frame)

    def flush(self) -> None:
        """Hand everything to the transport in one write, unless it asked to wait."""
        if self._frames and not self._paused:
            self.force()

    def force(self) -> None:
        """Hand everything to the transport even if it is slow: what follows is the close."""
        frames, self._frames = self._frames, []
        self.buffered_bytes = 0
        if frames:
            self._transport.write(frames[0] if len(frames) == 1 else b"".join(frames))

    def pauseProducing(self) -> None:
        """Keep frames here: the transport's buffer is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Write again: the transport's buffer has drained."""
        self._paused = False
        self.flush()

    def stopProducing(self) -> None:
        """Forget everything: the socket is gone."""
        self._ended = True
        self._frames.clear()
        self.buffered_bytes = 0
