"""The one outbound HTTP client, on treq: guard, time-outs, a pool; no policy of retries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.defer import TimeoutError as TooLate
from zope.interface import implementer

from openclaw.config.schema.traffic import Pool
from openclaw.deferreds import deferred
from openclaw.http.outgoing.dialing import Dialing
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

    def resolve(self, url: str) -> Deferred[tuple[str, ...]]:
        """Refuse."""
        words = "requests to addresses outside the configuration are off"
        return fail(OutboundError(words, "refused"))


@implementer(IOutboundHTTP)
class TreqOutbound(Service):
    """The HTTP client; a service, so that its connections end with the gateway.

    :param reactor: clock and sockets.
    :param guard: asked before every request that is not ``trusted``.
    :param tls: which servers are believed; the platform's authorities unless given.
    :param pins: keys of which a server must show one besides, by lowercase host name.
    :param pool: how many connections there may be, and how long they live.
    """

    def __init__(
        self,
        reactor: Any,
        guard: IOutboundGuard | None = None,
        tls: IPolicyForHTTPS | None = None,
        pins: Mapping[str, Sequence[str]] | None = None,
        pool: Pool | None = None,
    ) -> None:
        self.setName("outbound http")
        self._reactor = reactor
        self._guard = ClosedGuard() if guard is None else guard
        self._pool = Pool() if pool is None else pool
        self._stopped = False
        self._dialing = Dialing(reactor, tls, pins)
        self._resolving: set[Deferred[tuple[str, ...]]] = set()
        self._connections: Connections | None = None

    @deferred
    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        connect_seconds: float | None = None,
        idle_seconds: float = 120.0,
        trusted: bool = False,
    ) -> IOutboundResponse:
        """Send one request; see :class:`IOutboundHTTP`."""
        # At first use, not at start: it imports treq and Twisted's HTTP client.
        from openclaw.http.exchange import Connections, Exchange

        if self._stopped:
            raise OutboundError("the gateway is stopping, so it asks nobody", "refused")
        patience = connect_seconds
        if patience is None:
            patience = float(self._pool.connection_timeout)
        addresses: tuple[str, ...] = ()
        if not trusted:
            started = self._reactor.seconds()
            addresses = await self._resolve(url, patience)
            patience = max(0.0, patience - (self._reactor.seconds() - started))
        if self._connections is None:
            self._connections = Connections(self._reactor, self._dialing, self._pool)
        exchange = Exchange(self._connections, (patience, idle_seconds), addresses)
        return await exchange.send(method, url, headers, body)

    async def _resolve(self, url: str, seconds: float) -> tuple[str, ...]:
        """Ask the guard where this leads."""
        resolving = self._guard.resolve(url)
        self._resolving.add(resolving)
        try:
            return await resolving.addTimeout(seconds, self._reactor)
        except TooLate:
            words = f"the name of this host was not found within {seconds:g} s"
            raise OutboundError(words, "connect") from None
        finally:
            self._resolving.discard(resolving)

    def startService(self) -> None:
        """Connect to nobody yet."""
        super().startService()
        self._stopped = False

    def stopService(self) -> Deferred[None]:
        """Abort what still runs; fires once every connection is gone."""
        super().stopService()
        self._stopped = True
        for resolving in list(self._resolving):
            resolving.cancel()
        connections, self._connections = self._connections, None
        return succeed(None) if connections is None else connections.close()
