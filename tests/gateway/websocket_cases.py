"""WebSocket conformance as data: what a client sends after its hello, and what it must see.

The groups are those of the public Autobahn|Testsuite (1 framing, 2 pings, 3 reserved bits,
4 opcodes, 5 fragments, 6 UTF-8, 7 closing, 9 sizes, 10 cuts). The gateway is no echo: a message
is seen by the answer to the request in it, which repeats the request's ``id``.
"""

from collections.abc import Iterable

from attrs import frozen

from tests.gateway.wire import (
    BINARY,
    CLOSE,
    CONTINUED,
    MASK,
    PING,
    PONG,
    TEXT,
    close,
    frame,
    request,
)


@frozen
class Case:
    """One script.

    :ivar segments: what is sent, one TCP segment after the other.
    :ivar expect: what comes back: ``res <id>``, ``refused <id>``, ``pong <payload in hex>`` and at
        last ``close <code>``; nothing at the end means that the socket stays open.
    """

    name: str
    segments: tuple[bytes, ...]
    expect: tuple[str, ...]


def _text(request_id: str, size: int | None = None, **how: object) -> bytes:
    return frame(TEXT, request(request_id, size=size), **how)  # type: ignore[arg-type]


def _one(name: str, data: bytes | Iterable[bytes], *expect: str) -> Case:
    return Case(name, (data,) if isinstance(data, bytes) else tuple(data), expect)


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


_R = request("a")
_HALF = len(_R) // 2
_ALIVE = _text("alive")
_VIOLATION, _BAD_TEXT, _TOO_BIG = "close 1002", "close 1007", "close 1009"

_FRAMING = [
    *(
        _one(f"1.1 text of {size}", _text("a", size), "res a")
        for size in (64, 125, 126, 127, 128, 65_535, 65_536)
    ),
    *(
        _one(f"1.2 binary of {size}", frame(BINARY, request("a", size=size)), "res a")
        for size in (64, 125, 126, 127, 128, 65_535, 65_536)
    ),
    _one("1.1 empty text is ignored", frame(TEXT) + _ALIVE, "res alive"),
    _one("1.2 empty binary is ignored", frame(BINARY) + _ALIVE, "res alive"),
    _one("1 text that is not JSON is ignored", frame(TEXT, b"hello") + _ALIVE, "res alive"),
    _one("1 binary that is not JSON is ignored", frame(BINARY, b"\xfe\xff") + _ALIVE, "res alive"),
    _one("1 an object that is no request", frame(TEXT, b'{"id":"x"}'), "refused x"),
    _one("1 an array", frame(TEXT, b"[1]") + _ALIVE, "refused invalid", "res alive"),
    _one("1 cut off JSON", frame(TEXT, b'{"type":"foo","id":"x"') + _ALIVE, "res alive"),
    _one(
        "1 JSON too deep to read",
        frame(TEXT, b'{"type":"req","id":"x","method":"health","params":' + b"[" * 9000) + _ALIVE,
        "refused invalid",
        "res alive",
    ),
    _one("1 unmasked text", _text("a", mask=None), _VIOLATION),
    _one("1 unmasked ping", frame(PING, b"x", mask=None), _VIOLATION),
    _one("1 a mask of zeros", _text("a", mask=b"\0\0\0\0"), "res a"),
    _one("1 a mask of ones", _text("a", mask=b"\xff\xff\xff\xff"), "res a"),
    _one("1 16 bits where none are needed", _text("a", 100, form=16), _VIOLATION),
    _one("1 64 bits where none are needed", _text("a", 100, form=64), _VIOLATION),
    _one("1 64 bits where 16 would do", _text("a", 126, form=64), _VIOLATION),
    _one("1 64 bits where 16 would just do", _text("a", 65_535, form=64), _VIOLATION),
    _one("1 an answer, then a violation", _text("a") + frame(3), "res a", _VIOLATION),
    _one("1 a length with the highest bit", b"\x81\xff" + b"\x80" + b"\0" * 7 + MASK, _VIOLATION),
]

_PINGS = [
    _one("2.1 empty ping", frame(PING), "pong "),
    _one("2.2 ping with text", frame(PING, b"Hello"), "pong 48656c6c6f"),
    _one("2.3 ping with bytes", frame(PING, b"\0\xff\xfe\xfd"), "pong 00fffefd"),
    _one("2.4 ping of 125", frame(PING, b"\xfe" * 125), "pong " + "fe" * 125),
    _one("2.5 ping of 126", frame(PING, b"\xfe" * 126), _VIOLATION),
    _one("2.6 ping in single bytes", _pieces(frame(PING, b"\xfe" * 125), 1), "pong " + "fe" * 125),
    _one("2.7 pong nobody asked for", frame(PONG) + _ALIVE, "res alive"),
    _one("2.8 pong with payload", frame(PONG, b"unsolicited") + _ALIVE, "res alive"),
    _one("2.9 pong, then ping", frame(PONG, b"x") + frame(PING, b"y"), "pong 79"),
    _one(
        "2.10 ten pings",
        [frame(PING, b"%d" % at) for at in range(10)],
        *(f"pong 3{at}" for at in range(10)),
    ),
    _one(
        "2.11 ten pings in single bytes",
        _pieces(b"".join(frame(PING, b"%d" % at) for at in range(10)), 1),
        *(f"pong 3{at}" for at in range(10)),
    ),
    _one("2 pong of 126", frame(PONG, b"x" * 126), _VIOLATION),
]

_RESERVED = [
    *(
        _one(f"3 text with reserved bits {bits}", _text("a", rsv=bits), _VIOLATION)
        for bits in range(1, 8)
    ),
    *(
        _one(f"3 long text with reserved bits {bits}", _text("a", 200, rsv=bits), _VIOLATION)
        for bits in range(1, 8)
    ),
    _one("3 binary with reserved bits", frame(BINARY, _R, rsv=4), _VIOLATION),
    _one("3 ping with reserved bits", frame(PING, b"x", rsv=5), _VIOLATION),
    _one("3 close with reserved bits", frame(CLOSE, rsv=7), _VIOLATION),
    _one("3 good, then reserved bits", _text("a") + _text("b", rsv=2), "res a", _VIOLATION),
    _one(
        "3 good, then reserved bits, then a ping in one segment",
        _text("a") + _text("b", rsv=2) + frame(PING),
        "res a",
        _VIOLATION,
    ),
]

_OPCODES = [
    *(
        _one(f"4 opcode {opcode} with payload {payload!r}", frame(opcode, payload), _VIOLATION)
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
        for payload in (b"", b"x")
    ),
    *(
        _one(
            f"4 good, then opcode {opcode}, then a ping",
            _text("a") + frame(opcode, b"x") + frame(PING),
            "res a",
            _VIOLATION,
        )
        for opcode in (3, 7, 11, 15)
    ),
]


def _split(*, between: bytes = b"", opcode: int = TEXT) -> bytes:
    """One request in two fragments."""
    head = frame(opcode, _R[:_HALF], fin=False)
    return head + between + frame(CONTINUED, _R[_HALF:])


_FRAGMENTS = [
    _one(
        "5.1 ping in two fragments",
        frame(PING, b"x", fin=False) + frame(CONTINUED, b"y"),
        _VIOLATION,
    ),
    _one(
        "5.2 pong in two fragments",
        frame(PONG, b"x", fin=False) + frame(CONTINUED, b"y"),
        _VIOLATION,
    ),
    _one("5.3 text in two fragments", _split(), "res a"),
    _one("5.4 the same, two segments", _pieces(_split(), len(_split()) // 2), "res a"),
    _one("5.5 the same, single bytes", _pieces(_split(), 1), "res a"),
    _one("5.6 a ping between", _split(between=frame(PING, b"x")), "pong 78", "res a"),
    _one(
        "5.7 the same, two segments",
        _pieces(_split(between=frame(PING, b"x")), 40),
        "pong 78",
        "res a",
    ),
    _one(
        "5.8 the same, single bytes",
        _pieces(_split(between=frame(PING, b"x")), 1),
        "pong 78",
        "res a",
    ),
    _one("5 binary in two fragments", _split(opcode=BINARY), "res a"),
    _one("5 a pong between", _split(between=frame(PONG, b"x")), "res a"),
    _one("5 a close between", _split(between=close(1000)), "close 1000"),
    _one("5.9 continuation of nothing, final", frame(CONTINUED, _R) + _ALIVE, _VIOLATION),
    _one("5.10 the same, two segments", [frame(CONTINUED, _R), _ALIVE], _VIOLATION),
    _one("5.12 continuation of nothing", frame(CONTINUED, _R, fin=False) + _ALIVE, _VIOLATION),
    _one("5.15 continuation after the end", _split() + frame(CONTINUED, b"x"), "res a", _VIOLATION),
    _one("5.16 text inside a fragmented text", frame(TEXT, b"{", fin=False) + _ALIVE, _VIOLATION),
    _one("5.17 the same, two segments", [frame(TEXT, b"{", fin=False), _ALIVE], _VIOLATION),
    _one(
        "5.18 two beginnings", frame(TEXT, b"{", fin=False) + frame(TEXT, _R, fin=False), _VIOLATION
    ),
    _one(
        "5.19 five fragments, pings between",
        b"".join(
            [
                frame(TEXT, _R[:9], fin=False),
                frame(CONTINUED, _R[9:20], fin=False),
                frame(PING, b"1"),
                frame(CONTINUED, _R[20:30], fin=False),
                frame(CONTINUED, b"", fin=False),
                frame(PING, b"2"),
                frame(CONTINUED, _R[30:]),
            ]
        ),
        "pong 31",
        "pong 32",
        "res a",
    ),
    _one("5 first fragment empty", frame(TEXT, fin=False) + frame(CONTINUED, _R), "res a"),
    _one("5 last fragment empty", frame(TEXT, _R, fin=False) + frame(CONTINUED), "res a"),
    _one("5 all fragments empty", frame(TEXT, fin=False) + frame(CONTINUED) + _ALIVE, "res alive"),
    _one(
        "5 an ordinary message before, between and after fragmented ones",
        _text("a") + _split() + _text("b") + _split() + _text("c"),
        *("res a", "res a", "res b", "res a", "res c"),
    ),
    _one(
        "5 fragments of one byte",
        frame(TEXT, _R[:1], fin=False)
        + b"".join(frame(CONTINUED, _R[at : at + 1], fin=False) for at in range(1, len(_R)))
        + frame(CONTINUED),
        "res a",
    ),
]

VALID_TEXTS = (
    "Hello-µ@ßöäüàá-UTF-8!!",
    "\u03ba\u1f79\u03c3\u03bc\u03b5",
    "\u0001\u007f".replace("\u0001", " "),
    "\u0080\u07ff",
    "\u0800\uffff",
    "\U00010000\U0010ffff",
    "\ud7ff\ue000\ufffd",
    "\ufffe\uffff\U0001fffe\U0010fffe",
    "\u202e\u2028\u2029\u200d",
    "你好 🦞 e\u0301",
)
INVALID_TEXTS = (
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\x80",
    b"\xbf",
    b"\x80\xbf\x80",
    b"\xc0 \xc1 ",
    b"\xe0 \xe1 ",
    b"\xf0 \xf7 ",
    b"\xc3",
    b"\xe2\x82",
    b"\xf0\x9f\xa6",
    b"\xfe",
    b"\xff",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xc1\xbf",
    b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80",
)


def _with_id(raw: bytes) -> bytes:
    """A request with raw bytes in its id."""
    return b'{"type":"req","id":"%b","method":"last-heartbeat"}' % raw


def _utf8() -> Iterable[Case]:
    for text in VALID_TEXTS:
        raw = _with_id(text.encode())
        whole, seen = frame(TEXT, raw), f"res {text}"
        yield _one(f"6 valid {text!a}", whole, seen)
        yield _one(f"6 valid {text!a} in single bytes", _pieces(whole, 1), seen)
        for at in range(18, 21):
            halves = frame(TEXT, raw[:at], fin=False) + frame(CONTINUED, raw[at:])
            yield _one(f"6 valid {text!a} in fragments at {at}", halves, seen)
        yield _one(f"6 valid {text!a} as binary", frame(BINARY, raw), seen)
    for bad in INVALID_TEXTS:
        unread = b'{"type":"req","id":"a","method":"last-heartbeat","params":{"x":"%b"}}' % bad
        yield _one(f"6 invalid {bad!r} in params nobody reads", frame(TEXT, unread), _BAD_TEXT)
        raw = _with_id(bad)
        yield _one(f"6 invalid {bad!r}", frame(TEXT, raw), _BAD_TEXT)
        yield _one(
            f"6 good, then invalid {bad!r}", _text("a") + frame(TEXT, raw), "res a", _BAD_TEXT
        )
        yield _one(f"6 invalid {bad!r} in single bytes", _pieces(frame(TEXT, raw), 1), _BAD_TEXT)
        halves = frame(TEXT, raw[:19], fin=False) + frame(CONTINUED, raw[19:])
        yield _one(f"6 invalid {bad!r} in fragments", halves, _BAD_TEXT)
        yield _one(f"6 invalid {bad!r} as binary", frame(BINARY, raw) + _ALIVE, "res alive")
    yield _one("6.4 ends inside a character", frame(TEXT, b"\xf0\x9f\xa6"), _BAD_TEXT)
    yield _one(
        "6.4 a fragment of a character, then the end",
        frame(TEXT, b"\xf0\x9f", fin=False) + frame(CONTINUED),
        _BAD_TEXT,
    )


_ENDS = [
    *(
        _one(f"7.7 close {code}", close(code), "close 1000")
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    ),
    *(
        _one(f"7.9 close {code} is none", close(code), _VIOLATION)
        for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535)
    ),
    _one("7.1 close without a code", close(), "close 1000"),
    _one("7.1 a message, then a close", _text("a") + close(1000), "res a", "close 1000"),
    _one("7.1 a close, then a message", close(1000) + _text("a"), "close 1000"),
    _one("7.1 two closes", close(1000) + close(1000), "close 1000"),
    _one("7.1 a close, then a ping", close(1000) + frame(PING, b"x"), "close 1000"),
    _one("7.3 payload of one byte", frame(CLOSE, b"x"), _VIOLATION),
    _one("7.3 a reason", close(1000, b"Hello World!"), "close 1000"),
    _one("7.3 a reason of 123", close(1000, b"*" * 123), "close 1000"),
    _one("7.3 a reason of 124", close(1000, b"*" * 124), _VIOLATION),
    _one("7.5 a reason that is not UTF-8", close(1000, b"\xce\xba\xed\xa0\x80"), _BAD_TEXT),
    _one("7.5 a reason cut inside a character", close(1000, b"\xf0\x9f\xa6"), _BAD_TEXT),
    _one("7 a close in single bytes", _pieces(close(1001, b"bye"), 1), "close 1000"),
    _one("7 a fragmented close", frame(CLOSE, fin=False), _VIOLATION),
]

_SIZES = [
    _one("9 larger than the limit", _text("a", 100_001), _TOO_BIG),
    _one("9 as large as the limit", _text("a", 100_000), "res a"),
    _one("9 good, then too large", _text("a") + _text("b", 100_001), "res a", _TOO_BIG),
    _one(
        "9 too large in fragments",
        frame(TEXT, request("a"), fin=False) + frame(CONTINUED, b" " * 100_000),
        _TOO_BIG,
    ),
    _one("9 a length nobody will send", b"\x81\xff" + b"\0\0\1\0" + b"\0" * 4 + MASK, _TOO_BIG),
]

_INNER = frame(TEXT, _R)
_IN_PAYLOAD = frame(BINARY, _INNER.ljust(200, b" "), mask=b"\0\0\0\0")
_IN_MASK = b"\x82\xfe\x00\xc8" + _INNER.ljust(204, b" ")
_HIDDEN = [
    _one("10 a frame in a payload", [_IN_PAYLOAD[:8], _IN_PAYLOAD[8:] + _ALIVE], "res alive"),
    _one("10 a frame in mask and payload", [_IN_MASK[:4], _IN_MASK[4:] + _ALIVE], "res alive"),
]

_MANY = b"".join(_text(str(at), 40 + at * 3) for at in range(100))
_MIXED = b"".join(
    [
        _text("1"),
        frame(PING, b"x"),
        _text("2", 300),
        frame(BINARY, request("3")),
        frame(TEXT),
        _text("4"),
        frame(PONG),
        frame(TEXT, b"[]"),
        _text("5", 70_000),
        _split(),
        _text("6"),
    ]
)
_MIXED_SEEN = (
    "pong 78",
    "res 1",
    "res 2",
    "res 3",
    "res 4",
    "refused invalid",
    "res 5",
    "res a",
    "res 6",
)

_CUTS = [
    _one("10 a hundred in one segment", _MANY, *(f"res {at}" for at in range(100))),
    *(
        _one(
            f"10 a hundred in segments of {size}",
            _pieces(_MANY, size),
            *(f"res {at}" for at in range(100)),
        )
        for size in (7, 41, 127, 1000)
    ),
    *(
        _one(f"10 cut after {at} bytes", [_text("a", 300)[:at], _text("a", 300)[at:]], "res a")
        for at in (1, 2, 3, 4, 5, 7, 8, 9, 150, 307)
    ),
    *(
        _one(
            f"10 a whole one and {at} bytes",
            [_text("a") + _text("b")[:at], _text("b")[at:]],
            "res a",
            "res b",
        )
        for at in (1, 2, 5, 6, 7, 40)
    ),
    _one("10 in single bytes", _pieces(_text("a") + _text("b", 130), 1), "res a", "res b"),
]

MIXED = _one("10 everything in one segment", _MIXED, *_MIXED_SEEN)
"""Compared between modes only: a pong leaves at once, answers leave at the end of a segment."""

CASES: tuple[Case, ...] = (
    *_FRAMING,
    *_PINGS,
    *_RESERVED,
    *_OPCODES,
    *_FRAGMENTS,
    *_utf8(),
    *_ENDS,
    *_SIZES,
    *_CUTS,
    *_HIDDEN,
    MIXED,
)
MAX_PAYLOAD_BYTES = 100_000
