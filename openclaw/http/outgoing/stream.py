"""A TCP connection to others, with TLS or without, as a stream of bytes; no protocol on it."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from openclaw.http.outgoing.causes import innermost, words
from openclaw.http.outgoing.hearing import Hearing
from openclaw.interfaces.outbound import IOutboundSocket, OutboundError

CLOSE_SECONDS = 3.0
"""How long what was sent may take to leave, once the connection is to be closed."""

BROKEN = 1006


@implementer(IOutboundSocket, IHandshakeListener)
class StreamLink(Protocol):
    """One connection.

    :ivar ready: fires when it is up, with TLS when that is agreed; fails with
        :class:`OutboundError`.
    :ivar gone: fires when nothing is left of the connection.
    """

    transport: Any

    def __init__(self, peer: str, secure: bool, hearing: Hearing, clock: IReactorTime) -> None:
        self.ready: Deferred[None] = Deferred(lambda _: self.abort())
        self.gone: Deferred[None] = Deferred()
        self._peer = peer
        self._secure = secure
        self._hearing = hearing
        self._clock = clock
        self._cutting: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Up, unless TLS has still to be agreed."""
        self.transport.setTcpKeepAlive(1)
        self.transport.setTcpNoDelay(True)
        if not self._secure:
            self._opened()

    def handshakeCompleted(self) -> None:
        """TLS is agreed; we know whom we speak to."""
        self._opened()

    def _opened(self) -> None:
        if not self.ready.called:
            self._hearing.opened(self)
            self.ready.callback(None)

    def dataReceived(self, data: bytes) -> None:
        """Hand bytes on."""
        self._hearing.received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell who waits, once."""
        if self._cutting is not None and self._cutting.active():
            self._cutting.cancel()
        cause = innermost(reason.value or ConnectionDone())
        why = "" if reason.check(ConnectionDone) else words(cause)
        if not self.ready.called:
            told = f"no connection to {self._peer}: {why or 'it was closed at once'}"
            refused = isinstance(cause, OutboundError)
            self.ready.errback(cause if refused else OutboundError(told, "connect"))
        self._hearing.closed(BROKEN, why)
        self.gone.callback(None)

    def send(self, data: str | bytes) -> None:
        """Send bytes; text as UTF-8."""
        self.transport.write(data.encode() if isinstance(data, str) else data)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close once what was sent has left; code and reason say nothing here."""
        self.transport.loseConnection()
        if self._cutting is None and not self.gone.called:
            self._cutting = self._clock.callLater(CLOSE_SECONDS, self.transport.abortConnection)

    def abort(self) -> None:
        """Cut; the listener hears the end and nothing else."""
        self._hearing.mute()
        if not self.gone.called:  # Over TLS a second end would raise.
            self.transport.abortConnection()


class StreamLinks(Factory):
    """Makes the one connection that is asked for."""

    noisy = False

    def __init__(self, peer: str, secure: bool, hearing: Hearing, clock: IReactorTime) -> None:
        self._make = lambda: StreamLink(peer, secure, hearing, clock)

    def buildProtocol(self, addr: Any) -> StreamLink:
        """Make it."""
        link = self._make()
        link.factory = self
        return link
