"""A client behind a proxy: HTTPS and WebSockets from an address and with headers of its choice."""

import json
import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from attrs import field, frozen

from openclaw.client.address import GatewayAddress
from openclaw.client.blocking_socket import BlockingSocket, Deadline
from openclaw.client.identity import DeviceIdentity
from openclaw.client.settings import Credentials, Introduction, command_line_client
from openclaw.protocol.base import to_plain
from openclaw.protocol.connect import Challenge

NAME = "gateway.example.com"
# Every address of 127.0.0.0/8 is this host's, so a client can have one that no proxy has.
CLIENT = "127.0.0.2"
SCOPES = ("operator.read",)


class _Client(BlockingSocket):
    """A WebSocket that begins with some headers more."""

    def __init__(self, stream: socket.socket, headers: Mapping[str, str]) -> None:
        super().__init__(stream)
        self._more = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()

    def _write(self, data: bytes) -> None:
        more, self._more = self._more, b""
        super()._write(data[:-2] + more + data[-2:] if more else data)


@frozen
class Outside:
    """Somebody on the far side of a proxy.

    :ivar port: the proxy's port.
    :ivar authority: the certificate of the proxy (PEM).
    """

    port: int
    authority: Path
    address: str = CLIENT
    key: DeviceIdentity = field(factory=DeviceIdentity)

    @property
    def origin(self) -> str:
        """The origin of pages that are served there."""
        return f"https://{NAME}:{self.port}"

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Ask for a page; blocking.

        :return: status and body.
        """
        fields = {"Host": f"{NAME}:{self.port}", "Connection": "close", **(headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        with self._stream() as stream:
            stream.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
            answer = HTTPResponse(stream)
            answer.begin()
            return answer.status, answer.read().decode()

    def connect(
        self, token: str, headers: Mapping[str, str] | None = None, client_id: str = "cli"
    ) -> dict[str, Any]:
        """Open a WebSocket and introduce ourselves; blocking.

        :return: the answer to ``connect``.
        """
        deadline = Deadline("the handshake", 10)
        opened = _Client(self._stream(), headers or {})
        try:
            opened.upgrade(GatewayAddress(NAME, self.port, secure=True), deadline)
            challenge = json.loads(opened.read(deadline))["payload"]
            opened.send(self._introduction(challenge, token, client_id))
            while (frame := json.loads(opened.read(deadline))).get("type") != "res":
                continue
        finally:
            opened.close()
        found: dict[str, Any] = frame
        return found

    def _introduction(self, challenge: dict[str, Any], token: str, client_id: Any) -> bytes:
        mode: Any = "webchat" if "ui" in client_id else "cli"
        client = command_line_client(client_id, mode)
        asked = Introduction(client, Credentials(token), scopes=SCOPES)
        proof = self.key.prove(
            Challenge(nonce=challenge["nonce"], ts=challenge["ts"]),
            client,
            asked.role,
            list(SCOPES),
            token,
        )
        params = to_plain(asked.params(proof))
        frame = {"type": "req", "id": "1", "method": "connect", "params": params}
        return json.dumps(frame).encode()

    def _stream(self) -> ssl.SSLSocket:
        plain = socket.create_connection(
            ("127.0.0.1", self.port), 10, source_address=(self.address, 0)
        )
        return ssl.create_default_context(cafile=str(self.authority)).wrap_socket(
            plain, server_hostname=NAME
        )
