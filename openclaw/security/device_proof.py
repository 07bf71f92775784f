"""Verify that a client holds its device's key and signed our challenge; grants nothing."""

import re
from base64 import b64decode
from hashlib import sha256

from attrs import frozen

from openclaw.protocol.base import UNSET
from openclaw.protocol.connect import ConnectAuth, ConnectParams, DeviceProof
from openclaw.security import refusals
from openclaw.security.secrets import text_of

MAX_SKEW_MS = 120_000

_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
# What JavaScript's trim() takes off, which is what clients sign; Python's strip() differs.
_BLANKS = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")


@frozen
class Identity:
    """A device whose key was proven.

    :ivar device_id: lowercase hex SHA-256 of the raw key.
    :ivar public_key: the raw key, base64url without padding.
    """

    device_id: str
    public_key: str


def normalized(text: str | object) -> str:
    """A platform or device family as it is signed and compared: trimmed, ASCII lowercase."""
    if not isinstance(text, str):
        return ""
    return text.strip(_BLANKS).encode("utf-8", "surrogatepass").lower().decode(errors="replace")


def signed_token(auth: ConnectAuth) -> str:
    """The credential that the signature covers; a password never is."""
    for token in (auth.token, auth.device_token, auth.bootstrap_token):
        if isinstance(token, str) and token:
            return token
    return ""


def signed_texts(params: ConnectParams, proof: DeviceProof) -> tuple[str, str] | None:
    """The v3 and the v2 text this client may have signed; fields as sent, scopes in that order.

    :return: ``None`` if a field holds a separator: two different handshakes would then share one
        text, and no client has such a field.
    """
    client = params.client
    common = [
        proof.id,
        client.id,
        client.mode,
        params.role,
        ",".join(params.scopes),
        str(proof.signed_at),
        signed_token(params.auth),
        proof.nonce,
    ]
    extra = [normalized(client.platform), normalized(client.device_family)]
    if any("|" in field for field in common + extra) or any("," in s for s in params.scopes):
        return None
    return "|".join(["v3", *common, *extra]), "|".join(["v2", *common])


def verify_device(params: ConnectParams, nonce: str, now_ms: int) -> Identity:
    """Check key, clock, nonce and signature, in the order official gateways do.

    :param params: of a connection that presents a device.
    :param nonce: of this connection's own challenge.
    :param now_ms: Unix milliseconds.
    :raises openclaw.errors.ConnectRefused: naming what did not hold.
    """
    proof = params.device
    if proof is UNSET:
        raise refusals.device_required()
    raw_key = _decode(proof.public_key)
    if raw_key is None or len(raw_key) != _KEY_BYTES or sha256(raw_key).hexdigest() != proof.id:
        raise refusals.device_id_mismatch()
    if abs(now_ms - proof.signed_at) > MAX_SKEW_MS:
        raise refusals.signature_expired()
    if proof.nonce != nonce:
        raise refusals.nonce_mismatch()
    if not _is_signed(params, proof, raw_key):
        raise refusals.signature_invalid()
    return Identity(proof.id, text_of(raw_key))


def _is_signed(params: ConnectParams, proof: DeviceProof, raw_key: bytes) -> bool:
    # Imported at first use: 20 ms and some megabytes that a gateway without devices never needs.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signature, texts = _decode(proof.signature), signed_texts(params, proof)
    if signature is None or len(signature) != _SIGNATURE_BYTES or texts is None:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(raw_key)
    except ValueError:
        return False
    for text in texts:
        try:
            key.verify(signature, text.encode("utf-8", "surrogatepass"))
        except InvalidSignature:
            continue
        return True
    return False


def _decode(text: str) -> bytes | None:
    """Decode base64url or standard base64, padded or not, in its only canonical spelling."""
    if not _BASE64.fullmatch(text):
        return None
    bare = text.rstrip("=").replace("+", "-").replace("/", "_")
    if len(bare) % 4 == 1:
        return None
    raw = b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_")
    # Stray bits in the last character would make one signature readable in several spellings.
    return raw if text_of(raw) == bare else None
