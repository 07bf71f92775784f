"""How late the reactor runs: one measurement a second, summed up over the last minute."""

import resource
import time
from collections import deque
from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from openclaw.protocol.schema.system import EventLoop

INTERVAL_SECONDS = 1.0
KEPT = 60
DEGRADED_MS = 250.0


class ReactorLag(Service):
    """Measures by how much a one-second timer is late.

    :param cpu_seconds: CPU time of this process so far.
    :param reactor_seconds: CPU time of the reactor's thread so far.
    """

    name = "reactor lag"

    def __init__(
        self,
        clock: IReactorTime,
        cpu_seconds: Callable[[], float] | None = None,
        reactor_seconds: Callable[[], float] = time.thread_time,
    ) -> None:
        self._clock = clock
        self._cpu_seconds = cpu_seconds or _process_cpu
        self._reactor_seconds = reactor_seconds
        self._late_ms: deque[float] = deque([0.0], maxlen=KEPT)
        self._due = 0.0
        self._call: IDelayedCall | None = None
        self._cpu_before = 0.0
        self._cpu_ratio = 0.0
        self._reactor_before = 0.0
        self._utilization = 0.0

    def startService(self) -> None:
        """Start measuring."""
        super().startService()
        self._cpu_before = self._cpu_seconds()
        self._reactor_before = self._reactor_seconds()
        self._schedule()

    def stopService(self) -> None:
        """Stop measuring."""
        super().stopService()
        if self._call is not None and self._call.active():
            self._call.cancel()

    def figures(self) -> EventLoop:
        """The last minute in figures."""
        late = sorted(self._late_ms)
        worst = late[-1]
        degraded = self._late_ms[-1] > DEGRADED_MS
        return EventLoop(
            degraded=degraded,
            reasons=["event_loop_delay"] if degraded else [],
            interval_ms=INTERVAL_SECONDS * 1000,
            delay_p99_ms=round(late[int(len(late) * 0.99)] if len(late) > 1 else worst, 1),
            delay_max_ms=round(worst, 1),
            utilization=round(self._utilization, 3),
            cpu_core_ratio=round(self._cpu_ratio, 3),
        )

    def _schedule(self) -> None:
        self._due = self._clock.seconds() + INTERVAL_SECONDS
        self._call = self._clock.callLater(INTERVAL_SECONDS, self._measure)

    def _measure(self) -> None:
        late = self._clock.seconds() - self._due
        self._late_ms.append(max(0.0, late * 1000))
        took = INTERVAL_SECONDS + max(0.0, late)
        used, busy = self._cpu_seconds(), self._reactor_seconds()
        self._cpu_ratio = (used - self._cpu_before) / took
        self._utilization = min(1.0, (busy - self._reactor_before) / took)
        self._cpu_before, self._reactor_before = used, busy
        self._schedule()


def _process_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def resident_bytes() -> int:
    """Memory this process holds now; the peak where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # Bytes on macOS.
