"""Bare echo servers, one Autobahn and one plain TCP: what no gateway on this stack can go below."""

from __future__ import annotations

import sys
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor
from twisted.internet.protocol import Protocol, ServerFactory


class WebSocketEcho(WebSocketServerProtocol):
    """Send every message back."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Echo one message."""
        self.sendMessage(payload, isBinary)


class TCPEcho(Protocol):
    """Send every byte back."""

    def dataReceived(self, data: bytes) -> None:
        """Echo what came."""
        assert self.transport is not None
        self.transport.write(data)


def websocket_factory() -> WebSocketServerFactory:
    """Make the factory of the Autobahn echo."""
    factory = WebSocketServerFactory()
    factory.protocol = WebSocketEcho
    factory.setProtocolOptions(tcpNoDelay=True)
    return factory


def tcp_factory() -> ServerFactory[TCPEcho]:
    """Make the factory of the plain echo."""
    factory: ServerFactory[TCPEcho] = ServerFactory()
    factory.protocol = TCPEcho
    return factory


def main(kind: str, port: int) -> None:
    """Serve echoes on a loopback port until killed."""
    factory: ServerFactory[Any] = websocket_factory() if kind == "websocket" else tcp_factory()
    reactor.listenTCP(port, factory, interface="127.0.0.1")
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
