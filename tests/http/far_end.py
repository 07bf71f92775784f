"""Real WebSocket and TCP servers on loopback, and a listener that writes down what it hears."""

from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from openclaw.interfaces.outbound import IOutboundSocket, ISocketListener

reactor: Any = the_reactor


@implementer(ISocketListener)
class Ear:
    """Hears a socket.

    :ivar heard: everything that came.
    :ivar ended: fires with code and reason.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.heard: list[str | bytes] = []
        self.ended: Deferred[tuple[int, str]] = Deferred()
        self._waiting: list[tuple[int, Deferred[None]]] = []
        self.fault: Exception | None = None

    def opened(self, socket: IOutboundSocket) -> None:
        """It is up."""
        self.calls.append("opened")

    def received(self, data: str | bytes) -> None:
        """Something came."""
        self.calls.append("received")
        self.heard.append(data)
        for count, waiting in self._waiting:
            if len(self.heard) >= count and not waiting.called:
                waiting.callback(None)
        if self.fault is not None:
            raise self.fault

    def closed(self, code: int, reason: str) -> None:
        """It is gone."""
        self.calls.append("closed")
        self.ended.callback((code, reason))

    def hears(self, count: int) -> Deferred[None]:
        """Wait until so many messages came."""
        waiting: Deferred[None] = Deferred()
        if len(self.heard) >= count:
            waiting.callback(None)
        else:
            self._waiting.append((count, waiting))
        return waiting


class FarSocket(WebSocketServerProtocol):
    """The other end of a WebSocket: echoes, unless its server is told otherwise."""

    factory: "_FarSockets"

    def onConnect(self, request: ConnectionRequest) -> Any:
        """Let in, or refuse with a status."""
        self.factory.end.asked.append(request)
        if self.factory.end.refusal:
            raise ConnectionDeny(self.factory.end.refusal)
        return (request.protocols or [None])[0]

    def onOpen(self) -> None:
        """Keep it for the test."""
        self.closing: Deferred[tuple[int | None, str | None]] = Deferred()
        end = self.factory.end
        end.links.append(self)
        if not end.first.called:
            end.first.callback(self)

    def cut(self) -> None:
        """Break the connection."""
        transport: Any = self.transport
        transport.abortConnection()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Echo."""
        self.sendMessage(payload, isBinary)

    def onPing(self, payload: bytes) -> None:
        """Answer, or pretend not to hear."""
        self.factory.end.pings += 1
        if self.factory.end.answers_pings:
            self.sendPong(payload)

    def onCloseFrame(self, code: Any, reasonRaw: Any) -> Any:
        """Answer, or pretend not to hear."""
        if self.factory.end.answers_close:
            return super().onCloseFrame(code, reasonRaw)
        return None

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Note how it ended."""
        if hasattr(self, "closing"):
            self.closing.callback((code, reason))


class _FarSockets(WebSocketServerFactory):
    noisy = False

    def __init__(self, end: "FarEnd") -> None:
        super().__init__(reactor=reactor)
        self.end = end
        self.protocol = FarSocket
        self.setProtocolOptions(
            openHandshakeTimeout=0, closeHandshakeTimeout=0, failByDrop=False, tcpNoDelay=True
        )


class Raw(Protocol):
    """The other end of a TCP connection: says what it was told to, keeps what it hears."""

    factory: "_RawEnds"
    transport: Any

    def connectionMade(self) -> None:
        """Say it."""
        self.heard = b""
        self.lost: Deferred[None] = Deferred()
        end = self.factory.end
        end.raw.append(self)
        if not end.first.called:
            end.first.callback(self)
        if end.says:
            self.transport.write(end.says)

    def dataReceived(self, data: bytes) -> None:
        """Echo, unless something else was to be said."""
        self.heard += data
        if not self.factory.end.says and not self.factory.end.silent:
            self.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Gone."""
        self.lost.callback(None)


class _RawEnds(Factory):
    noisy = False
    protocol: Any = Raw

    def __init__(self, end: "FarEnd") -> None:
        self.end = end


class FarEnd:
    """One server.

    :ivar asked: the upgrade requests that came.
    :ivar first: fires with the first connection that is up.
    :ivar says: bytes that a TCP server sends at once; it echoes if there are none.
    """

    def __init__(self, tls: Any = None, websocket: bool = True) -> None:
        self.asked: list[ConnectionRequest] = []
        self.links: list[FarSocket] = []
        self.raw: list[Raw] = []
        self.first: Deferred[Any] = Deferred()
        self.refusal = 0
        self.pings = 0
        self.answers_pings = True
        self.answers_close = True
        self.says = b""
        self.silent = False
        self._scheme = "ws" if tls is None else "wss"
        factory: Factory = _FarSockets(self) if websocket else _RawEnds(self)
        if tls is None:
            self._port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        else:
            self._port = reactor.listenSSL(0, factory, tls, interface="127.0.0.1")

    @property
    def port(self) -> int:
        """Where it listens."""
        number: int = self._port.getHost().port
        return number

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """Stop listening; cut what is left."""
        await maybeDeferred(self._port.stopListening)
        for link in self.links:
            if not link.closing.called:  # Over TLS a second end would raise.
                link.cut()
        for raw in self.raw:
            if not raw.lost.called:
                raw.transport.abortConnection()
        for link in self.links:
            await link.closing
        for raw in self.raw:
            await raw.lost
