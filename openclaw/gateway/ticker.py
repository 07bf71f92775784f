"""The ``tick`` event: at a fixed interval, to everybody."""

from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from openclaw.gateway.broadcast import Broadcaster
from openclaw.protocol.schema.system import TickEvent


class Ticker(Service):
    """Tells every client that the gateway is still here."""

    _log = Logger()
    name = "ticker"

    def __init__(
        self,
        broadcaster: Broadcaster,
        clock: IReactorTime,
        now_ms: Callable[[], int],
        interval_ms: int,
    ) -> None:
        self._broadcaster = broadcaster
        self._now_ms = now_ms
        self._interval_seconds = interval_ms / 1000
        self._loop = LoopingCall(self._tick)
        self._loop.clock = clock

    def startService(self) -> None:
        """Start ticking, the first time after one interval."""
        super().startService()
        ended = self._loop.start(self._interval_seconds, now=False)
        ended.addErrback(lambda failure: self._log.failure("ticking stopped", failure=failure))

    def stopService(self) -> None:
        """Stop ticking."""
        if self._loop.running:
            self._loop.stop()
        super().stopService()

    def _tick(self) -> None:
        self._broadcaster.publish("tick", TickEvent(ts=self._now_ms()))
