"""Keeps a greeted connection up, through Twisted's ClientService; makes none itself."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from twisted.application.internet import ClientService, backoffPolicy
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
    ITransport,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from openclaw.client.errors import ConnectRefusedByGateway
from openclaw.client.hello import Hello
from openclaw.client.link import Link
from openclaw.deferreds import deferred

Greet = Callable[[], Awaitable[tuple[Link, Hello]]]
LONGEST_WAIT_SECONDS = 30.0

# ClientService counts attempts from 1: the waits are 1, 2, 4 ... 30 seconds, plus its jitter.
_backoff = backoffPolicy(initialDelay=0.5, maxDelay=LONGEST_WAIT_SECONDS, factor=2.0)


class Upkeep:
    """Connects again whenever the connection is lost, until the gateway refuses for good."""

    def __init__(self, greet: Greet, announce: Callable[[Hello], None], reactor: Any) -> None:
        self._greet = greet
        self._announce = announce
        self._reactor = reactor
        self._first: Deferred[Hello] = Deferred()
        self._retry_after_seconds: float | None = None
        self._service = ClientService(
            _Greeted(self._attempt), Factory.forProtocol(Protocol), self._wait, reactor
        )

    def start(self) -> Deferred[Hello]:
        """Begin; fires with the first hello, fails if there will never be one."""
        self._service.startService()
        return self._first

    @deferred
    async def stop(self) -> None:
        """End the connection and try no more; fires once the socket is closed."""
        if self._service.running:
            await self._service.stopService()
        if not self._first.called:
            self._first.errback(CancelledError())

    async def _attempt(self) -> tuple[Link, Hello]:
        self._retry_after_seconds = None
        try:
            link, hello = await self._greet()
        except ConnectRefusedByGateway as refusal:
            if _may_pass(refusal):
                self._retry_after_seconds = (refusal.retry_after_ms or 0) / 1000 or None
            else:
                # Not from inside the attempt: the service would wait for itself.
                self._reactor.callLater(0, self._give_up, refusal)
            raise
        # Later: a listener may stop us, and the service does not know yet that it is connected.
        announcing = self._reactor.callLater(0, self._connected, hello)
        link.when_lost(lambda _: announcing.cancel() if announcing.active() else None)
        return link, hello

    def _connected(self, hello: Hello) -> None:
        self._announce(hello)
        if not self._first.called:
            self._first.callback(hello)

    def _wait(self, attempt: int) -> float:
        if self._retry_after_seconds is None:
            return _backoff(attempt)
        return min(self._retry_after_seconds, LONGEST_WAIT_SECONDS * 20)

    def _give_up(self, refusal: ConnectRefusedByGateway) -> None:
        if self._service.running:
            self._service.stopService()
        if not self._first.called:
            self._first.errback(refusal)


def _may_pass(refusal: ConnectRefusedByGateway) -> bool:
    """Whether the same introduction may be accepted later without anybody changing it."""
    step = refusal.details.get("recommendedNextStep")
    return refusal.retryable or step == "wait_then_retry"


@implementer(IStreamClientEndpoint)
class _Greeted:
    """An endpoint that is connected only once the gateway has said hello.

    ClientService has no transition for a connection that is lost while ``prepareConnection`` is
    waiting; this way it never sees one.
    """

    def __init__(self, attempt: Greet) -> None:
        self._attempt = attempt

    @deferred
    async def connect(self, factory: IProtocolFactory) -> IProtocol:
        """Connect, and have the service told when the link ends."""
        link, _ = await self._attempt()
        protocol = cast(IProtocol, factory.buildProtocol(_SomeGateway()))
        protocol.makeConnection(cast(ITransport, _Closing(link)))
        link.when_lost(lambda lost: protocol.connectionLost(Failure(lost)))
        return protocol


@implementer(IAddress)
class _SomeGateway:
    """The address our factory makes no use of."""


class _Closing:
    """The only thing ClientService asks of a transport."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def loseConnection(self) -> None:
        """Close with the WebSocket's own handshake."""
        self._link.close()
