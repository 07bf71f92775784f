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
from twisted.web.client import (  # type: ignore[attr-defined]  # One is not in __all__.
    URI,
    Agent,
    RequestNotSent,
    RequestTransmissionFailed,
    ResponseNeverReceived,
)
from twisted.web.iweb import IResponse

from openclaw import __version__
from openclaw.config.schema.traffic import Pool
from openclaw.http.body import Answer, Body
from openclaw.http.outgoing.causes import innermost, words
from openclaw.http.outgoing.dialing import Dialing
from openclaw.http.outgoing.pool import ConnectionPool, PooledConnection
from openclaw.http.outgoing.upload import Upload
from openclaw.interfaces.outbound import IOutboundResponse, OutboundError

RELEASE_SECONDS = 1.0
"""What a body nobody wants any more gets, to end by itself and free its connection for reuse."""

REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods that mean the same once and twice, RFC 9110 section 9.2.2."""


class Connections:
    """What exchanges share: the pool of connections, how hosts are reached, what runs."""

    def __init__(self, reactor: Any, dialing: Dialing, settings: Pool) -> None:
        self.reactor = reactor
        self.dialing = dialing
        self.settings = settings
        self.pool = ConnectionPool(reactor, settings)
        self.live: set[Exchange] = set()

    def close(self) -> Deferred[None]:
        """Abort what is under way; fires once every connection is gone."""
        for exchange in list(self.live):
            exchange.abort()
        return self.pool.close()


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
        self._connection: PooledConnection | None = None
        self._repeatable = False
        self._fresh = False
        self._secure = False
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
        self._repeatable = method.upper() in REPEATABLE
        try:
            try:
                response = await self._once(method, url, named, body)
            except Exception as error:
                if not self._may_repeat(error):
                    raise
                self._begin_again()
                response = await self._once(method, url, named, body)
        except Exception as error:  # Every failure of the network becomes one class.
            self.close()
            raise self.explain(error) from None
        self._waiting = None
        receiver = Body(self)
        response.deliverBody(receiver)
        receiver.wait()
        return Answer(response, receiver)

    def _once(
        self, method: str, url: str, named: dict[bytes | str, bytes | str], body: bytes
    ) -> Deferred[IResponse]:
        # A client of its own per request: cookies of one answer go to no other.
        client = HTTPClient(Agent.usingEndpointFactory(self._shared.reactor, self, pool=self))
        data = Upload(body, self.heard) if body else b""
        asked = client.request(
            method, url, headers=named, data=data, allow_redirects=False, unbuffered=True
        )
        return self._head(asked)

    def _may_repeat(self, error: Exception) -> bool:
        """Whether a connection that had been idle turned out to be dead, and nothing happened."""
        if self._connection is None or not self._connection.used:
            return False
        if self._expired or self._cancelled:
            return False
        unanswered = isinstance(error, ResponseNeverReceived | RequestTransmissionFailed)
        return isinstance(error, RequestNotSent) or (unanswered and self._repeatable)

    def _begin_again(self) -> None:
        """Once more, on a connection that nobody used before."""
        self._connection, self._fresh = None, True
        self._timer.reset(self._connect_seconds)

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
        self._secure = uri.scheme == b"https"
        return self._shared.dialing.endpoint(
            host,
            uri.port,
            secure=self._secure,
            addresses=self._addresses,
            seconds=self._connect_seconds,
        )

    def getConnection(self, key: Hashable, endpoint: IStreamClientEndpoint) -> Deferred[Any]:
        """Take a connection out of the pool, or make one."""
        # A connection that was made on trust, or to other addresses, is not for this request.
        place = (key, frozenset(self._addresses))
        pooled = self._shared.pool.borrow(
            place,
            endpoint,
            secure=self._secure,
            repeatable=self._repeatable,
            fresh=self._fresh,
        )
        return pooled.addCallback(self._connected)

    def _connected(self, connection: PooledConnection) -> PooledConnection:
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
        self._connection.cut()

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
        if self._connection is None or isinstance(error, RequestNotSent):
            return OutboundError(f"cannot connect to {self._peer}: {words(cause)}", "connect")
        return OutboundError(f"the connection to {self._peer} broke: {words(cause)}", "lost")

    def _too_slow(self) -> OutboundError:
        if self._connection is None:
            told = f"no connection to {self._peer} within {self._connect_seconds:g} s"
            if self._shared.pool.full:
                most = self._shared.settings.max_size
                told += f": all {most} that connections.pool.maxSize allows are in use"
            return OutboundError(told, "connect")
        return OutboundError(f"{self._peer} sent nothing for {self._idle_seconds:g} s", "timeout")
