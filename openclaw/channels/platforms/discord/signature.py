"""Discord's signatures on interactions that come by HTTP; says yes or no, and reads nothing else.

https://docs.discord.com/developers/interactions/overview#setting-up-an-endpoint
"""

from collections.abc import Mapping

WINDOW_SECONDS = 300
"""How far a signed time may be from ours."""


def is_genuine(public_key: str, headers: Mapping[str, str], body: bytes, now_ms: int) -> bool:
    """Check that Discord signed this body, lately.

    :param public_key: of the application, in hex; without one nothing is genuine.
    :param headers: by lowercase name.
    """
    # Only accounts with a webhook need it.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signed_at = headers.get("x-signature-timestamp", "")
    if not signed_at.isascii() or not signed_at.isdecimal() or len(signed_at) > 12:
        return False
    if abs(now_ms / 1000 - int(signed_at)) > WINDOW_SECONDS:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(headers.get("x-signature-ed25519", "")), signed_at.encode() + body)
    except (ValueError, InvalidSignature):
        return False
    return True
