"""One request of the outbound HTTP client: its connection, its patience, the words if it fails.

Nothing imports this module before the first request is made: it brings treq and Twisted's HTTP
client along, which a gateway without a model never needs.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.web.client import URI, Agent, HTTPConnectionPool
from twisted.web.iweb import IResponse

from openclaw import __version__
from openclaw.http.body import Answer, Body
from openclaw.http.outgoing.causes import innermost, words
from openclaw.http.outgoing.dialing import Dialing
from openclaw.interfaces.outbound import IOutboundResponse, OutboundError

CACHED_PER_HOST = 16
"""Idle connections kept for one host; busy ones are bounded by the runs that use them."""

CACHED_SECONDS = 30
"""How long an idle connection is kept. Servers close theirs without warning, some after 5 s."""

RELEASE_SECONDS = 1.0
"""What a body nobody wants any more gets, to end by itself and free its connection for reuse."""


class Connections:
    """What exchanges share: the pool of idle connections, how hosts are reached, what runs."""

    def __init__(self, reactor: Any, dialing: Dialing) -> None:
        self.reactor = reactor
        self.dialing = dialing
        self.pool = HTTPConnectionPool(reactor)
        self.pool.maxPersistentPerHost = CACHED_PER_HOST
        self.pool.cachedConnectionTimeout = CACHED_SECONDS
        # Whoever asks knows what may be sent twice.
        self.pool.retryAutomatically = False
        self.live: set[Exchange] = set()

    def close(self) -> Deferred[None]:
        """Abort what is under way; fires once the idle connections are closed."""
        for exchange in list(self.live):
            exchange.abort()
        closed: Deferred[None] = self.pool.closeCachedConnections()
        return closed


class Exchange:
    """One request and its answer: the connection they use, and the patience left.

    It stands between treq's agent and the pool, as endpoint factory and as pool, because that is
    the one place that sees both a fresh and a reused connection before the request goes out.

    :param patience: seconds for connecting, seconds of silence after that.
    :param addresses: the literal addresses that may be connected to; none to look the name up.
    """

    persistent = True

    def __init__(
        self,
        shared: Connections,
        patience: tuple[float, float],
        addresses: tuple[str, ...] = (),
    ) -> None:
        self._shared = shared
        self._addresses = addresses
        self._connect_seconds, self._idle_seconds = patience
        self._peer = "the server"
        self._connection: Any = None
        self._waiting: Deferred[Any] | None = None
        self._expired = False
        self._cancelled = False
        self._finished = False
        clock: IReactorTime = shared.reactor
        self._timer = clock.callLater(self._connect_seconds, self._expire)
        shared.live.add(self)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> IOutboundResponse:
        """Connect, write the request, wait for the head of the answer."""
        named: dict[bytes | str, bytes | str] = {"user-agent": f"openclaw-gateway/{__version__}"}
        named.update((name.lower(), value) for name, value in headers.items())
        try:
            # A client of its own per request: cookies of one answer go to no other.
            client = HTTPClient(Agent.usingEndpointFactory(self._shared.reactor, self, pool=self))
            asked = client.request(
                method, url, headers=named, data=body, allow_redirects=False, unbuffered=True
            )
            response = await self._head(asked)
        except Exception as error:  # Every failure of the network becomes one class.
            self.close()
            raise self.explain(error) from None
        self._waiting = None
        receiver = Body(self)
        response.deliverBody(receiver)
        receiver.wait()
        return Answer(response, receiver)

    def _head(self, asked: Deferred[Any]) -> Deferred[IResponse]:
        """Wait for the head, and know a cancelled wait from a failed one.

        What a cancelled request fails with tells nothing: it may be a failed name look-up.
        """

        def cancel(_: object) -> None:
            self._cancelled = True
            asked.cancel()

        self._waiting = Deferred(cancel)
        asked.addBoth(self._waiting.callback)
        return self._waiting

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Tell the agent how to reach a server that no idle connection leads to."""
        host = uri.host.decode("ascii")
        self._peer = f"{host.rpartition('@')[2]}:{uri.port}"  # Never what stands before an @.
        if uri.scheme not in (b"https", b"http"):
            raise OutboundError("only http and https addresses can be asked", "refused")
        return self._shared.dialing.endpoint(
            host,
            uri.port,
            secure=uri.scheme == b"https",
            addresses=self._addresses,
            seconds=self._connect_seconds,
        )

    def getConnection(self, key: Hashable, endpoint: IStreamClientEndpoint) -> Deferred[Any]:
        """Take a connection out of the pool, or make one."""
        # A connection that was made on trust, or to other addresses, is not for this request.
        place = (key, frozenset(self._addresses))
        return self._shared.pool.getConnection(place, endpoint).addCallback(self._connected)

    def _connected(self, connection: Any) -> Any:
        self._connection = connection
        self.heard()
        return connection

    def heard(self) -> None:
        """Start the peer's allowance of silence again."""
        if self._timer.active():
            self._timer.reset(self._idle_seconds)

    def hurry(self) -> None:
        """Leave the peer only a moment to end by itself."""
        if self._timer.active():
            self._timer.reset(min(RELEASE_SECONDS, self._idle_seconds))

    def close(self) -> None:
        """Nothing more is expected: forget time, list, and a connection that others may use."""
        if self._timer.active():
            self._timer.cancel()
        self._shared.live.discard(self)
        self._finished = True

    def abort(self) -> None:
        """Stop where it stands: while connecting, while waiting, or within the body."""
        if self._waiting is not None:
            self._waiting.cancel()
        if self._finished or self._connection is None:
            return
        if self._connection.transport is not None:
            # Not loseConnection(): over TLS that waits for an answer of the peer that fell silent.
            self._connection.transport.abortConnection()

    def _expire(self) -> None:
        self._expired = True
        self.abort()

    def explain(self, error: BaseException | None) -> Exception:
        """Say in words what ended this exchange."""
        if self._expired:
            return self._too_slow()
        if isinstance(error, OutboundError):
            return error
        if self._cancelled:
            return CancelledError()
        cause = innermost(error or ConnectionLost())
        if isinstance(cause, OutboundError):
            return cause
        if self._connection is None:
            return OutboundError(f"cannot connect to {self._peer}: {words(cause)}", "connect")
        return OutboundError(f"the connection to {self._peer} broke: {words(cause)}", "lost")

    def _too_slow(self) -> OutboundError:
        if self._connection is None:
            seconds = self._connect_seconds
            return OutboundError(f"no connection to {self._peer} within {seconds:g} s", "connect")
        return OutboundError(f"{self._peer} sent nothing for {self._idle_seconds:g} s", "timeout")
