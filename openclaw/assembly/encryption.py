"""Puts TLS between the port and what stands behind it; makes and judges no certificate itself."""

import socket
from datetime import UTC, datetime
from typing import Any

from twisted.internet.interfaces import IProtocolFactory
from twisted.protocols.tls import TLSMemoryBIOFactory

from openclaw.config.settings import Settings
from openclaw.security.origins import read_origin
from openclaw.security.tls.keeper import CertificateKeeper

_EVERYWHERE = frozenset({"0.0.0.0", "::"})


def make_keeper(settings: Settings, reactor: Any) -> CertificateKeeper | None:
    """Read or make the port's certificate; ``None`` if the port speaks plain text.

    :raises openclaw.errors.StartError: it cannot be used.
    """
    if not settings.tls.enabled:
        return None
    return CertificateKeeper(
        settings.tls,
        settings.places.own_dir / "tls",
        names_of(settings),
        reactor,
        lambda: datetime.now(UTC),
    )


def names_of(settings: Settings) -> list[str]:
    """Every name and address that clients may know this gateway by."""
    origins = filter(None, map(read_origin, settings.allowed_origins))
    hosts = (host for _, host, _ in origins)
    names = ("localhost", "127.0.0.1", "::1", socket.gethostname(), *settings.hosts, *hosts)
    usable = (name for name in names if name and name.isascii() and name not in _EVERYWHERE)
    return list(dict.fromkeys(usable))


def encrypted(factory: Any, keeper: CertificateKeeper | None, reactor: Any) -> IProtocolFactory:
    """The factory to listen with."""
    if keeper is None:
        plain: IProtocolFactory = factory
        return plain
    return TLSMemoryBIOFactory(keeper.contexts, False, factory, clock=reactor)
