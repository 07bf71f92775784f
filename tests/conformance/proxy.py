"""A reverse proxy beside the tests: clients behind it are, to the gateway, on another machine."""

import socket
import threading
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any


class Proxy:
    """Passes connections on to a gateway and says where they come from, as a real proxy does.

    It adds ``X-Forwarded-For`` to the first request of each connection and copies bytes after.
    """

    def __init__(self, gateway_port: int, client: str = "10.1.2.3") -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.gateway_port = gateway_port
        self._server.client = client
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def ws(self) -> str:
        """The address that clients dial."""
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End, with every connection."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    gateway_port = 0
    client = ""


class _Handler(BaseRequestHandler):
    """One connection."""

    request: socket.socket
    server: Any

    def handle(self) -> None:
        """Pass on the head with one more header, then everything else as it is."""
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.request.recv(65_536)
            if not data:
                return
            head += data
        first, _, rest = head.partition(b"\r\n")
        told = f"X-Forwarded-For: {self.server.client}".encode()
        with socket.create_connection(("127.0.0.1", self.server.gateway_port)) as gateway:
            gateway.sendall(b"\r\n".join((first, told, rest)))
            back = threading.Thread(target=_copy, args=(gateway, self.request), daemon=True)
            back.start()
            _copy(self.request, gateway)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # One side is gone; the other hears of it by the closing socket.
