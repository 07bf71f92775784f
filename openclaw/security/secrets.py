"""The one secret comparison, and how secrets and ids are made; none is kept or looked up here."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from uuid import UUID

RandomBytes = Callable[[int], bytes]


def digest(secret: str) -> bytes:
    """SHA-256 of a secret's UTF-8 text, 32 bytes."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def same_secret(presented: str, expected: str) -> bool:
    """Compare two secrets in a time that tells neither content nor length.

    Nothing is trimmed: a secret with blanks around it is another secret.
    """
    return compare_digest(digest(presented), digest(expected))


def same_bytes(presented: bytes, expected: bytes) -> bool:
    """Compare two digests or codes in a time that tells nothing of their content."""
    return compare_digest(presented, expected)


class SharedSecret:
    """The gateway's token or password, kept as a digest so that it cannot end in a log.

    :param secret: the secret; must not be empty.
    """

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("a shared secret must not be empty")
        self._digest = digest(secret)

    def matches(self, presented: str) -> bool:
        """Whether ``presented`` is this secret, in constant time."""
        return compare_digest(digest(presented), self._digest)


def text_of(raw: bytes) -> str:
    """Bytes as base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def new_token(random_bytes: RandomBytes, length_bytes: int = 32) -> str:
    """Make an opaque token; 32 bytes give 43 characters."""
    return text_of(random_bytes(length_bytes))


def new_id(random_bytes: RandomBytes) -> str:
    """Make a random UUID, as request ids are."""
    return str(UUID(bytes=random_bytes(16), version=4))


def first_generation(random_bytes: RandomBytes) -> int:
    """The generation a token starts with; random, so that a removed device's never returns."""
    return int.from_bytes(random_bytes(6), "big")
