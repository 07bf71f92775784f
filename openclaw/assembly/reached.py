"""Where devices reach the gateway: its address in their network, and what it shows there."""

import socket

from openclaw.config.listening import EVERYWHERE, is_loopback
from openclaw.config.settings import Settings
from openclaw.gateway.methods.setup import Reached
from openclaw.security.tls.keeper import CertificateKeeper

# Nobody is there (RFC 5737, RFC 3849); nothing is sent to it either.
_ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def reached(settings: Settings, port: int, certificate: CertificateKeeper | None) -> Reached:
    """What a set-up code says of this gateway.

    :param port: the port that is bound.
    """
    scheme = "ws" if certificate is None else "wss"

    def own_url() -> str:
        host = settings.hosts[0]
        host = lan_address() if host in EVERYWHERE else host
        if not host or is_loopback(host):
            return ""
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def fingerprint() -> str:
        return "" if certificate is None else certificate.status().fingerprint

    return Reached(
        own_url=own_url,
        remote_url=settings.config.gateway.remote.url or "",
        fingerprint=fingerprint,
    )


def lan_address() -> str:
    """The address that this machine would speak from to others; empty without a network."""
    for family, there in _ELSEWHERE.items():
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((there, 9))  # Chooses a route; a datagram socket says nothing yet.
                host: str = probe.getsockname()[0]
        except OSError:
            continue
        if not is_loopback(host):
            return host
    return ""
