"""Recovery codes for a lost authenticator: made, recognised, hashed; none is kept here."""

from base64 import b32encode

from openclaw.security.secrets import RandomBytes, digest

COUNT = 10
_BYTES = 10  # 80 bits: a plain hash of so much chance needs no salt and no slow hashing.
_GROUP = 4
_LENGTH = 16


def new_codes(random_bytes: RandomBytes) -> tuple[str, ...]:
    """Make ten codes, ``abcd-efgh-ijkl-mnop``."""
    return tuple(_shown(b32encode(random_bytes(_BYTES)).decode("ascii")) for _ in range(COUNT))


def hash_of(code: str) -> str:
    """What is kept of a code; blanks, dashes and the case do not matter."""
    return digest(_plain(code)).hex()


def is_recovery_code(text: str) -> bool:
    """Whether a text looks like a recovery code."""
    plain = _plain(text)
    return len(plain) == _LENGTH and plain.isascii() and plain.isalnum()


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").upper()


def _shown(plain: str) -> str:
    groups = (plain[at : at + _GROUP] for at in range(0, len(plain), _GROUP))
    return "-".join(groups).lower()
