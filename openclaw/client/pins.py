"""Pinned certificates for the client on Twisted: another one ends the TLS handshake.

A pin says which certificate it must be, so neither its name, its dates nor who signed it matter.
"""

from collections.abc import Collection

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from zope.interface import implementer

from openclaw.config.fingerprints import fingerprint


@implementer(IOpenSSLClientConnectionCreator)
class PinnedCertificates:
    """Makes TLS connections to the owner of one of these certificates, and to nobody else.

    :param fingerprints: as :func:`openclaw.config.fingerprints.fingerprint` writes them.
    :param name: the host name to ask for (SNI); empty for an address.
    :ivar refused: the fingerprint of a certificate that was turned down; empty before that.
    """

    def __init__(self, fingerprints: Collection[str], name: str = "") -> None:
        self._fingerprints = frozenset(fingerprints)
        self._name = name
        self.refused = ""

    def clientConnectionForTLS(self, tlsProtocol: object) -> SSL.Connection:
        """One more connection; Twisted asks."""
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, self._verify)
        connection = SSL.Connection(context, None)
        if self._name:
            connection.set_tlsext_host_name(self._name.encode("idna"))
        return connection

    def _verify(
        self, connection: SSL.Connection, shown: crypto.X509, error: int, depth: int, fine: int
    ) -> bool:
        """Judge the certificate itself; OpenSSL also asks about those above it."""
        if depth > 0:
            return True
        seen = fingerprint(shown.to_cryptography().public_bytes(Encoding.DER))
        if seen in self._fingerprints:
            return True
        self.refused = seen
        return False
