"""Small jobs that come round again at a fixed interval; what they do is theirs."""

from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

FLUSH_SECONDS = 30.0


class Upkeep(Service):
    """Calls a job at a fixed interval; a job that fails is tried again the next time."""

    _log = Logger()
    name = "upkeep"

    def __init__(
        self,
        job: Callable[[], Deferred[None]],
        clock: IReactorTime,
        interval_seconds: float = FLUSH_SECONDS,
    ) -> None:
        self._job = job
        self._interval_seconds = interval_seconds
        self._loop = LoopingCall(self._run)
        self._loop.clock = clock

    def startService(self) -> None:
        """Start, the first time after one interval."""
        super().startService()
        ended = self._loop.start(self._interval_seconds, now=False)
        ended.addErrback(lambda failure: self._log.failure("upkeep ended", failure=failure))

    def stopService(self) -> None:
        """Stop."""
        if self._loop.running:
            self._loop.stop()
        super().stopService()

    def _run(self) -> Deferred[None]:
        done = self._job()
        done.addErrback(lambda failure: self._log.failure("upkeep failed", failure=failure))
        return done
