"""A WebSocket to others: Autobahn on one side, a listener on the other; it only translates.

Nothing imports this module before the first WebSocket is opened.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from attrs import frozen
from autobahn.exception import Disconnected
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.util import encode_truncate
from autobahn.websocket.types import ConnectingRequest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from openclaw import __version__
from openclaw.http.outgoing.address import Address
from openclaw.http.outgoing.causes import innermost, words
from openclaw.http.outgoing.hearing import Hearing
from openclaw.http.outgoing.pings import Pings
from openclaw.interfaces.outbound import IOutboundSocket, OutboundError

CLOSE_SECONDS = 3.0
"""How long the closing handshake may take, whoever began it."""

LONGEST_HEAD = 64 << 10
"""Bytes that the answer to the upgrade may have."""

BROKEN = 1006
_NONE_GIVEN = 1005
_PROTOCOLS = "sec-websocket-protocol"


@frozen
class WebSocketPlan:
    """How one WebSocket is opened and kept; units as in :class:`IOutboundSockets`."""

    address: Address
    headers: Mapping[str, str]
    ping_seconds: float
    pong_seconds: float
    max_message: int

    @property
    def protocols(self) -> list[str]:
        """The subprotocols that the headers offer; Autobahn wants to know them apart."""
        spoken = _lowercase(self.headers).get(_PROTOCOLS, "")
        return [name.strip() for name in spoken.split(",") if name.strip()]

    @property
    def request(self) -> ConnectingRequest:
        """The upgrade, byte for byte as the address has it."""
        given = _lowercase(self.headers)
        given.pop(_PROTOCOLS, None)
        return ConnectingRequest(
            host=self.address.bracketed,
            port=self.address.port,
            resource=self.address.resource,
            headers=given,
            useragent=None if "user-agent" in given else f"openclaw-gateway/{__version__}",
            protocols=self.protocols,
        )


def _lowercase(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@implementer(IOutboundSocket)
class WebSocketLink(WebSocketClientProtocol):
    """One WebSocket.

    :ivar ready: fires when it is open; fails with :class:`OutboundError`.
    :ivar gone: fires when nothing is left of the connection.
    """

    factory: "WebSocketLinks"
    transport: Any
    _log = Logger()

    def __init__(self, plan: WebSocketPlan, hearing: Hearing, clock: Any) -> None:
        super().__init__()
        self.ready: Deferred[None] = Deferred(lambda _: self.abort())
        self.gone: Deferred[None] = Deferred()
        self._plan = plan
        self._hearing = hearing
        self._clock = clock
        self._pings = Pings(
            clock, plan.ping_seconds, plan.pong_seconds, self.sendPing, self._silent
        )
        self._cutting: IDelayedCall | None = None
        self._head_left = LONGEST_HEAD
        self._shown: tuple[int, str] | None = None  # The peer's close frame.
        self._why = ""

    def onConnecting(self, transport_details: object) -> ConnectingRequest:
        """Say what the upgrade asks for."""
        return self._plan.request

    def dataReceived(self, data: bytes) -> None:
        """Bound what comes before the upgrade, and let nothing in it raise."""
        if not self._hearing.opened_once:
            self._head_left -= len(data)
            if self._head_left < 0 and self.state == self.STATE_CONNECTING:
                self._why = "it answers endlessly instead of opening a WebSocket"
                self.transport.abortConnection()
                return
        try:
            super().dataReceived(data)
        except Exception as error:  # Autobahn reads heads that are no text without care.
            self._log.debug("WebSocket to {peer}: {error!r}", peer=self._peer, error=error)
            self._why = "it does not speak the WebSocket protocol"
            self.transport.abortConnection()

    def onOpen(self) -> None:
        """Messages can be sent."""
        if self.ready.called:
            return  # Whoever asked gave up a moment ago; it is being cut.
        self._pings.start()
        self._hearing.opened(self)
        self.ready.callback(None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Hand one message on; Autobahn has checked that text is text."""
        self._hearing.received(payload if isBinary else payload.decode("utf-8"))

    def onPong(self, payload: bytes) -> None:
        """The peer is there."""
        self._pings.answered(payload)

    def onCloseFrame(self, code: Any, reasonRaw: Any) -> Any:
        """Keep the peer's own words, and do not wait for ever for it to hang up."""
        said = (reasonRaw or b"").decode("utf-8", "replace")
        self._shown = (_NONE_GIVEN if code is None else code, said)
        self._pings.stop()
        self._cut_soon()
        return super().onCloseFrame(code, reasonRaw)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Keep the transport's words; Autobahn forgets why TLS failed, and logs it as an error."""
        cause = innermost(reason.value or ConnectionLost())
        if isinstance(cause, OutboundError):
            self._fail(cause)
        elif not reason.check(ConnectionDone):
            if not reason.check(ConnectionAborted):  # That was ourselves.
                self._why = self._why or words(cause)
            reason = Failure(ConnectionLost())
        super().connectionLost(reason)
        self._end()

    def send(self, data: str | bytes) -> None:
        """Send one message; on a closing socket it is lost, as the connection soon is."""
        text = isinstance(data, str)
        with suppress(Disconnected):
            self.sendMessage(data.encode() if isinstance(data, str) else data, isBinary=not text)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Start the closing handshake; a peer that does not join in is cut."""
        self._pings.stop()
        # sendClose() takes only 1000 and 3000-4999.
        self.sendCloseFrame(code, encode_truncate(reason, 123))
        self._cut_soon()

    def abort(self) -> None:
        """Cut; the listener hears the end and nothing else."""
        self._hearing.mute()
        if not self.gone.called:  # Over TLS a second end would raise.
            self.transport.abortConnection()

    @property
    def _peer(self) -> str:
        return self._plan.address.peer

    def _silent(self) -> None:
        self._why = f"{self._peer} answered no ping for {self._plan.pong_seconds:g} s"
        self.abort()

    def _max_message_size_exceeded(self, *args: Any) -> None:
        """Close in order with 1009, and tell the same code whether or not the peer joins in."""
        self._why = f"a message of {self._peer} is longer than {self._plan.max_message} bytes"
        self._hearing.mute()
        super()._max_message_size_exceeded(*args)
        self._cut_soon()

    def _cut_soon(self) -> None:
        if self._cutting is None and not self.gone.called:
            self._cutting = self._clock.callLater(CLOSE_SECONDS, self.transport.abortConnection)

    def _end(self) -> None:
        """Once, when the connection is gone: stop what is timed, tell who waits."""
        self._pings.stop()
        if self._cutting is not None and self._cutting.active():
            self._cutting.cancel()
        self._fail(OutboundError(f"no WebSocket to {self._peer}: {self._cause()}", "connect"))
        self._hearing.closed(*self._outcome())
        self.gone.callback(None)

    def _outcome(self) -> tuple[int, str]:
        failed = self.localCloseCode if self.failedByMe else None
        if failed:
            return failed, self._why or self._text(self.localCloseReason)
        return self._shown or (BROKEN, self._why or "the connection broke")

    def _cause(self) -> str:
        return self._why or self._text(self.wasNotCleanReason) or "the connection broke"

    def _text(self, said: Any) -> str:
        return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said or "")

    def _fail(self, error: OutboundError) -> None:
        if not self.ready.called:
            self.ready.errback(error)


class WebSocketLinks(WebSocketClientFactory):
    """Makes the one WebSocket of a plan."""

    noisy = False

    def __init__(self, plan: WebSocketPlan, hearing: Hearing, clock: Any) -> None:
        super().__init__(protocols=plan.protocols, reactor=clock)
        self._make = lambda: WebSocketLink(plan, hearing, clock)
        self.setProtocolOptions(
            maxFramePayloadSize=plan.max_message,
            maxMessagePayloadSize=plan.max_message,
            # Autobahn's timers are coarse and outlive their connection; ours do neither.
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            serverConnectionDropTimeout=0,
            autoPingInterval=0,
            failByDrop=False,
            tcpNoDelay=True,
        )

    def buildProtocol(self, addr: Any) -> Any:
        """Make it."""
        link = self._make()
        link.factory = self
        return link
