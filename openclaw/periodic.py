"""Services that do one thing at a fixed interval; what it is, is theirs."""

from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger


class Periodic(Service):
    """Does its work at a fixed interval; work that fails is logged, and done again the next time.

    :param work: may return a Deferred; while it waits, the work is not begun again.
    :param interval_seconds: 0: never.
    :param at_once: whether the first time is at the start, and not after one interval.
    :ivar name: what the log calls it.
    """

    _log = Logger()
    name = "upkeep"

    def __init__(
        self,
        work: Callable[[], object],
        clock: IReactorTime,
        interval_seconds: float,
        *,
        at_once: bool = False,
    ) -> None:
        self._work = work
        self._interval_seconds = interval_seconds
        self._at_once = at_once
        self._loop = LoopingCall(self._round)
        self._loop.clock = clock

    def startService(self) -> None:
        """Begin."""
        super().startService()
        if self._interval_seconds > 0:
            ended = self._loop.start(self._interval_seconds, now=self._at_once)
            ended.addErrback(
                lambda failure: self._log.failure("{name} ended", failure=failure, name=self.name)
            )

    def stopService(self) -> Deferred[None] | None:
        """Begin nothing any more."""
        if self._loop.running:
            self._loop.stop()
        super().stopService()
        return None

    def _round(self) -> Deferred[object]:
        return maybeDeferred(self._work).addErrback(
            lambda failure: self._log.failure("{name} failed", failure=failure, name=self.name)
        )
