"""An OpenID provider with real keys, good and bad ways to sign, and nothing on a network."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey

from openclaw.config.access import OidcSettings
from openclaw.protocol.scopes import READ, WRITE
from tests.security.clients import NOW_MS

NOW = NOW_MS // 1000
ISSUER = "https://sign-in.example"
CLIENT = "our-client-id"
ALICE, BOB = "alice-1", "bob-2"

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.derive_private_key(0x5EED, ec.SECP256R1())
ED_KEY = Ed25519PrivateKey.from_private_bytes(b"e" * 32)
STRANGE_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGE_EC = ec.derive_private_key(0xBAD, ec.SECP256R1())
STRANGE_ED = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
KEYS: Mapping[str, tuple[str, Any]] = {
    "rsa-1": ("RS256", RSA_KEY),
    "ec-1": ("ES256", EC_KEY),
    "ed-1": ("EdDSA", ED_KEY),
}
STRANGE: Mapping[str, Any] = {"RS256": STRANGE_RSA, "ES256": STRANGE_EC, "EdDSA": STRANGE_ED}


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwk(key: Any, **more: Any) -> dict[str, Any]:
    """A public key as providers publish it."""
    kinds = ((rsa.RSAPrivateKey, RSAKey), (ec.EllipticCurvePrivateKey, ECKey))
    kind: Any = next((kind for raw, kind in kinds if isinstance(key, raw)), OKPKey)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {**kind.import_key(pem).as_dict(private=False), **more}


def key_set() -> dict[str, Any]:
    """The provider's key set."""
    return {
        "keys": [
            jwk(key, kid=kid, alg=algorithm, use="sig") for kid, (algorithm, key) in KEYS.items()
        ]
    }


def settings(**changes: Any) -> OidcSettings:
    """A gateway that knows Alice and Bob."""
    return OidcSettings(
        **{
            "issuer": ISSUER,
            "audience": (CLIENT,),
            "jwks": key_set(),
            "scopes": {ALICE: (READ, WRITE), BOB: (READ,)},
            **changes,
        }
    )


def claims(**changes: Any) -> dict[str, Any]:
    """What a good token says; a claim that is ``None`` is left out."""
    plain = {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": ALICE,
        "iat": NOW - 10,
        "exp": NOW + 600,
        **changes,
    }
    return {name: value for name, value in plain.items() if value is not None}


def signature(algorithm: str, key: Any, signed: bytes) -> bytes:
    """Sign as an algorithm says; for HS256 the key is bytes."""
    if algorithm == "HS256":
        mac = hmac.HMAC(key, hashes.SHA256())
        mac.update(signed)
        return mac.finalize()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
        width = (key.curve.key_size + 7) // 8
        return r.to_bytes(width, "big") + s.to_bytes(width, "big")
    made: bytes = key.sign(signed)
    return made


def compact(header: object, payload: object, algorithm: str, key: Any) -> str:
    """A token; header and payload may be text that is no JSON."""
    parts = (
        one if isinstance(one, bytes) else json.dumps(one).encode() for one in (header, payload)
    )
    signed = ".".join(map(b64, parts))
    return f"{signed}.{b64(signature(algorithm, key, signed.encode()))}"


def token(kid: str = "rsa-1", *, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """A good token, unless a claim is changed."""
    algorithm, key = KEYS[kid]
    head = {"alg": algorithm, "kid": kid, "typ": "JWT", **(header or {})}
    return compact(
        {name: value for name, value in head.items() if value is not None},
        claims(**changes),
        algorithm,
        key,
    )
