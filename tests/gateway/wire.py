"""WebSocket frames by hand, as a client writes and reads them; shares no code with the gateway."""

import base64
import hashlib
import json
import struct
from collections.abc import Iterator
from typing import Any

from attrs import frozen

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x37\xfa\x21\x3d"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    form: int | None = None,
) -> bytes:
    """One frame.

    :param mask: ``None`` sends it unmasked, which a client must not.
    :param form: length field to use, 0, 16 or 64 bits; the shortest if left out.
    """
    size = len(payload)
    if form is None:
        form = 0 if size < 126 else 16 if size < 65_536 else 64
    masked = 0x80 if mask is not None else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if form == 0:
        head += bytes([masked | size])
    else:
        head += struct.pack(
            "!BH" if form == 16 else "!BQ", masked | (126 if form == 16 else 127), size
        )
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def request(request_id: str, method: str = "last-heartbeat", size: int | None = None) -> bytes:
    """The text of one request; ``size`` pads it with blanks to that many bytes."""
    text = json.dumps({"type": "req", "id": request_id, "method": method}, ensure_ascii=False)
    raw = text.encode()
    return raw if size is None else raw + b" " * (size - len(raw))


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """A close frame; without a code its payload is empty."""
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


@frozen
class Seen:
    """One frame of the gateway."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int | None:
        """The code of a close frame; 1005 if it has none."""
        if self.opcode != CLOSE:
            return None
        return struct.unpack("!H", self.payload[:2])[0] if len(self.payload) >= 2 else 1005

    @property
    def reason(self) -> str:
        """The reason of a close frame."""
        return self.payload[2:].decode()

    def json(self) -> Any:
        """The content of a text frame."""
        return json.loads(self.payload)


def frames(data: bytes) -> Iterator[Seen]:
    """Read what the gateway wrote; every frame of a server is whole, plain and unmasked.

    :raises ValueError: a frame that no server may send, or bytes after the close frame.
    """
    at, closed = 0, False
    while at < len(data):
        if closed:
            raise ValueError(f"bytes after the close frame: {data[at : at + 80]!r}")
        first, second = data[at], data[at + 1]
        if not first & 0x80 or first & 0x70 or second & 0x80:
            raise ValueError(f"not a plain frame of a server: {data[at : at + 2]!r}")
        at += 2
        size = second
        if second >= 126:
            width = 2 if second == 126 else 8
            size = int.from_bytes(data[at : at + width], "big")
            at += width
        if at + size > len(data):
            raise ValueError("the last frame is not whole")
        yield Seen(first & 0x0F, data[at : at + size])
        closed = first & 0x0F == CLOSE
        at += size


def upgrade(headers: dict[str, str] | None = None) -> bytes:
    """The head of a request to become a WebSocket."""
    fields = {
        "Host": "127.0.0.1:18789",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        **(headers or {}),
    }
    lines = ["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def accepted(head: bytes) -> bool:
    """Whether a response head accepts the upgrade with the right proof."""
    proof = hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    status = head.split(b"\r\n", 1)[0]
    return b" 101 " in status and base64.b64encode(proof) in head
