"""An answer as server-sent events: kept alive, never ahead of a slow reader; no words of its own.

The form: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IPushProducer
from zope.interface import implementer

from openclaw.http.answers import COMMON
from openclaw.http.openai.exchange import Exchange

OPEN_SECONDS = 10.0
"""A client hears no later that there will be an answer; an error before that has its own status."""

ALIVE_SECONDS = 15.0
STALL_SECONDS = 60.0
"""A client that reads nothing for so long is hung up on."""

DONE = b"data: [DONE]\n\n"
_ALIVE = b": keep-alive\n\n"


@implementer(IPushProducer)
class EventStream:
    """The events of one answer.

    Whoever writes asks :attr:`ready` first, keeps what cannot be written, and is told when it can.

    :param opened: called when the head has been written, before anything else may be.
    :param drained: called when a reader who was too slow is ready again.
    """

    def __init__(
        self, exchange: Exchange, opened: Callable[[], None], drained: Callable[[], None]
    ) -> None:
        self._exchange = exchange
        self._opened = opened
        self._drained = drained
        self._paused = False
        self._over = False
        self._written = False
        self._timer: IDelayedCall | None = None
        self._plan(OPEN_SECONDS)
        exchange.when_gone(self.close)

    @property
    def open(self) -> bool:
        """Whether the head has been written."""
        return self._exchange.answered

    @property
    def ready(self) -> bool:
        """Whether the reader can take more now."""
        return not (self._paused or self._over)

    def start(self) -> None:
        """Write the head, unless that is done."""
        if self.open or self._over:
            return
        exchange = self._exchange
        exchange.answered = True
        request: Any = exchange.request
        request.setResponseCode(200)
        for name, value in COMMON.items():
            request.setHeader(name, value)
        request.setHeader("Content-Type", "text/event-stream; charset=utf-8")
        # A proxy in between is asked not to collect what should be seen at once.
        request.setHeader("X-Accel-Buffering", "no")
        request.registerProducer(self, True)
        self._plan(ALIVE_SECONDS)
        self._opened()

    def send(self, event: bytes) -> None:
        """Write one event, whole, with the empty line behind it."""
        if not self._over:
            self._written = True
            self._exchange.request.write(event)

    def finish(self) -> None:
        """Nothing more will come."""
        if not self._over:
            self.close()
            request: Any = self._exchange.request
            request.unregisterProducer()
            request.finish()

    def close(self) -> None:
        """Forget the clock; what was not written is lost."""
        self._over = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    # -- the transport tells -------------------------------------------------------------------

    def pauseProducing(self) -> None:
        """The reader is slow."""
        if not self._paused:
            self._paused = True
            self._plan(STALL_SECONDS)

    def resumeProducing(self) -> None:
        """The reader has read."""
        if self._paused and not self._over:
            self._paused = False
            self._plan(ALIVE_SECONDS)
            self._drained()

    def stopProducing(self) -> None:
        """The connection is gone."""
        self.close()

    def _plan(self, seconds: float) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if not self._over:
            self._timer = self._exchange.clock.callLater(seconds, self._due)

    def _due(self) -> None:
        if self._paused:
            self._exchange.cut()
            return
        if not self.open:
            self.start()
            return
        if not self._written:
            self.send(_ALIVE)
        self._written = False
        self._plan(ALIVE_SECONDS)
