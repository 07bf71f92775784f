"""Signatures over raw bodies, made and judged; pure.

``HMAC-SHA256(secret, timestamp + "." + body)``, the time in Unix seconds. A signature is judged by
its bytes, so that all its spellings (hex, base64) are one.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from hashlib import sha256

TIMESTAMP = "x-openclaw-timestamp"
SIGNATURE = "x-openclaw-signature"

_SCHEME = "sha256="
_BYTES = sha256().digest_size
_LONGEST = 100


def mac(secret: str, timestamp: str, body: bytes) -> bytes:
    """The 32 bytes that prove a body."""
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256")


def signed(secret: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers that prove a body."""
    return {
        TIMESTAMP: str(seconds),
        SIGNATURE: f"{_SCHEME}{mac(secret, str(seconds), body).hex()}",
    }


def proof(
    headers: Mapping[str, str], body: bytes, secret: str, now_seconds: int, window_seconds: int
) -> bytes | None:
    """The bytes of a good signature; ``None`` if it is missing, wrong, or not of now.

    :param headers: by lowercase name.
    """
    timestamp = headers.get(TIMESTAMP, "")
    given = _bytes_of(headers.get(SIGNATURE, ""))
    if not secret.strip() or given is None:
        return None
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return None
    if abs(now_seconds - int(timestamp)) > window_seconds:
        return None
    return given if hmac.compare_digest(mac(secret, timestamp, body), given) else None


def _bytes_of(shown: str) -> bytes | None:
    """A signature's bytes, written in hex or in either base64, with or without its padding."""
    text = shown.strip().removeprefix(_SCHEME).strip()
    if len(text) > _LONGEST or not text.isascii():
        return None
    try:
        if len(text) == 2 * _BYTES:
            return bytes.fromhex(text)
        spelled = text.rstrip("=").replace("+", "-").replace("/", "_")
        raw = urlsafe_b64decode(spelled + "=" * (-len(spelled) % 4))
    except (ValueError, binascii.Error):
        return None
    return raw if len(raw) == _BYTES else None
