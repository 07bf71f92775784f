"""A WebSocket client made of a plain socket, so that every frame, ping and close code is seen.

It shares no code with the gateway on purpose: what is wrong on both sides would look right.
"""

import base64
import json
import os
import socket
import struct
import time
from types import TracebackType
from typing import Any

import attrs

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

Frame = dict[str, Any]


class UpgradeRefused(Exception):
    """The gateway answered the upgrade with something else than 101."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


@attrs.frozen
class Closed:
    """How the gateway ended the connection; 1006 means without a close frame."""

    code: int
    reason: str


class RawSocket:
    """One connection. Pings are answered and noted in :attr:`pings`."""

    def __init__(
        self,
        port: int,
        *,
        headers: dict[str, str] | None = None,
        path: str = "/",
    ) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self.pings: list[float] = []
        self.closed: Closed | None = None
        self.upgrade_headers = self._upgrade(port, path, headers or {})

    def __enter__(self) -> "RawSocket":
        """Give the connection."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop the connection without ceremony."""
        self._socket.close()

    def _upgrade(self, port: int, path: str, headers: dict[str, str]) -> dict[str, str]:
        fields = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
            **headers,
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self._buffer:
            self._more(20)
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status, *rest = head.decode("latin-1").split("\r\n")
        answer = dict(line.split(": ", 1) for line in rest)
        answer = {name.lower(): value for name, value in answer.items()}
        if status.split()[1] != "101":
            raise UpgradeRefused(int(status.split()[1]), self._body(answer))
        return answer

    def _body(self, headers: dict[str, str]) -> str:
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            self._more(20)
        return self._buffer[:length].decode()

    def _more(self, seconds: float) -> None:
        self._socket.settimeout(max(seconds, 0.001))
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the gateway closed the connection")
        self._buffer += data

    def send_frame(self, opcode: int, payload: bytes, *, final: bool = True) -> None:
        """Send one masked frame."""
        first = opcode | (0x80 if final else 0)
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", first, 0x80 | size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", first, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", first, 0x80 | 127, size)
        mask = os.urandom(4)
        repeated = mask * (size // 4 + 1)
        number = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[:size], "big")
        self._socket.sendall(head + mask + number.to_bytes(size, "big"))

    def send(self, value: object) -> None:
        """Send a value as JSON text; a string is sent as it is."""
        text = value if isinstance(value, str) else json.dumps(value)
        self.send_frame(TEXT, text.encode())

    def receive(self, seconds: float = 60) -> Frame | None:
        """The next text frame as JSON.

        :return: None when the time is over or the gateway closed (see :attr:`closed`).
        """
        deadline = time.monotonic() + seconds
        while self.closed is None:
            try:
                opcode, payload = self._frame(deadline)
            except TimeoutError:
                return None
            except (ConnectionError, OSError):
                self.closed = Closed(1006, "")
                return None
            if opcode == TEXT:
                value: Frame = json.loads(payload)
                return value
            self._control(opcode, payload)
        return None

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.pings.append(time.monotonic())
            self.send_frame(PONG, payload)
        elif opcode == CLOSE:
            code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
            self.closed = Closed(code, payload[2:].decode())

    def _frame(self, deadline: float) -> tuple[int, bytes]:
        head = self._exactly(2, deadline)
        if head[0] & 0x70:
            raise AssertionError(f"reserved bits are set: {head!r}")
        size = head[1] & 0x7F
        offset = {126: 2, 127: 8}.get(size, 0)
        if offset:
            head = self._exactly(2 + offset, deadline)
            size = int.from_bytes(head[2:], "big")
        whole = self._exactly(2 + offset + size, deadline)
        self._buffer = self._buffer[len(whole) :]
        return head[0] & 0x0F, whole[2 + offset :]

    def _exactly(self, size: int, deadline: float) -> bytes:
        """The first ``size`` bytes of the buffer, left in it: a timeout loses nothing."""
        while len(self._buffer) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._more(left)
        return self._buffer[:size]

    def until(self, wanted: Any, seconds: float = 60) -> Frame:
        """The next frame for which ``wanted(frame)`` is true; others are passed over.

        :raises AssertionError: closed or nothing such in time.
        """
        deadline = time.monotonic() + seconds
        passed = []
        while (frame := self.receive(deadline - time.monotonic())) is not None:
            if wanted(frame):
                return frame
            passed.append(frame)
        raise AssertionError(f"not received; closed: {self.closed}; passed over: {passed}"[:2000])

    def response(self, request_id: Any, seconds: float = 60) -> Frame:
        """The response to one request."""
        return self.until(lambda f: f.get("type") == "res" and f.get("id") == request_id, seconds)

    def until_closed(self, seconds: float = 60) -> Closed:
        """Read on until the gateway closes."""
        deadline = time.monotonic() + seconds
        while self.closed is None and time.monotonic() < deadline:
            self.receive(deadline - time.monotonic())
        if self.closed is None:
            raise AssertionError(f"still open after {seconds} s")
        return self.closed
