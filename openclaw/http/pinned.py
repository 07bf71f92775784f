"""Pinned keys of servers that outgoing connections lead to, on top of everything else checked.

Nothing imports this module before the first request is made, as :mod:`openclaw.http.exchange`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import SSL, crypto
from service_identity import VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.python.failure import Failure
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from openclaw.config.fingerprints import key_pin
from openclaw.interfaces.outbound import OutboundError


@implementer(IPolicyForHTTPS)
class PinnedKeys:
    """Who is believed, narrowed down for some hosts.

    :param policy: whom it believes must also have a pinned key.
    :param pins: by lowercase host name; a host that is not named here needs none.
    """

    def __init__(self, policy: IPolicyForHTTPS, pins: Mapping[str, Sequence[str]]) -> None:
        self._policy = policy
        self._pins = pins

    def creatorForNetloc(self, hostname: bytes, port: int) -> IOpenSSLClientConnectionCreator:
        """Tell how to connect to a host."""
        creator = self._policy.creatorForNetloc(hostname, port)
        host = hostname.decode("ascii").lower().strip("[]").removesuffix(".")
        pins = self._pins.get(host)
        return creator if pins is None else _PinnedHost(creator, host, frozenset(pins))


@implementer(IOpenSSLClientConnectionCreator)
class _PinnedHost:
    """Looks at the keys of a verified chain while the handshake can still fail."""

    def __init__(
        self, creator: IOpenSSLClientConnectionCreator, host: str, pins: frozenset[str]
    ) -> None:
        self._creator = creator
        self._host = host
        self._pins = pins

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """One more connection; Twisted asks."""
        connection: SSL.Connection = self._creator.clientConnectionForTLS(tlsProtocol)
        keys: set[str] = set()

        def verify(
            _: SSL.Connection, shown: crypto.X509, error: int, depth: int, fine: int
        ) -> bool:
            """Judge one certificate; OpenSSL begins with the authority and ends with the host."""
            keys.add(_pin_of(shown))
            if depth > 0 or not fine:
                return bool(fine)
            try:
                self._check(shown, keys)
            except (VerificationError, OutboundError):
                tlsProtocol.failVerification(Failure())
                return False
            return True

        # This takes the place of Twisted's own callback, which checks the name alone.
        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, verify)
        return connection

    def _check(self, certificate: crypto.X509, keys: set[str]) -> None:
        """Raise if it is for another name, or no key in its chain is pinned."""
        literal = isIPAddress(self._host) or isIPv6Address(self._host)
        name = IPAddress_ID(self._host) if literal else DNS_ID(self._host)
        verify_service_identity(extract_patterns(certificate), [name], [])
        if not self._pins & keys:
            words = f"{self._host} shows no key that connections.pins allows"
            raise OutboundError(words, "refused")


def _pin_of(certificate: crypto.X509) -> str:
    key = certificate.to_cryptography().public_key()
    return key_pin(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
