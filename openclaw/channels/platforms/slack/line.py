"""One Socket Mode connection: frames in, acknowledgements out; which one is served is elsewhere.

See https://docs.slack.dev/apis/events-api/using-socket-mode.
"""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.channels.platforms.slack.api import Answer, decoded
from openclaw.channels.platforms.slack.fields import Fields, part, text
from openclaw.deferreds import Tasks
from openclaw.errors import StoreError
from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from openclaw.interfaces.outbound import IOutboundSocket, ISocketListener
from openclaw.interfaces.queue import QueueFull

FLUSH_SECONDS = 3.0
"""How long a connection that is left stays for the acknowledgements it still owes."""

CLOSE_SECONDS = 1.0
"""What Slack gets to close: it may answer the close frame and keep the TCP connection open."""

CROWDED_SECONDS = 120.0
"""A pause when the app has too many connections: others have to go first."""

Taker = Callable[[str, Fields, str], Coroutine[Deferred[Any], Any, Answer | None]]
"""Takes an envelope's type, payload and id, and gives what is said back with its acknowledgement.
Whatever it raises means that there must be no acknowledgement."""


@implementer(ISocketListener)
class Line:
    """One connection, from its opening until it is gone.

    :param heard: called for every frame.
    :param tasks: own what is being answered.
    :ivar gone: whether the connection is closed, or never was.
    """

    _log = Logger()

    def __init__(
        self, clock: IReactorTime, take: Taker, heard: Callable[[], None], tasks: Tasks
    ) -> None:
        self._clock = clock
        self._take = take
        self._heard = heard
        self._tasks = tasks
        self._socket: IOutboundSocket | None = None
        self._waiter: Deferred[None] | None = None
        self._app: str | None = None
        self._replace = False
        self._end: ChannelDown | ChannelFailed | None = None
        self._owed = 0
        self.gone = True

    def opened(self, socket: IOutboundSocket) -> None:
        """See :class:`ISocketListener`."""
        self._socket = socket
        self.gone = False

    def received(self, data: str | bytes) -> None:
        """See :class:`ISocketListener`."""
        self._heard()
        frame = decoded(data.encode() if isinstance(data, str) else data)
        if frame is None:
            self._log.warn("slack sent a frame that is no JSON object")
        elif text(frame, "type") == "hello":
            self._app = text(part(frame, "connection_info"), "app_id")
            self._changed()
        elif text(frame, "type") == "disconnect":
            self._dismissed(text(frame, "reason"))
        elif text(frame, "envelope_id"):
            self._owed += 1
            self._tasks.spawn("slack envelope", self._answer(frame))

    def closed(self, code: int, reason: str) -> None:
        """See :class:`ISocketListener`."""
        self.gone = True
        self._over(ChannelDown(f"Slack's connection closed with {code}"))

    async def greeting(self) -> str:
        """Wait until Slack has said hello.

        :return: the app's id, as far as it was told.
        :raises ChannelDown: if an end came first, or a wish to be replaced.
        """
        await self._until(lambda: self._app is not None or self._replace or self._end is not None)
        if self._app is not None:
            return self._app
        raise self._end or ChannelDown("Slack sent a connection away before it greeted")

    async def dismissal(self) -> None:
        """Wait until Slack wants a new connection in the place of this one.

        :raises ChannelDown: the connection ended.
        :raises ChannelFailed: and there will be no other.
        """
        await self._until(lambda: self._replace or self._end is not None)
        if not self._replace and self._end is not None:
            raise self._end

    async def end(self) -> None:
        """Wait until the connection is gone."""
        await self._until(lambda: self.gone)

    async def leave(self, flush_seconds: float = FLUSH_SECONDS) -> None:
        """Acknowledge what is owed, then close; when this returns the connection is gone."""
        try:
            await self._within(flush_seconds, lambda: self.gone or self._owed == 0)
            if self._socket is not None and not self.gone:
                self._socket.close()
            await self._within(CLOSE_SECONDS, lambda: self.gone)
        finally:
            if self._socket is not None and not self.gone:
                self._socket.abort()
                await self._until(lambda: self.gone)

    async def _within(self, seconds: float, happened: Callable[[], bool]) -> None:
        waiting = Deferred.fromCoroutine(self._until(happened))
        with suppress(TooLate):
            await waiting.addTimeout(seconds, self._clock)

    async def _until(self, happened: Callable[[], bool]) -> None:
        while not happened():
            waiter: Deferred[None] = Deferred()
            self._waiter = waiter
            await waiter

    def _changed(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.called:
            waiter.callback(None)

    def _over(self, why: ChannelDown | ChannelFailed) -> None:
        self._end = self._end or why
        self._changed()

    def _dismissed(self, reason: str) -> None:
        if reason == "link_disabled":
            self._over(
                ChannelFailed(
                    "Socket Mode is off for this Slack app: turn it on at api.slack.com/apps under "
                    'Socket Mode, or set mode to "http"'
                )
            )
        elif reason == "too_many_websockets":
            self._over(
                ChannelDown(
                    "this Slack app has as many connections as it may (10): stop other processes "
                    "that use its app token",
                    CROWDED_SECONDS,
                )
            )
        else:  # "warning", "refresh_requested", and what may be added: a new connection helps.
            self._replace = True
            self._changed()

    async def _answer(self, frame: Answer) -> None:
        try:
            said = await self._take(
                text(frame, "type"), part(frame, "payload"), text(frame, "envelope_id")
            )
            self._acknowledge(frame, said)
        except CancelledError:
            raise
        except (QueueFull, StoreError) as error:
            # Not acknowledged: Slack delivers it again.
            self._log.warn("slack envelope not taken: {error}", error=error)
        finally:
            self._owed -= 1
            self._changed()

    def _acknowledge(self, frame: Answer, said: Answer | None) -> None:
        if self._socket is None or self.gone:
            return
        ack: Answer = {"envelope_id": frame["envelope_id"]}
        if said is not None and frame.get("accepts_response_payload") is True:
            ack["payload"] = said
        self._socket.send(msgspec.json.encode(ack).decode())
