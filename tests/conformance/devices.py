"""A device identity that signs connects as the protocol asks; it stores nothing."""

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


def base64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Device:
    """One Ed25519 key pair and what follows from it."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = hashlib.sha256(self.raw).hexdigest()

    @property
    def private_pem(self) -> str:
        """The private key as PKCS 8 PEM, as the official library takes it."""
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem.decode()

    @property
    def public_pem(self) -> str:
        """The public key as PEM."""
        public = self._key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def proof(self, params: dict[str, Any], challenge: dict[str, Any], **how: Any) -> Any:
        """The ``device`` object for one connect.

        :param params: the connect params without ``device``.
        :param challenge: the payload of ``connect.challenge``.
        :param how: ``version`` 2 or 3 of the signed text, ``age_ms`` to sign in the past, and any
            field of the result to replace after signing (None drops it).
        """
        version, age_ms = how.pop("version", 3), how.pop("age_ms", 0)
        signed_at, nonce = challenge["ts"] - age_ms, challenge["nonce"]
        text = _signed_text(self.id, params, signed_at, nonce, version)
        proof = {
            "id": self.id,
            "publicKey": base64url(self.raw),
            "signature": base64url(self._key.sign(text.encode())),
            "signedAt": signed_at,
            "nonce": nonce,
        }
        proof.update(how)
        return {name: value for name, value in proof.items() if value is not None}


def _signed_text(
    device_id: str, params: dict[str, Any], signed_at: int, nonce: str, version: int
) -> str:
    auth, client = params.get("auth", {}), params["client"]
    secrets = (auth.get(name) for name in ("token", "deviceToken", "bootstrapToken"))
    token = next(filter(None, secrets), "")
    fields = [f"v{version}", device_id, client["id"], client["mode"]]
    fields += [params.get("role", "operator"), ",".join(params.get("scopes", []))]
    fields += [str(signed_at), token, nonce]
    if version == 3:
        fields += [client.get(name, "").strip().lower() for name in ("platform", "deviceFamily")]
    return "|".join(fields)
