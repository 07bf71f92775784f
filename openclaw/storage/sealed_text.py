"""Sealed values in columns of text: base64 behind a word that no JSON begins with. No keys."""

from base64 import b64decode, b64encode

from openclaw.errors import StoreError
from openclaw.interfaces.storage import SEALED_MARK

WORD = "sealed:"


def to_text(data: bytes) -> str:
    """Write a value, plain or sealed."""
    if data.startswith(SEALED_MARK):
        return WORD + b64encode(data).decode("ascii")
    return data.decode()


def from_text(text: str) -> bytes:
    """Read it back.

    :raises StoreError: it is damaged.
    """
    if not text.startswith(WORD):
        return text.encode()
    try:
        return b64decode(text[len(WORD) :], validate=True)
    except ValueError:
        raise StoreError("a sealed value in the journal is damaged") from None
