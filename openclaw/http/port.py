"""One port for two protocols: looks at the first request's head, then steps aside."""

from collections.abc import Callable, Mapping
from typing import Any
from typing import Protocol as Typed

from autobahn.twisted.resource import WebSocketResource
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import Site

from openclaw.gateway.heads import read_headers
from openclaw.gateway.pace import Pace
from openclaw.interfaces.security import Peer

MAX_HEAD_BYTES = 16_384
HEAD_SECONDS = 15.0
CLOSE_SECONDS = 5.0
_REASONS = {
    403: "Forbidden",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
}

PeerOf = Callable[[IAddress | None, Mapping[str, str]], Peer]
Refuses = Callable[[IAddress | None, Mapping[str, str]], tuple[int, str] | None]


class Waiting(Typed):
    """How many sockets may be in their first moments, in total and per client."""

    def enter(self, peer: Peer) -> bool:
        """Take a place; false if there is none."""

    def leave(self, peer: Peer) -> None:
        """Give the place back."""


class PortProtocol(Protocol):
    """Collects the head of a connection's first request, and hands the connection on.

    A WebSocket upgrade goes to the WebSocket protocol without passing through the HTTP server,
    which would cost more than the whole rest of a handshake; anything else goes to the HTTP server.
    """

    transport: Any  # A TCP or TLS connection; the interface alone cannot close or hand itself on.

    def __init__(self, factory: "PortFactory") -> None:
        self._factory = factory
        self._head = b""
        self._timer: IDelayedCall | None = None
        self._peer: Peer | None = None
        self._refused = False
        self._waits = False

    def connectionMade(self) -> None:
        """Wait for the head, but not for ever, and not for too many at once."""
        peer = self._factory.peer_of(self.transport.getPeer(), {})
        if not self._factory.waiting.enter(peer):
            self.transport.abortConnection()
            return
        self._peer = peer
        self._timer = self._factory.clock.callLater(HEAD_SECONDS, self._too_slow)

    def dataReceived(self, data: bytes) -> None:
        """Collect until the head is whole."""
        if self._refused:
            return
        self._head += data
        if self._waits:
            self._limit()
            return
        end = self._head.find(b"\r\n\r\n")
        if (len(self._head) if end < 0 else end) > MAX_HEAD_BYTES:
            self._refuse(431, '{"error":{"type":"head_too_large"}}')
        elif end >= 0:
            self._waits = True
            self._factory.pace.run(lambda: self._go_on(end))

    def _limit(self) -> None:
        """Read no more than one head and what came with it before it is this one's turn."""
        if len(self._head) > 2 * MAX_HEAD_BYTES:
            self.transport.pauseProducing()

    def _go_on(self, end: int) -> None:
        """Hand the connection on, unless it has ended while others had their turn."""
        if self._peer is None:
            return
        self.transport.resumeProducing()
        headers = read_headers(self._head[:end])
        if not is_upgrade(headers):
            self._hand_on(self._factory.site.buildProtocol(self.transport.getPeer()))
            return
        refusal = self._factory.refuses(self.transport.getPeer(), headers)
        if refusal is not None:
            self._refuse(*refusal)
        else:
            self._hand_on(self._factory.sockets.buildProtocol(self.transport.getPeer()))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nobody asked anything."""
        self._settle()

    def _hand_on(self, protocol: Any) -> None:
        head, self._head = self._head, b""
        transport = self.transport
        if isinstance(transport, ProtocolWrapper):  # TLS, which stands between us and the socket.
            transport.wrappedProtocol = protocol
        else:
            transport.protocol = protocol
        protocol.makeConnection(transport)
        self._settle()
        protocol.dataReceived(head)

    def _refuse(self, status: int, body: str) -> None:
        reason = _REASONS.get(status, "Refused")
        self.transport.write(
            f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n{body}".encode()
        )
        self.transport.loseConnection()
        self._refused = True
        # Over TLS it is the peer who ends a close: the place is kept until it has, or is cut off.
        if self._timer is not None and self._timer.active():
            self._timer.reset(CLOSE_SECONDS)

    def _too_slow(self) -> None:
        self.transport.abortConnection()

    def _settle(self) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            self._factory.waiting.leave(peer)
        if self._timer is not None and self._timer.active():
            self._timer.cancel()


class PortFactory(Factory):
    """Makes a :class:`PortProtocol` for each connection.

    :param refuses: what can be refused before a WebSocket exists: status and JSON body.
    """

    noisy = False

    def __init__(
        self,
        site: Site,
        sockets: Factory,
        refuses: Refuses,
        peer_of: PeerOf,
        waiting: Waiting,
        pace: Pace,
        clock: IReactorTime,
    ) -> None:
        self.site = site
        self.sockets = sockets
        self.refuses = refuses
        self.peer_of = peer_of
        self.waiting = waiting
        self.pace = pace
        self.clock = clock

    def buildProtocol(self, addr: IAddress | None) -> PortProtocol:
        """One more connection."""
        return PortProtocol(self)

    def doStart(self) -> None:
        """Start both protocols behind the port."""
        super().doStart()
        self.site.doStart()
        self.sockets.doStart()

    def doStop(self) -> None:
        """Stop both."""
        self.sockets.doStop()
        self.site.doStop()
        super().doStop()


class UpgradeAnywhere(Resource):
    """Serves the pages, and upgrades on a connection that has carried HTTP requests before."""

    isLeaf = True

    def __init__(self, pages: Resource, sockets: Factory, refuses: Refuses) -> None:
        super().__init__()
        self._pages = pages
        self._sockets = WebSocketResource(sockets)
        self._refuses = refuses

    def render(self, request: Request) -> bytes | int:
        """Answer, or turn the connection into a WebSocket."""
        headers = header_map(request)
        if is_upgrade(headers) and self._refuses(request.getClientAddress(), headers) is None:
            channel: Any = request.channel
            channel.let_go()
            channel.transport.unregisterProducer()
            answer: bytes | int = self._sockets.render(request)
            return answer
        answer = self._pages.render(request)
        return answer


def header_map(request: Request) -> dict[str, str]:
    """The headers of a request the HTTP server has parsed, in the form of :func:`read_headers`."""
    return {
        name.decode("latin-1").lower(): ",".join(value.decode("latin-1") for value in values)
        for name, values in request.requestHeaders.getAllRawHeaders()
    }


def is_upgrade(headers: Mapping[str, str]) -> bool:
    """Whether a request asks to become a WebSocket."""
    return "websocket" in headers.get("upgrade", "").lower()
