"""One client's socket: frames in, objects out, and back. No policy, no storage, no routing."""

from typing import Any, cast

from autobahn.exception import Disconnected
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from openclaw.errors import ConnectRefused, FrameError, GatewayError
from openclaw.gateway.client import Client
from openclaw.gateway.door import Door, PeerOf
from openclaw.gateway.fast_frames import FastFrames
from openclaw.gateway.handshake import Handshake, start_handshake
from openclaw.gateway.heads import plain_head
from openclaw.gateway.outgoing import Outgoing
from openclaw.interfaces.security import Admitted, Peer
from openclaw.protocol.connect import Challenge
from openclaw.protocol.dialects import read_seed_request, seed_frame, seed_hello
from openclaw.protocol.frames import (
    ErrorBody,
    EventText,
    decode_request,
    encode_ok,
    encode_refused,
    error_body,
)
from openclaw.protocol.opening import BadOpening, NotAnOpening, Opening, read_opening
from openclaw.security.limits.traffic import Meter
from openclaw.security.tls.clients import with_certificate

_TOO_SLOW = "slow consumer"
_LINGER_SECONDS = 5.0


class GatewayConnection(FastFrames):
    """One socket, from the upgrade to the close."""

    _log = Logger()  # Autobahn owns the name ``log``.

    door: Door
    """What all connections share; set by the factory."""

    peer_of: PeerOf
    """Reads who connects to this port; set by the factory."""

    transport: Any  # Autobahn knows only that there may be one.

    peer_facts: Peer
    """What the wire told about the other side; set when the upgrade is accepted."""

    CONFIG_ATTRS: list[str] = []  # noqa: RUF012  # Autobahn declares it on the instance.
    # Autobahn would copy each of these from the factory for every connection, and format all of
    # them for a debug line that is thrown away (0.3 ms). The factory does it once.

    def __init__(self) -> None:
        super().__init__()
        self._timer: IDelayedCall | None = None
        self._client: Client | None = None
        self._opening: Opening | None = None
        self._refused_id: str | None = None
        self._admitted: Admitted | None = None
        self._handshake: Handshake = start_handshake(self)
        self._out: Outgoing | None = None
        self._awaiting_pong = False
        self._waiting: Peer | None = None
        self._meter: Meter | None = None

    # -- Autobahn tells -----------------------------------------------------------------------

    def processHandshake(self) -> None:
        """Have Autobahn read the same headers as everybody else."""
        end = self.data.find(b"\r\n\r\n")
        if end >= 0:
            self.data = plain_head(self.data[:end]) + self.data[end:]
        super().processHandshake()

    def onConnect(self, request: ConnectionRequest) -> None:
        """Take the facts of the upgrade; whoever must be refused never gets this far."""
        peer = with_certificate(
            self.peer_of(self.transport.getPeer(), request.headers), self.transport
        )
        if not self.door.waiting.enter(peer):
            raise ConnectionDeny(ConnectionDeny.SERVICE_UNAVAILABLE, "too many sockets wait")
        self.peer_facts = self._waiting = peer

    def onOpen(self) -> None:
        """Ask for proof at once."""
        self._out = Outgoing(
            self.transport,
            self.door.end_of_turn,
            self.door.policy.max_buffered_bytes,
            self._too_slow,
        )
        self.transport.registerProducer(self._out, True)
        self.door.opened(self)
        self._handshake.opened()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Hand on one message; binary with JSON text in it is accepted, as the original does."""
        if self._client is None:
            self._handshake.message(payload)
        elif self._client.native:
            self._native_request(self._client, payload)
        else:
            self._seed_request(self._client, payload)

    def onText(self, payload: bytes) -> bool:
        """Hand on one ordinary message of an admitted native client."""
        try:
            request = decode_request(payload)
        except FrameError:
            return False
        if self._client is not None:
            self.door.dispatcher.dispatch(self._client, request)
        return True

    def onSegment(self) -> None:
        """Let the answers to one read leave in one write."""
        if self._out is not None:
            self._out.flush()

    def sendCloseFrame(
        self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False
    ) -> None:
        """Let out first what was answered, also if Autobahn closes; after a close comes nothing."""
        self.fast = False
        if self._out is not None:
            self._out.force()
            self._out.stopProducing()
        super().sendCloseFrame(code, reasonUtf8, isReply)

    def dropConnection(self, abort: bool = False) -> None:
        """End the TCP connection, but let our last words out first.

        Autobahn resets it as soon as both sides have said goodbye, which swallows a close frame
        that is still on its way. A peer that does not read is cut off all the same, a little later.
        """
        super().dropConnection(abort and not self.wasClean)
        self._stop_timer()
        self._timer = self.door.clock.callLater(_LINGER_SECONDS, self.transport.abortConnection)

    def _max_message_size_exceeded(self, size: int, limit: int, reason: str) -> None:
        """Close without the words that Autobahn would add: clients of this protocol know none."""
        self._fail_connection(self.CLOSE_STATUS_CODE_MESSAGE_TOO_BIG, "")

    def onPong(self, payload: bytes) -> None:
        """The peer is alive."""
        self._awaiting_pong = False

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Forget everything about the socket."""
        self.fast = False
        self._handshake.lost()
        self._stop_timer()
        if self.closeHandshakeTimeoutCall is not None:  # Autobahn leaves it running.
            self.closeHandshakeTimeoutCall.cancel()
            self.closeHandshakeTimeoutCall = None
        if self._out is not None:
            self._out.stopProducing()
            self.door.closed(self)
        if self._client is not None:
            self.door.left(self._client)

    # -- the handshake asks (gateway/handshake.py) -----------------------------------------------

    def send_challenge(self) -> None:
        """See :meth:`Core.send_challenge`."""
        self._nonce = self.door.make_nonce()
        challenge = Challenge(nonce=self._nonce, ts=self.door.now_ms())
        self.sendMessage(EventText("connect.challenge", challenge).targeted)
        self._timer = self.door.clock.callLater(
            self.door.handshake_seconds, self._handshake.timed_out
        )

    def decide(self, text: bytes) -> None:
        """See :meth:`Core.decide`."""
        self.door.pace.run(lambda: self._decide(text))

    def _decide(self, text: bytes) -> None:
        if self.state != self.STATE_OPEN:  # It has left while others had their turn.
            return
        try:
            self._opening = read_opening(text, self.door.dialects)
            self._meter = self.door.meter(self.peer_facts)
            decision = self.door.admit(self._opening, self.peer_facts, self._nonce)
        except NotAnOpening as nothing:
            self._handshake.hang_up(nothing.close_code, nothing.reason)
        except BadOpening as bad:
            self._refused_id = bad.request_id
            self._handshake.refuse(bad.refusal)
        except Exception:  # Whatever a stranger sends, the socket gets its one answer.
            self._not_admitted(Failure())
        else:
            if isinstance(decision, Deferred):
                decision.addCallbacks(self._decided, self._not_admitted)
            else:
                self._decided(decision)

    def send_hello(self) -> None:
        """See :meth:`Core.send_hello`."""
        opening, admitted = self._opening, self._admitted
        assert opening is not None and admitted is not None and self._out is not None
        self._stop_timer()
        self._stop_waiting()
        native = opening.dialect == "native"
        client = Client(
            conn_id=self.door.make_conn_id(),
            info=opening.params.client,
            admitted=admitted,
            peer=self.peer_facts,
            caps=frozenset(opening.params.caps),
            connected_at_ms=self.door.now_ms(),
            send=self._out.text if native else self._send_seed,
            congested=lambda: self._out is not None and self._out.congested,
            native=native,
            close=self.close,
            meter=self._meter,
        )
        self._client = client
        self.maxFramePayloadSize = self.maxMessagePayloadSize = self.door.policy.max_payload
        hello = encode_ok(opening.request_id or "connect", self.door.hello(client))
        self._out.text(hello if native else seed_hello(hello, opening.request_id))
        self.fast = native and self.door.short_cut
        self.door.joined(client)
        self._timer = self.door.clock.callLater(self.door.ping_seconds, self._ping)

    def send_refusal(self, error: ConnectRefused) -> None:
        """See :meth:`Core.send_refusal`."""
        request_id = self._opening.request_id if self._opening else self._refused_id
        body = error_body(error)
        body = ErrorBody(
            code=error.wire_code,
            message=body.message,
            details=body.details,
            retryable=True if error.retry else body.retryable,
            retry_after_ms=body.retry_after_ms,
        )
        self.sendMessage(encode_refused(request_id or "connect", body))
        self.close(error.close_code, error.reason)

    def close(self, code: int, reason: str) -> None:
        """See :meth:`Core.close`; what was answered before leaves first."""
        # sendClose() takes only 1000 and 3000-4999; clients of this protocol expect 1008 and 1012.
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code, _truncate(reason))

    def drop(self) -> None:
        """See :meth:`Socket.drop`."""
        self.transport.abortConnection()

    def forget(self) -> None:
        """See :meth:`Core.forget`."""
        self._stop_timer()
        self._stop_waiting()

    # -- inside ----------------------------------------------------------------------------------

    def _decided(self, admitted: Admitted) -> None:
        self._admitted = admitted
        self._handshake.admit()

    def _not_admitted(self, failure: Failure) -> None:
        if failure.check(ConnectRefused):
            self._handshake.refuse(cast(ConnectRefused, failure.value))
            return
        self._log.failure("admission failed", failure=failure)
        self._handshake.refuse(
            ConnectRefused("gateway cannot decide now", wire_code="UNAVAILABLE", retryable=True)
        )

    def _native_request(self, client: Client, payload: bytes) -> None:
        try:
            request = decode_request(payload)
        except FrameError as error:
            self._bad_frame(client, error)
        else:
            self.door.dispatcher.dispatch(client, request)

    def _seed_request(self, client: Client, payload: bytes) -> None:
        try:
            request = read_seed_request(payload, client.conn_id)
        except FrameError as error:
            self._bad_frame(client, error)
        else:
            self.door.dispatcher.dispatch(client, request)

    def _bad_frame(self, client: Client, error: FrameError) -> None:
        """After hello a bad frame is answered; text that is not JSON is ignored."""
        if client.meter is not None:
            try:
                client.count("invalid frame")
            except GatewayError as busy:
                client.send(encode_refused(error.request_id, error_body(busy)))
                return
        if error.is_json:
            client.send(encode_refused(error.request_id, error_body(error)))

    def _send_seed(self, payload: bytes) -> None:
        if self._out is not None:
            self._out.text(seed_frame(payload))

    def _ping(self) -> None:
        """Ask whether the peer is alive, and look at the answer when its time is over."""
        self._awaiting_pong = True
        try:
            self.sendPing(b"gateway")
        except Disconnected:
            return
        self._timer = self.door.clock.callLater(self.door.pong_seconds, self._check_pong)

    def _check_pong(self) -> None:
        if self._awaiting_pong:
            self._log.info("closing {conn_id}: no pong", conn_id=self._conn_id())
            self.drop()
            return
        pause = max(0.0, self.door.ping_seconds - self.door.pong_seconds)
        self._timer = self.door.clock.callLater(pause, self._ping)

    def _too_slow(self) -> None:
        self._log.warn("closing {conn_id}: slow consumer", conn_id=self._conn_id())
        self.door.noticed("slow-consumer", self._conn_id())
        if self._out is not None:
            self._out.stopProducing()
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(1008, _truncate(_TOO_SLOW))

    def _stop_waiting(self) -> None:
        """The socket no longer counts among those that have not proven anything."""
        peer, self._waiting = self._waiting, None
        if peer is not None:
            self.door.waiting.leave(peer)

    def _conn_id(self) -> str:
        return self._client.conn_id if self._client else "unadmitted"

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()


def _truncate(reason: str) -> bytes:
    """A close reason has at most 123 bytes; whole characters only."""
    return reason.encode()[:123].decode(errors="ignore").encode()
