"""HTTP connections that are not trusted: how much they may send, how long they may take."""

from collections.abc import Callable
from io import BytesIO
from typing import Any, Protocol

from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, Request
from twisted.web.resource import Resource
from twisted.web.server import Request as SiteRequest
from twisted.web.server import Site

from openclaw.errors import Busy
from openclaw.interfaces.security import Peer
from openclaw.security.limits.traffic import Meter, Traffic

BODY_BYTES = 1_048_576
BODY_SECONDS = 10.0
HEAD_SECONDS = 15.0
IDLE_SECONDS = 60.0
LINGER_SECONDS = 1.0
CLOSE_SECONDS = 60.0
PER_TURN = 8

_LONGEST_LENGTH = 100
_REASONS = {
    408: b"Request Timeout",
    413: b"Content Too Large",
    503: b"Service Unavailable",
}


class Places(Protocol):
    """How many connections there may be, in total and per client."""

    def enter(self, peer: Peer) -> bool:
        """Take a place; false if there is none."""

    def leave(self, peer: Peer) -> None:
        """Give the place back."""


def read_nothing(request: Request) -> int:
    """No route takes a body."""
    return 0


class CarefulChannel(HTTPChannel):
    """One connection.

    A request whose body nobody wants is answered from its head alone, and the connection ends with
    the answer: that is how credentials are judged before a byte of a body is read, and how a body
    without end costs nothing. A body that is wanted is counted as it arrives.

    :ivar meter: counts the requests of this connection, where somebody counts them.
    """

    site: "CarefulSite"
    transport: Any  # A TCP or TLS connection; the interface alone cannot cut itself off.
    meter: Meter | None = None

    def __init__(self) -> None:
        super().__init__()
        self._deadline: IDelayedCall | None = None
        self._place: Peer | None = None
        self._received = 0
        self._limit = 0
        self._answered = 0
        self._turn: IDelayedCall | None = None
        self._unread = False
        self._ended = False

    def connectionMade(self) -> None:
        """Take a place, or leave."""
        super().connectionMade()
        peer = self.site.peer_of(self.transport.getPeer())
        if self.site.places.enter(peer):
            self._place = peer
        else:
            self._end(503)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget everything about it."""
        self._ended = True
        self.let_go()
        super().connectionLost(reason)

    def let_go(self) -> None:
        """The connection is gone, or is none of HTTP's any more."""
        self._stop_deadline()
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.cancel()
        peer, self._place = self._place, None
        if peer is not None:
            self.site.places.leave(peer)

    def dataReceived(self, data: bytes) -> None:
        """Read on; from the first byte of a head its time runs."""
        if self._ended:
            self._discard(data)
            return
        if self._turn is None:
            self._answered = 0
        if self._deadline is None and not self._handlingRequest:
            self._start_deadline(HEAD_SECONDS, self.transport.abortConnection)
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """Read a line, unless the connection has ended with an earlier one."""
        if not self._ended:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        """Read a piece of a body, or what comes behind it."""
        if self._ended:
            self._discard(data)
        else:
            super().rawDataReceived(data)

    def headerReceived(self, line: bytes) -> bool:
        """Keep one header; a length of hundreds of digits is no number for Python either."""
        if len(line) > _LONGEST_LENGTH and line[:15].lower() == b"content-length:":
            self._respondToBadRequestAndDisconnect()
            return False
        return bool(super().headerReceived(line))

    def allHeadersReceived(self) -> None:
        """Decide what becomes of the body, if one was announced."""
        self._stop_deadline()
        if self.length == 0:
            super().allHeadersReceived()
            return
        self._limit = self.site.body_limit(self._request_so_far())
        if self.length is not None and self.length > (self._limit or self.site.body_bytes):
            self._end(413)
        elif self._limit:
            self._received = 0
            self._start_deadline(self.site.body_seconds, lambda: self._end(408))
            super().allHeadersReceived()
        else:
            self._answer_unread()

    def allContentReceived(self) -> None:
        """The body is complete."""
        self._stop_deadline()
        if self._ended:
            return
        super().allContentReceived()
        self._answered += 1
        if self._answered >= PER_TURN and self._place is not None:
            self._pause()

    def _pause(self) -> None:
        """Let others have their turn: a segment can hold thousands of small requests."""
        self.paused = True  # The loop of LineReceiver looks at it.
        self._networkProducer.pauseProducing()
        self._turn = self.callLater(0, self._resume)

    def _resume(self) -> None:
        self._turn = None
        self._answered = 0
        self.paused = False
        self._networkProducer.resumeProducing()
        LineReceiver.dataReceived(self, b"")

    def count_body(self, size: int) -> bool:
        """Count bytes of a body; false if they are too many, and the connection has ended."""
        self._received += size
        if self._received > self._limit and not self._ended:
            self._end(413)
        return not self._ended

    def _request_so_far(self) -> Request:
        """The request with what is known after its head, as Twisted sets it after the body."""
        request: Request = self.requests[-1]
        request.method, request.uri = self._command, self._path
        request.clientproto = self._version
        request.path = self._path.partition(b"?")[0]
        return request

    def _answer_unread(self) -> None:
        """Let the request be answered as if it had no body, and close behind the answer."""
        self.length = 0
        self._transferDecoder = None
        self._unread = True
        super().allHeadersReceived()
        self.persistent = False
        self.requests[-1].responseHeaders.setRawHeaders(b"Connection", [b"close"])

    def _send100Continue(self) -> None:
        """Ask only for a body that will be read."""
        if self.length != 0:
            super()._send100Continue()

    def loseConnection(self) -> None:
        """Close; behind an unread body not before the peer had a moment to read what was said.

        A system that closes a socket with unread bytes resets it, and the answer is lost with it.
        """
        if self._unread and not self._ended:
            self._linger()
            return
        if self._abortingCall is None:
            # Over TLS it is the peer who ends a close, and a peer that does not read ends none.
            self._abortingCall = self.callLater(CLOSE_SECONDS, self.forceAbortClient)
        super().loseConnection()

    def _end(self, status: int) -> None:
        """Say why, read nothing more, close."""
        body = b'{"error":{"message":"%s","type":"%s"}}\n' % (
            _REASONS[status],
            _REASONS[status].lower().replace(b" ", b"_"),
        )
        self.transport.write(
            b"HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (status, _REASONS[status], len(body), body)
        )
        self._linger()

    def _linger(self) -> None:
        self._ended = True
        self._received = 0
        self.setTimeout(None)
        self._stop_deadline()
        self._networkProducer.resumeProducing()
        self._start_deadline(LINGER_SECONDS, self.loseConnection)

    def _discard(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > self.site.body_bytes:
            self.transport.abortConnection()

    def _start_deadline(self, seconds: float, late: Callable[[], object]) -> None:
        self._stop_deadline()
        self._deadline = self.callLater(seconds, late)

    def _stop_deadline(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None and deadline.active():
            deadline.cancel()


def count_request(request: Request, traffic: Traffic, address: str) -> Busy | None:
    """Count one request; what is returned, if anything, is to be answered instead."""
    channel: Any = request.channel
    if channel.meter is None:
        channel.meter = traffic.meter()
    busy: Busy | None = channel.meter.take("request", address)
    if busy is not None:
        seconds = -(-(busy.retry_after_ms or 0) // 1000)
        request.setHeader(b"Retry-After", str(seconds).encode())
    return busy


class CountedRequest(SiteRequest):
    """A request whose body is counted while it arrives, and kept in memory, never on disk."""

    def gotLength(self, length: int | None) -> None:
        """Make room for the body; its size is limited elsewhere."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a piece of the body, as long as it is not too large."""
        channel: Any = self.channel
        if channel.count_body(len(data)):
            super().handleContentChunk(data)


class CarefulSite(Site):
    """Makes the connections; without an access log, for paths may hold what is nobody's business.

    :param peer_of: who is at the other end of a socket.
    :param places: how many connections there may be.
    :param body_limit: how large the body of a request, of which the head is known, may be; 0: it
        is not read.
    :param body_bytes: how much that nobody reads is let go by.
    :param body_seconds: how long it may take.
    """

    noisy = False

    def __init__(
        self,
        resource: Resource,
        peer_of: Callable[[IAddress | None], Peer],
        places: Places,
        reactor: Any,
        body_limit: Callable[[Request], int] = read_nothing,
        *,
        body_bytes: int = BODY_BYTES,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        super().__init__(
            resource, requestFactory=CountedRequest, reactor=reactor, timeout=IDLE_SECONDS
        )
        self.peer_of = peer_of
        self.places = places
        self.body_limit = body_limit
        self.body_bytes = body_bytes
        self.body_seconds = body_seconds

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """One more connection; HTTP/1.1 only, which is all that TLS agrees on."""
        channel: Any = CarefulChannel()
        channel.factory = channel.site = self
        channel.requestFactory = self.requestFactory
        channel.timeOut = self.timeOut
        channel.callLater = self.reactor.callLater
        return channel

    def log(self, request: Request) -> None:
        """Log nothing."""
