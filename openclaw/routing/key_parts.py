"""Platforms' ids as parts of session keys: one spelling for each, and back; knows no platform."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256

from openclaw.errors import InvalidRequest

LONGEST = 100
"""Characters of one part; six of the longest parts still make a key."""

# Words that mean something in a key; an id that is one of them must not be read as it.
_WORDS = frozenset(("direct", "dm", "group", "channel", "thread", "topic", "agent", "main"))
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+@#=!$*-")
_ESCAPED = re.compile(r"~([0-9A-F]{2})")
_DIGEST = "~~"


def encode(text: str) -> str:
    """Write an id as a part of a key; different ids never become the same part.

    What a key cannot hold is written ``~XX``, byte by byte. An id whose spelling would be longer
    than :data:`LONGEST` becomes ``~~`` and its SHA-256, which :func:`decode` cannot undo.

    :raises InvalidRequest: the id is empty.
    """
    if not text:
        raise InvalidRequest("a session key cannot be made of an empty id")
    if text in _WORDS:
        return _escape(text[0]) + text[1:]
    part = "".join(
        one if one in _PLAIN and (one, before) != (".", ".") else _escape(one)
        for before, one in zip(" " + text, text, strict=False)
    )
    return part if len(part) <= LONGEST else _DIGEST + _digest(text)


def decode(part: str) -> str | None:
    """Read an id back; ``None`` for one that was too long to be kept.

    :raises InvalidRequest: no id is spelled like this.
    """
    if part.startswith(_DIGEST) and re.fullmatch(r"[A-Za-z0-9_-]{43}", part[2:]):
        return None
    try:
        text = _unescape(part)
    except UnicodeError:
        text = ""
    if not text or encode(text) != part:
        raise InvalidRequest("not a part of a session key that the gateway made")
    return text


def _escape(one: str) -> str:
    return "".join(f"~{byte:02X}" for byte in one.encode("utf-8", "surrogatepass"))


def _unescape(part: str) -> str:
    raw = b"".join(
        bytes.fromhex(piece[1:]) if _ESCAPED.fullmatch(piece) else piece.encode()
        for piece in re.split(r"(~[0-9A-F]{2})", part)
    )
    return raw.decode("utf-8", "surrogatepass")


def _digest(text: str) -> str:
    hashed = sha256(text.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(hashed).decode().rstrip("=")
