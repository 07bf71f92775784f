"""How a certificate's SHA-256 fingerprint and a key's pin are written and read; no TLS in here."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from hashlib import sha256

_BYTES = 32


def spelled(digest: bytes) -> str:
    """Write a digest as ``openssl x509 -fingerprint`` does: ``AB:CD:...``."""
    return digest.hex(":").upper()


def fingerprint(certificate: bytes) -> str:
    """Tell the fingerprint of a certificate.

    :param certificate: DER.
    """
    return spelled(sha256(certificate).digest())


def read_fingerprints(text: str) -> tuple[str, ...]:
    """Read one fingerprint, or several that are all good, with commas or spaces between.

    With and without colons, in any case, with ``sha256:`` before it or not.

    :return: as :func:`spelled` writes them.
    :raises ValueError: if one is not 64 hexadecimal digits, or there is none.
    """
    found = tuple(_read_one(part) for part in text.replace(",", " ").split())
    if not found:
        raise ValueError("expected a SHA-256 fingerprint, found nothing")
    return found


def _read_one(part: str) -> str:
    digits = part.lower().removeprefix("sha256:").removeprefix("sha-256:").replace(":", "")
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        digest = b""
    if len(digest) != _BYTES or len(digits) != 2 * _BYTES:
        raise ValueError(f'expected a SHA-256 fingerprint (64 hexadecimal digits), found "{part}"')
    return spelled(digest)


def key_pin(public_key_info: bytes) -> str:
    """Tell the pin of a public key, ``sha256/...`` in base64, as RFC 7469 counts it.

    :param public_key_info: the key's SubjectPublicKeyInfo, DER.
    """
    return "sha256/" + b64encode(sha256(public_key_info).digest()).decode()


def read_key_pin(text: str) -> str:
    """Read a pin as :func:`key_pin` writes it.

    :raises ValueError: if it is something else.
    """
    kind, _, digest = text.strip().partition("/")
    try:
        known = kind == "sha256" and len(b64decode(digest, validate=True)) == _BYTES
    except (NotBase64, ValueError):
        known = False
    if not known:
        raise ValueError(f'expected a pin such as "sha256/" and 44 characters, found "{text}"')
    return f"sha256/{digest}"
