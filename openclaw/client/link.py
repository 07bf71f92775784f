"""One connection as the client sees it: answers find their requests, events are counted.

It knows no socket and no network; it is handed texts and sends texts.
"""

from collections.abc import Callable
from typing import Any, Protocol
from uuid import uuid4

import msgspec
from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from openclaw.client.errors import ConnectionLost, NoAnswer, RequestFailed
from openclaw.client.frames import Answer, Event, decode_frame, encode_request, is_accepted
from openclaw.protocol.connect import Challenge

TICK_TIMEOUT = 4000


class Socket(Protocol):
    """What a link needs of its WebSocket."""

    def send(self, text: bytes) -> None:
        """Send one text message."""

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake."""


class Listener(Protocol):
    """Who hears what arrives unasked."""

    def event(self, event: Event) -> None:
        """An event arrived."""

    def gap(self, expected: int, received: int) -> None:
        """Events were dropped between two numbers."""


@define
class _Pending:
    """A request without its answer.

    :ivar final: the answer that says "accepted" is not the one that is waited for.
    """

    method: str
    answer: Deferred[Any]
    final: bool
    deadline: IDelayedCall | None = None


class Link:
    """One open WebSocket to a gateway.

    :ivar challenge: fires with what the gateway wants signed; fails with :class:`ConnectionLost`.
    """

    _log = Logger()

    def __init__(self, socket: Socket, clock: IReactorTime, listener: Listener) -> None:
        self._socket = socket
        self._clock = clock
        self._listener = listener
        self._pending: dict[str, _Pending] = {}
        self._last_seq: int | None = None
        self._heard_at = clock.seconds()
        self._watchdog: IDelayedCall | None = None
        self._lost: ConnectionLost | None = None
        self.challenge: Deferred[Challenge] = Deferred()
        self._on_lost: list[Callable[[ConnectionLost], None]] = []

    def request(
        self, method: str, params: object, *, final: bool = False, timeout: float | None = 30.0
    ) -> Deferred[Any]:
        """Ask the gateway.

        :param params: a dict or a wire struct; ``None`` sends none.
        :param final: skip the answer that only says the work was accepted.
        :param timeout: seconds, or ``None`` to wait as long as the connection lives.
        :return: fires with the payload; fails with :class:`RequestFailed`, :class:`NoAnswer` or
            :class:`ConnectionLost`. Cancelling it forgets the answer; the gateway works on.
        """
        request_id = str(uuid4())
        answer: Deferred[Any] = Deferred(lambda _: self._cancelled(request_id))
        if self._lost is not None:
            answer.errback(self._lost)
            return answer
        pending = _Pending(method, answer, final)
        if timeout is not None:
            pending.deadline = self._clock.callLater(timeout, self._late, request_id, timeout)
        self._pending[request_id] = pending
        self._socket.send(encode_request(request_id, method, params))
        return answer

    def watch(self, interval_seconds: float) -> None:
        """Close the connection once nothing was heard for two tick intervals."""
        limit = 2 * interval_seconds
        silent = self._clock.seconds() - self._heard_at
        if silent >= limit:
            self._watchdog = None
            self._socket.close(TICK_TIMEOUT, "tick timeout")
            return
        self._watchdog = self._clock.callLater(limit - silent, self.watch, interval_seconds)

    def when_lost(self, call: Callable[[ConnectionLost], None]) -> None:
        """Have ``call`` told when the connection ends; at once if it already has."""
        if self._lost is not None:
            call(self._lost)
        else:
            self._on_lost.append(call)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End the connection, if it has not ended."""
        if self._lost is None:
            self._socket.close(code, reason)

    def received(self, text: bytes) -> None:
        """Take one message from the socket; what is not a frame is logged and dropped."""
        try:
            frame = decode_frame(text)
        except ValueError as error:
            self._log.warn("dropped a message that is no frame: {error}", error=str(error))
            return
        self._heard_at = self._clock.seconds()
        if isinstance(frame, Answer):
            self._answered(frame)
        else:
            self._happened(frame)

    def lost(self, code: int, reason: str) -> None:
        """Fail what is still unanswered; nothing is received after this."""
        if self._lost is not None:
            return
        self._lost = lost = ConnectionLost(code, reason)
        if self._watchdog is not None:
            self._watchdog.cancel()
        if not self.challenge.called:
            self.challenge.errback(lost)
        for request_id in list(self._pending):
            self._forget(request_id).errback(lost)
        for call in self._on_lost:
            call(lost)

    def _answered(self, answer: Answer) -> None:
        pending = self._pending.get(answer.id)
        if pending is None:
            return  # It came too late, or is the second answer of a request that wanted one.
        if answer.ok and pending.final and is_accepted(answer.payload):
            return
        self._forget(answer.id)
        if answer.ok:
            pending.answer.callback(answer.payload)
            return
        try:
            answer.fail()
        except RequestFailed as error:
            pending.answer.errback(error)

    def _happened(self, event: Event) -> None:
        if event.event == "connect.challenge":
            self._challenged(event)
            return
        if isinstance(event.seq, int):
            last, self._last_seq = self._last_seq, event.seq
            if last is not None and event.seq > last + 1:
                self._listener.gap(last + 1, event.seq)
        self._listener.event(event)

    def _challenged(self, event: Event) -> None:
        try:
            challenge = msgspec.convert(event.payload, Challenge)
        except msgspec.ValidationError as error:
            self._log.warn("dropped a challenge: {error}", error=str(error))
            return
        if not self.challenge.called:
            self.challenge.callback(challenge)

    def _cancelled(self, request_id: str) -> None:
        self._forget(request_id)

    def _late(self, request_id: str, seconds: float) -> None:
        pending = self._pending.pop(request_id)
        pending.answer.errback(NoAnswer(pending.method, seconds))

    def _forget(self, request_id: str) -> Deferred[Any]:
        pending = self._pending.pop(request_id)
        if pending.deadline is not None and pending.deadline.active():
            pending.deadline.cancel()
        return pending.answer
