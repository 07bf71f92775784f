"""Which certificate a client has shown; what it may do for that is decided elsewhere."""

from typing import Any

from attrs import evolve
from cryptography.hazmat.primitives.serialization import Encoding

from openclaw.config.fingerprints import fingerprint
from openclaw.interfaces.security import Peer


def with_certificate(peer: Peer, transport: Any) -> Peer:
    """Add the client's certificate to what is known of it.

    :param transport: as :func:`client_fingerprint`; behind a proxy its certificate is the proxy's.
    """
    shown = None if peer.forwarded else client_fingerprint(transport)
    return peer if shown is None else evolve(peer, certificate=shown)


def client_fingerprint(transport: Any) -> str | None:
    """Tell the SHA-256 fingerprint of the client certificate behind a connection.

    Only verified ones get this far: one that does not verify ends the TLS handshake.

    :param transport: a protocol's transport, TLS or not, whose handshake is over.
    :return: ``None`` if there is no TLS, or the client showed none.
    """
    peer = getattr(transport, "getPeerCertificate", None)
    certificate = peer() if peer is not None else None
    if certificate is None:
        return None
    return fingerprint(certificate.to_cryptography().public_bytes(Encoding.DER))
