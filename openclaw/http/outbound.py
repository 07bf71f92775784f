"""The one outbound HTTP client, on treq: guard, time-outs, a pool; it retries nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.interfaces.outbound import (
    IOutboundGuard,
    IOutboundHTTP,
    IOutboundResponse,
    OutboundError,
)

if TYPE_CHECKING:
    from twisted.web.iweb import IPolicyForHTTPS

    from openclaw.http.exchange import Connections


@implementer(IOutboundGuard)
class ClosedGuard:
    """Lets nothing pass: the guard of a client that was given none."""

    def check(self, url: str) -> None:
        """Refuse."""
        raise OutboundError("requests to addresses outside the configuration are off", "refused")


@implementer(IOutboundHTTP)
class TreqOutbound(Service):
    """The HTTP client; a service, so that its connections end with the gateway.

    :param reactor: clock and sockets.
    :param guard: asked before every request that is not ``trusted``.
    :param tls: which servers are believed; the platform's authorities unless given.
    :param pins: keys of which a server must show one besides, by lowercase host name.
    """

    def __init__(
        self,
        reactor: Any,
        guard: IOutboundGuard | None = None,
        tls: IPolicyForHTTPS | None = None,
        pins: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.setName("outbound http")
        self._reactor = reactor
        self._guard = ClosedGuard() if guard is None else guard
        self._tls = tls
        self._pins = pins or {}
        self._connections: Connections | None = None

    @deferred
    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        connect_seconds: float = 10.0,
        idle_seconds: float = 120.0,
        trusted: bool = False,
    ) -> IOutboundResponse:
        """Send one request; see :class:`IOutboundHTTP`."""
        # At first use, not at start: it imports treq and Twisted's HTTP client.
        from openclaw.http.exchange import Connections, Exchange

        if not trusted:
            self._guard.check(url)
        if self._connections is None:
            self._connections = Connections(self._reactor, self._tls, self._pins)
        exchange = Exchange(self._connections, (connect_seconds, idle_seconds))
        return await exchange.send(method, url, headers, body)

    def stopService(self) -> Deferred[None]:
        """Abort what still runs; fires once the idle connections are closed."""
        super().stopService()
        connections, self._connections = self._connections, None
        return succeed(None) if connections is None else connections.close()
