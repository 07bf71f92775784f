"""The ``tick`` event: at a fixed interval, to everybody."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from openclaw.gateway.broadcast import Broadcaster
from openclaw.periodic import Periodic
from openclaw.protocol.schema.system import TickEvent


class Ticker(Periodic):
    """Tells every client that the gateway is still here."""

    name = "ticker"

    def __init__(
        self,
        broadcaster: Broadcaster,
        clock: IReactorTime,
        now_ms: Callable[[], int],
        interval_ms: int,
    ) -> None:
        super().__init__(self._tick, clock, interval_ms / 1000)
        self._broadcaster = broadcaster
        self._now_ms = now_ms

    def _tick(self) -> None:
        self._broadcaster.publish("tick", TickEvent(ts=self._now_ms()))
