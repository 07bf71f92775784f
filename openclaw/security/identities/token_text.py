"""Reads a signed token's text strictly, before any key is looked at; believes nothing in it."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NoReturn

from attrs import frozen

MAX_LENGTH = 16_384
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
# What the header of every JSON object begins with: ``{"``.
_BEGINNING = "eyJ"


class Malformed(ValueError):
    """The text is not a token that can be judged."""


@frozen
class TokenText:
    """The parts of a token.

    :ivar text: the whole, as it came.
    :ivar key_id: ``None`` if the header names no key.
    :ivar claims: what it says; worth nothing until the signature is checked.
    """

    text: str
    algorithm: str
    key_id: str | None
    claims: dict[str, Any]


def looks_like_token(text: str) -> bool:
    """Whether somebody means this to be a signed token, good or not."""
    return text.startswith(_BEGINNING) and text.count(".") == 2


def read_token(text: str) -> TokenText:
    """Take a token apart.

    Each object may name a key once only: readers differ in which of two they believe.

    :raises Malformed: it is none, or says that it needs what we do not understand.
    """
    segments = text.split(".")
    if len(text) > MAX_LENGTH or len(segments) != 3:
        raise Malformed("not three segments")
    header, claims = (_object(_bytes(segment)) for segment in segments[:2])
    _bytes(segments[2])
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(key_id, str | None):
        raise Malformed("a header of the wrong kind")
    if "crit" in header or "b64" in header:
        raise Malformed("an extension that is not understood")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") != "jwt":
        # A provider signs other things with the same key: logout tokens, access tokens.
        raise Malformed("a token for something else")
    return TokenText(text, algorithm, key_id, claims)


def _bytes(segment: str) -> bytes:
    """Decode one segment that is spelled in the one way it should be."""
    if not _SEGMENT.fullmatch(segment):
        raise Malformed("not base64url")
    try:
        raw = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise Malformed("not base64url") from None
    if urlsafe_b64encode(raw).rstrip(b"=") != segment.encode():
        raise Malformed("base64url with bits to spare")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from None
    if not isinstance(value, dict):
        raise Malformed("not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a key is given twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is no number")
