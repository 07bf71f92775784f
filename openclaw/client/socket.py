"""The client's WebSocket: Autobahn on one side, a link on the other; it only translates."""

from contextlib import suppress
from typing import Any

from autobahn.exception import Disconnected
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.util import encode_truncate
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from openclaw.client.address import GatewayAddress, check_plaintext
from openclaw.client.errors import ConnectionLost, UnsafeAddress
from openclaw.client.link import Link, Listener
from openclaw.protocol.connect import MAX_PAYLOAD_BYTES

CLOSE_SECONDS = 2.0


class ClientSocket(WebSocketClientProtocol):
    """One WebSocket to a gateway.

    :ivar opened: fires with the link once frames can be sent; fails with
        :class:`ConnectionLost`, or :class:`UnsafeAddress` before anything was sent.
    """

    factory: "SocketFactory"
    transport: Any

    def __init__(self) -> None:
        super().__init__()
        self.opened: Deferred[Link] = Deferred(lambda _: self.transport.abortConnection())
        self._link: Link | None = None
        self._refused = False
        self._dropping: IDelayedCall | None = None
        self._why = ""

    def connectionMade(self) -> None:
        """Look at whom we really reached: a name may resolve to anything."""
        try:
            self.factory.check_peer(self.transport.getPeer().host)
        except UnsafeAddress as error:
            self._refused = True
            self.transport.abortConnection()
            self.opened.errback(error)
        else:
            super().connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Keep the transport's words; Autobahn forgets why TLS failed."""
        if self._refused:
            return  # Autobahn never heard of this connection.
        if not reason.check(ConnectionDone):
            self._why = reason.getErrorMessage()
        super().connectionLost(reason)

    def onOpen(self) -> None:
        """Frames can be sent."""
        if self.opened.called:
            return  # Whoever asked for it gave up a moment ago; it is being aborted.
        self._link = Link(self, self.factory.reactor, self.factory.listener)
        self.opened.callback(self._link)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Hand one frame on."""
        if self._link is not None:
            self._link.received(payload)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Tell whoever waits."""
        if self._dropping is not None and self._dropping.active():
            self._dropping.cancel()
        words = (reason or "") if wasClean else (self._why or reason or "")
        if self._link is not None:
            self._link.lost(code or 1006, words)
        elif not self.opened.called:
            self.opened.errback(ConnectionLost(code or 1006, words))

    def send(self, text: bytes) -> None:
        """Send one text message; on a closing socket it is lost, as the connection soon is."""
        with suppress(Disconnected):
            self.sendMessage(text)

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake; a peer that does not join in is dropped."""
        # sendClose() takes only 1000 and 3000-4999.
        self.sendCloseFrame(code, encode_truncate(reason, 123))
        if self._dropping is None:
            self._dropping = self.factory.reactor.callLater(
                CLOSE_SECONDS, self.transport.abortConnection
            )


class SocketFactory(WebSocketClientFactory):
    """Makes the sockets of one client."""

    protocol: Any = ClientSocket

    def __init__(
        self,
        address: GatewayAddress,
        listener: Listener,
        reactor: IReactorTime,
        allow_plaintext_lan: bool = False,
    ) -> None:
        super().__init__(address.url, reactor=reactor)
        self.listener = listener
        self._address = address
        self._allow_plaintext_lan = allow_plaintext_lan
        self.setProtocolOptions(
            maxMessagePayloadSize=MAX_PAYLOAD_BYTES,
            # Autobahn's timers are coarse and outlive their connection; ours do neither.
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            serverConnectionDropTimeout=0,
            failByDrop=False,
            tcpNoDelay=True,
        )

    def check_peer(self, host: str) -> None:
        """Whether this peer may see credentials.

        :param host: the literal address the socket is connected to.
        :raises UnsafeAddress: it may not.
        """
        if not self._address.secure:
            check_plaintext(host, self._allow_plaintext_lan)
