"""WebSockets and TCP connections to others: guard, TLS, time-outs, and one end for all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.defer import TimeoutError as TooLate
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.http.outbound import ClosedGuard
from openclaw.http.outgoing.address import Address, read_address
from openclaw.http.outgoing.causes import innermost, words
from openclaw.http.outgoing.dialing import Dialing
from openclaw.http.outgoing.hearing import Hearing
from openclaw.interfaces.outbound import (
    IOutboundGuard,
    IOutboundSocket,
    IOutboundSockets,
    ISocketListener,
    OutboundError,
)

if TYPE_CHECKING:
    from twisted.web.iweb import IPolicyForHTTPS

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class _Link(Protocol):
    """What a connection is here, whichever protocol it speaks."""

    ready: Deferred[None]
    gone: Deferred[None]

    def abort(self) -> None:
        """Cut."""


@implementer(IOutboundSockets)
class OutboundSockets(Service):
    """Opens sockets; a service, so that every one of them ends with the gateway.

    :param reactor: clock and sockets.
    :param guard: asked before every connection that is not ``trusted``.
    :param tls: which servers are believed; the platform's authorities unless given.
    :param pins: keys of which a server must show one besides, by lowercase host name.
    :param connect_seconds: how long opening may take if the caller does not say.
    """

    def __init__(
        self,
        reactor: Any,
        guard: IOutboundGuard | None = None,
        tls: IPolicyForHTTPS | None = None,
        pins: Mapping[str, Sequence[str]] | None = None,
        connect_seconds: float = 10.0,
    ) -> None:
        self.setName("outbound sockets")
        self._reactor = reactor
        self._guard = ClosedGuard() if guard is None else guard
        self._dialing = Dialing(reactor, tls, pins)
        self._connect_seconds = connect_seconds
        self._opening: set[Deferred[Any]] = set()
        self._live: set[_Link] = set()
        self._stopped = False

    def __len__(self) -> int:
        """How many connections are open, or being opened."""
        # What is connected and not yet ready is among those being opened.
        return len(self._opening) + sum(link.ready.called for link in self._live)

    @deferred
    async def websocket(
        self,
        url: str,
        listener: ISocketListener,
        *,
        headers: Mapping[str, str],
        connect_seconds: float | None = None,
        ping_seconds: float = 0.0,
        pong_seconds: float = 15.0,
        max_message: int = 16 << 20,
        trusted: bool = False,
    ) -> IOutboundSocket:
        """Open a WebSocket; see :class:`IOutboundSockets`."""
        # At first use, not at start: a gateway without channels needs no client.
        from openclaw.http.outgoing.websocket import WebSocketLinks, WebSocketPlan

        address = _spoken(url, ("ws", "wss"))
        _check_headers(headers)
        plan = WebSocketPlan(address, headers, ping_seconds, pong_seconds, max_message)
        factory = WebSocketLinks(plan, Hearing(listener, address.peer), self._reactor)
        return await self._open(address, factory, connect_seconds, trusted)

    @deferred
    async def tcp(
        self,
        host: str,
        port: int,
        listener: ISocketListener,
        *,
        tls: bool,
        connect_seconds: float | None = None,
        trusted: bool = False,
    ) -> IOutboundSocket:
        """Open a TCP connection; see :class:`IOutboundSockets`."""
        from openclaw.http.outgoing.stream import StreamLinks

        place = f"[{host}]" if ":" in host else host
        address = read_address(f"{'tls' if tls else 'tcp'}://{place}:{port}")
        hearing = Hearing(listener, address.peer)
        factory = StreamLinks(address.peer, tls, hearing, self._reactor)
        return await self._open(address, factory, connect_seconds, trusted)

    def startService(self) -> None:
        """Open nothing yet."""
        super().startService()
        self._stopped = False

    def stopService(self) -> Deferred[None]:
        """Cut what is open, give up what is being opened; fires once nothing is left."""
        super().stopService()
        self._stopped = True
        for opening in list(self._opening):
            opening.cancel()
        gone = [_ended(link) for link in self._live]
        for link in list(self._live):
            link.abort()
        return DeferredList(gone).addCallback(lambda _: None)

    async def _open(
        self, address: Address, factory: Any, connect_seconds: float | None, trusted: bool
    ) -> IOutboundSocket:
        if self._stopped:
            raise _stopping()
        seconds = self._connect_seconds if connect_seconds is None else connect_seconds
        opening = _attempt(Deferred.fromCoroutine(self._dial(address, factory, seconds, trusted)))
        self._opening.add(opening)
        try:
            link: IOutboundSocket = await opening.addTimeout(seconds, self._reactor)
        except TooLate:
            raise OutboundError(
                f"no connection to {address.peer} within {seconds:g} s", "connect"
            ) from None
        except OutboundError:
            raise
        except CancelledError:
            raise _stopping() if self._stopped else CancelledError() from None
        except Exception as error:  # Every failure of the network becomes one class.
            told = f"cannot connect to {address.peer}: {words(innermost(error))}"
            raise OutboundError(told, "connect") from None
        finally:
            self._opening.discard(opening)
        return link

    async def _dial(
        self, address: Address, factory: Any, seconds: float, trusted: bool
    ) -> IOutboundSocket:
        """Ask the guard, connect, wait until the protocol on top is ready."""
        addresses = () if trusted else await self._guard.resolve(_url(address))
        endpoint = self._dialing.endpoint(
            address.host, address.port, secure=address.secure, addresses=addresses, seconds=seconds
        )
        link = cast(Any, await endpoint.connect(factory))
        self._live.add(link)
        link.gone.addCallback(lambda _: self._live.discard(link))
        await link.ready
        return cast(IOutboundSocket, link)


def _attempt(dialing: Deferred[IOutboundSocket]) -> Deferred[IOutboundSocket]:
    """Pass the outcome on, and know a cancelled attempt from a failed one.

    What a cancelled attempt fails with tells nothing: it may be a failed name look-up.
    """
    given_up = False

    def give_up(_: object) -> None:
        nonlocal given_up
        given_up = True
        dialing.cancel()

    attempt: Deferred[IOutboundSocket] = Deferred(give_up)
    dialing.addBoth(lambda outcome: None if given_up else attempt.callback(outcome))
    return attempt


def _stopping() -> OutboundError:
    return OutboundError("the gateway is stopping, so it opens no connections", "refused")


def _ended(link: _Link) -> Deferred[None]:
    ended: Deferred[None] = Deferred()
    link.gone.addCallback(lambda _: ended.callback(None))
    return ended


def _url(address: Address) -> str:
    return f"{address.origin}{address.resource}"


def _spoken(url: str, schemes: tuple[str, ...]) -> Address:
    address = read_address(url)
    if address.scheme not in schemes:
        raise OutboundError(f"only {' and '.join(schemes)} addresses can be opened here", "refused")
    return address


def _check_headers(headers: Mapping[str, str]) -> None:
    """Autobahn writes headers as they are; a line break in one would make two of it."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not value.isprintable():
            raise OutboundError(
                "a header of this WebSocket has characters that none may", "refused"
            )
