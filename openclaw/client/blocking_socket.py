"""A WebSocket for a command that ends in a moment: one blocking socket and no event loop.

Loading Twisted and Autobahn takes three times as long as asking the gateway a question does.
Whatever lives longer than a command uses :class:`openclaw.client.gateway.GatewayClient`.
"""

import os
import socket
from base64 import b64encode
from collections.abc import Collection
from hashlib import sha1
from struct import pack, unpack
from time import monotonic

from openclaw.client.address import GatewayAddress, check_plaintext
from openclaw.client.errors import ConnectionLost, GatewayUnreachable, NoAnswer
from openclaw.protocol.connect import MAX_PAYLOAD_BYTES

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_LONGEST_HEAD = 16_384
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Deadline:
    """A moment by which something has to be done.

    :ivar seconds: how long it was away at first; ``None`` for never.
    """

    def __init__(self, what: str, seconds: float | None) -> None:
        self._what = what
        self._at = None if seconds is None else monotonic() + seconds
        self.seconds = seconds

    def left(self) -> float | None:
        """Seconds until then, for a socket's time-out.

        :raises NoAnswer: it has passed.
        """
        if self._at is None:
            return None
        left = self._at - monotonic()
        if left <= 0:
            raise self.missed()
        return left

    def missed(self) -> NoAnswer:
        """What to raise when it has passed."""
        return NoAnswer(self._what, self.seconds or 0.0)


class BlockingSocket:
    """An open WebSocket; every call waits, but not beyond its deadline."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._message = bytearray()

    def send(self, text: bytes) -> None:
        """Send one text message."""
        self._send_frame(_TEXT, text)

    def read(self, deadline: Deadline) -> bytes:
        """Wait for one message; pings are answered on the way.

        :raises ConnectionLost: the gateway closed, or broke the rules of WebSockets.
        :raises NoAnswer: nothing came in time.
        """
        while True:
            final, opcode, payload = self._read_frame(deadline)
            if opcode == _CLOSE:
                raise self._closed(payload)
            if opcode == _PING:
                self._send_frame(_PONG, payload)
            elif opcode in (_CONTINUATION, _TEXT, _BINARY):
                self._message += payload
                if len(self._message) > MAX_PAYLOAD_BYTES:
                    raise ConnectionLost(1009, "the gateway's message is too long")
                if final:
                    message, self._message = self._message, bytearray()
                    return bytes(message)

    def close(self) -> None:
        """Say goodbye and hang up; a peer that is gone already is no error."""
        try:
            self._send_frame(_CLOSE, pack("!H", 1000))
        except ConnectionLost:
            return
        finally:
            self._stream.close()

    def upgrade(self, address: GatewayAddress, deadline: Deadline) -> None:
        """Turn the fresh TCP connection into a WebSocket.

        :raises GatewayUnreachable: the peer speaks something else, or does not want to.
        """
        key = b64encode(os.urandom(16))
        host = f"[{address.host}]" if ":" in address.host else address.host
        self._write(
            b"GET %b HTTP/1.1\r\nHost: %b:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: %b\r\nSec-WebSocket-Version: 13\r\n\r\n"
            % (address.path.encode(), host.encode("idna"), address.port, key)
        )
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _LONGEST_HEAD:
                raise GatewayUnreachable(address.url, "it is not a WebSocket")
            self._fill(deadline)
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
        problem = _refusal(head, accept)
        if problem:
            raise GatewayUnreachable(address.url, problem)

    def _read_frame(self, deadline: Deadline) -> tuple[bool, int, bytes]:
        # Nothing leaves the buffer before the frame is whole: a deadline may pass at any byte.
        self._need(2, deadline)
        first, second = self._buffer[:2]
        if first & 0x70 or second & 0x80:
            raise ConnectionLost(1002, "the gateway broke the WebSocket rules")
        start, length = 2, second & 0x7F
        if length > 125:
            start = 4 if length == 126 else 10
            self._need(start, deadline)
            length = int.from_bytes(self._buffer[2:start])
        if length > MAX_PAYLOAD_BYTES:
            raise ConnectionLost(1009, "the gateway's message is too long")
        self._need(start + length, deadline)
        payload = bytes(self._buffer[start : start + length])
        del self._buffer[: start + length]
        return bool(first & 0x80), first & 0x0F, payload

    def _need(self, count: int, deadline: Deadline) -> None:
        while len(self._buffer) < count:
            self._fill(deadline)

    def _fill(self, deadline: Deadline) -> None:
        self._stream.settimeout(deadline.left())
        try:
            data = self._stream.recv(65_536)
        except TimeoutError:
            raise deadline.missed() from None
        except OSError as error:
            raise ConnectionLost(1006, error.strerror or str(error)) from None
        if not data:
            raise ConnectionLost(1006, "the connection was cut")
        self._buffer += data

    def _send_frame(self, opcode: int, payload: bytes) -> None:
        mask = os.urandom(4)
        size = len(payload)
        if size < 126:
            head = pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 65_536:
            head = pack("!BBH", 0x80 | opcode, 0xFE, size)
        else:
            head = pack("!BBQ", 0x80 | opcode, 0xFF, size)
        self._write(head + mask + _masked(payload, mask))

    def _write(self, data: bytes) -> None:
        try:
            self._stream.sendall(data)
        except OSError as error:
            raise ConnectionLost(1006, error.strerror or str(error)) from None

    def _closed(self, payload: bytes) -> ConnectionLost:
        code = unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
        self.close()
        return ConnectionLost(code, payload[2:].decode(errors="replace"))


def open_socket(
    address: GatewayAddress,
    deadline: Deadline,
    *,
    pins: Collection[str] = (),
    allow_plaintext_lan: bool = False,
) -> BlockingSocket:
    """Connect; nothing is sent before the peer's address, or its certificate, was checked.

    :param pins: fingerprints of the certificates that a ``wss://`` gateway may show.
    :raises GatewayUnreachable: there is no WebSocket to be had.
    :raises UntrustedCertificate: there is TLS, but with somebody else.
    :raises UnsafeAddress: there is one, where nothing may be sent in the clear.
    :raises NoAnswer: it took too long.
    """
    stream = _connected(address, deadline)
    if address.secure:
        # Imported late: most connections are plain ones to this machine.
        from openclaw.client.blocking_tls import encrypt

        stream = encrypt(stream, address, pins, deadline)
    try:
        if not address.secure:
            check_plaintext(stream.getpeername()[0], allow_plaintext_lan)
        opened = BlockingSocket(stream)
        opened.upgrade(address, deadline)
    except ConnectionLost as lost:
        stream.close()
        raise GatewayUnreachable(address.url, lost.reason) from None
    except BaseException:
        stream.close()
        raise
    return opened


def _connected(address: GatewayAddress, deadline: Deadline) -> socket.socket:
    try:
        return socket.create_connection((address.host, address.port), deadline.left())
    except ConnectionRefusedError:
        raise GatewayUnreachable(address.url, "connection refused", nobody_listens=True) from None
    except socket.gaierror:
        raise GatewayUnreachable(address.url, f"unknown host {address.host}") from None
    except TimeoutError:
        raise deadline.missed() from None
    except OSError as error:
        raise GatewayUnreachable(address.url, error.strerror or str(error)) from None


def _refusal(head: bytes, accept: bytes) -> str:
    """What is wrong with an answer to an upgrade; empty if nothing is."""
    status, *lines = head.split(b"\r\n")
    parts = status.decode("latin-1").split(" ", 2)
    if not parts[0].startswith("HTTP/") or len(parts) < 2:
        return "it is not a WebSocket"
    if parts[1] != "101":
        return f"it answered HTTP {' '.join(parts[1:])}"
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in lines)
    }
    return "" if headers.get(b"sec-websocket-accept") == accept else "it is not a WebSocket"


def _masked(payload: bytes, mask: bytes) -> bytes:
    """XOR in one go: as numbers of the whole length, not byte by byte."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)
