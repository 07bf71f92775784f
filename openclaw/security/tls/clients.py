"""Which certificate a client has shown; what it may do for that is decided elsewhere."""

from typing import Any

from attrs import evolve
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate

from openclaw.config.certificate_names import subject_names
from openclaw.config.fingerprints import fingerprint
from openclaw.interfaces.security import ClientCertificate, Peer


def with_certificate(peer: Peer, transport: Any) -> Peer:
    """Add the client's certificate to what is known of it.

    :param transport: as :func:`client_certificate`; behind a proxy its certificate is the proxy's.
    """
    shown = None if peer.forwarded else client_certificate(transport)
    return peer if shown is None else evolve(peer, certificate=shown)


def client_certificate(transport: Any) -> ClientCertificate | None:
    """Tell of the client certificate behind a connection.

    Only verified ones get this far: one that does not verify ends the TLS handshake.

    :param transport: a protocol's transport, TLS or not, whose handshake is over.
    :return: ``None`` if there is no TLS, or the client showed none.
    """
    peer = getattr(transport, "getPeerCertificate", None)
    shown = peer() if peer is not None else None
    if shown is None:
        return None
    certificate = shown.to_cryptography()
    return ClientCertificate(
        names=(fingerprint(certificate.public_bytes(Encoding.DER)), *_subject(certificate)),
        expires_at_ms=int(certificate.not_valid_after_utc.timestamp() * 1000),
    )


def _subject(certificate: Certificate) -> tuple[str, ...]:
    try:
        return subject_names(certificate.subject)
    except ValueError:  # Verified all the same, but nobody can say what it reads.
        return ()
