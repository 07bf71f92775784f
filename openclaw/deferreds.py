"""Join coroutines and Deferreds: ``deferred()`` for interfaces, ``Tasks`` for owners."""

from collections.abc import Callable, Coroutine, Generator
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

P = ParamSpec("P")
T = TypeVar("T")
Work = Coroutine[Deferred[Any], Any, T] | Generator[Deferred[Any], Any, T]


def deferred(function: Callable[P, Work[T]]) -> Callable[P, Deferred[T]]:
    """Make an ``async def`` return a Deferred, as the interfaces promise."""

    @wraps(function)
    def start(*args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return Deferred.fromCoroutine(function(*args, **kwargs))

    return start


class Tasks:
    """Own the coroutines nobody awaits: log what fails, cancel what is left."""

    _log = Logger()

    def __init__(self) -> None:
        self._running: set[Deferred[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def spawn(self, what: str, work: Work[object]) -> None:
        """Run ``work`` now; ``what`` names it in the log if it fails."""
        running: Deferred[None] = Deferred.fromCoroutine(work).addCallback(lambda _: None)
        self._running.add(running)
        running.addErrback(self._failed, what)
        running.addBoth(lambda _: self._running.discard(running))

    def cancel(self) -> Deferred[None]:
        """Cancel everything; fires once all of it has ended."""
        left = list(self._running)
        done = DeferredList([self._ended(running) for running in left])
        for running in left:
            running.cancel()
        return done.addCallback(lambda _: None)

    def drain(self) -> Deferred[None]:
        """Cancel nothing; fires once everything that runs now has ended.

        Who waits may give up: that cancels the wait, and nothing that runs.
        """
        ended = [self._ended(running) for running in self._running]
        return DeferredList(ended, consumeErrors=True).addCallback(lambda _: None)

    def _ended(self, running: Deferred[None]) -> Deferred[None]:
        ended: Deferred[None] = Deferred()

        def pass_on(result: Any) -> Any:
            ended.callback(None)
            return result

        running.addBoth(pass_on)
        return ended

    def _failed(self, failure: Failure, what: str) -> None:
        if not failure.check(CancelledError):
            self._log.failure("{what} failed", failure=failure, what=what)
