"""A client device's key: its id, and its signature over one connection's challenge."""

from base64 import urlsafe_b64encode
from hashlib import sha256

from attrs import field, frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openclaw.protocol.base import UNSET
from openclaw.protocol.connect import Challenge, ClientInfo, DeviceProof


@frozen
class DeviceIdentity:
    """An Ed25519 device key."""

    key: Ed25519PrivateKey = field(repr=False, factory=Ed25519PrivateKey.generate)

    @classmethod
    def from_seed(cls, seed: bytes) -> "DeviceIdentity":
        """Restore a key from its 32 private bytes."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public_key(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    @property
    def device_id(self) -> str:
        """Lowercase hex SHA-256 of the raw public key."""
        return sha256(self.public_key).hexdigest()

    def prove(
        self, challenge: Challenge, client: ClientInfo, role: str, scopes: list[str], token: str
    ) -> DeviceProof:
        """Sign one connection's challenge with the v3 text.

        :param scopes: as they are sent, in that order.
        :param token: the credential that is presented, empty if none.
        """
        family = "" if client.device_family is UNSET else str(client.device_family)
        text = "|".join(
            (
                *("v3", self.device_id, client.id, client.mode, role, ",".join(scopes)),
                *(str(challenge.ts), token, challenge.nonce, _folded(client.platform)),
                _folded(family),
            )
        )
        return DeviceProof(
            id=self.device_id,
            public_key=_base64url(self.public_key),
            signature=_base64url(self.key.sign(text.encode())),
            signed_at=challenge.ts,
            nonce=challenge.nonce,
        )


def _folded(text: str) -> str:
    """Trimmed, ASCII letters lowercased; others stay, or the two sides would disagree."""
    return "".join(c.lower() if c.isascii() else c for c in text.strip())


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
