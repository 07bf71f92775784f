"""Keys that seal: how they are written, named and derived per purpose. Keeps and reads no file."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

from attrs import field, frozen
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from openclaw.errors import ConfigError

KEY_BYTES = 32
ID_BYTES = 8
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{43}=?")


@frozen
class Key:
    """One master key; nothing is sealed with it directly.

    :ivar id: 8 bytes that name it in what it sealed, and tell nothing of it.
    """

    raw: bytes = field(repr=False)
    id: bytes = field(init=False)

    @id.default
    def _make_id(self) -> bytes:
        return derived(self.raw, "key id", ID_BYTES)

    @property
    def name(self) -> str:
        """The id as people see it."""
        return self.id.hex()

    def text(self) -> str:
        """The key as it is kept: 43 characters of base64url."""
        return urlsafe_b64encode(self.raw).decode("ascii").rstrip("=")


def derived(raw: bytes, purpose: str, length_bytes: int = KEY_BYTES) -> bytes:
    """Derive from a key what one purpose needs (HKDF with SHA-256)."""
    info = b"openclaw sealing v1\x00" + purpose.encode()
    return HKDF(SHA256(), length_bytes, salt=None, info=info).derive(raw)


def new_key(random_bytes: Callable[[int], bytes]) -> Key:
    """Make a key."""
    return Key(random_bytes(KEY_BYTES))


def read_keys(text: str, where: str) -> tuple[Key, ...]:
    """Read keys, the one in use first: 64 hexadecimal digits or 43 of base64, one a line.

    Commas and spaces separate as well, for environment variables; ``#`` begins a comment.

    :param where: names the source, for the error; the text itself is never in it.
    :raises ConfigError: there is none, or one is not a key.
    """
    lines = (line.partition("#")[0] for line in text.splitlines())
    words = [word for line in lines for word in line.replace(",", " ").split()]
    if not words:
        raise ConfigError("holds no key", where)
    return tuple(dict.fromkeys(_read(word, where) for word in words))


def _read(word: str, where: str) -> Key:
    if _HEX.fullmatch(word):
        return Key(bytes.fromhex(word))
    if _BASE64.fullmatch(word):
        plain = word.rstrip("=").replace("+", "-").replace("/", "_")
        return Key(urlsafe_b64decode(plain + "="))
    raise ConfigError(
        "does not hold a key of 32 bytes, in base64 or hexadecimal; "
        "`openclaw encryption key` makes one",
        where,
    )
