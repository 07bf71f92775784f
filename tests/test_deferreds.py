"""Coroutines as Deferreds, and owners for those that nobody awaits."""

import gc
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from openclaw.deferreds import Tasks, deferred


class Odd(Exception):
    """Something that goes wrong."""


class DeferredTests(SynchronousTestCase):
    def test_a_coroutine_becomes_a_deferred(self) -> None:
        waiting: Deferred[int] = Deferred()

        @deferred
        async def double(times: int, *, extra: int = 0) -> int:
            """Say it twice."""
            return await waiting * times + extra

        result = double(2, extra=1)
        self.assertNoResult(result)
        waiting.callback(10)
        self.assertEqual(self.successResultOf(result), 21)
        self.assertEqual((double.__name__, double.__doc__), ("double", "Say it twice."))

    def test_an_exception_becomes_a_failure(self) -> None:
        @deferred
        async def fail() -> None:
            raise Odd

        self.failureResultOf(fail(), Odd)

    def test_it_runs_at_once(self) -> None:
        ran: list[int] = []

        @deferred
        async def work() -> None:
            ran.append(1)

        work()
        self.assertEqual(ran, [1])


class TasksTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.tasks = Tasks()
        self.ended: list[str] = []

    async def wait(self, name: str, waiting: Deferred[Any]) -> None:
        """Wait, and note how that ended."""
        try:
            await waiting
            self.ended.append(name)
        except CancelledError:
            self.ended.append(f"{name} cancelled")
            raise

    def start(self, name: str) -> Deferred[Any]:
        waiting: Deferred[Any] = Deferred()
        self.tasks.spawn(name, self.wait(name, waiting))
        return waiting

    def test_what_has_ended_is_forgotten(self) -> None:
        first, second = self.start("a"), self.start("b")
        self.assertEqual(len(self.tasks), 2)
        second.callback(None)
        first.callback(None)
        self.assertEqual((len(self.tasks), self.ended), (0, ["b", "a"]))

    def test_what_ends_at_once_is_not_kept(self) -> None:
        async def quick() -> str:
            return "result"

        self.tasks.spawn("quick", quick())
        self.assertEqual(len(self.tasks), 0)

    def test_a_failure_is_logged_once_and_forgotten(self) -> None:
        self.start("a").errback(Failure(Odd()))
        self.assertEqual(len(self.flushLoggedErrors(Odd)), 1)
        self.assertEqual(len(self.tasks), 0)

    def test_cancelling_ends_everything_and_says_when(self) -> None:
        for name in ("a", "b"):
            self.start(name)
        done = self.tasks.cancel()
        self.assertIsNone(self.successResultOf(done))
        self.assertEqual(sorted(self.ended), ["a cancelled", "b cancelled"])
        self.assertEqual(len(self.tasks), 0)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_cancelling_waits_for_those_that_take_their_time(self) -> None:
        last: Deferred[None] = Deferred()

        async def stubborn() -> None:
            try:
                await Deferred()
            except CancelledError:
                await last

        self.tasks.spawn("stubborn", stubborn())
        done = self.tasks.cancel()
        self.assertNoResult(done)
        last.callback(None)
        self.successResultOf(done)

    def test_a_failure_while_cancelling_is_logged_and_does_not_stop_the_rest(self) -> None:
        async def failing() -> None:
            try:
                await Deferred()
            except CancelledError:
                raise Odd from None

        self.tasks.spawn("failing", failing())
        self.start("a")
        self.successResultOf(self.tasks.cancel())
        self.assertEqual(len(self.flushLoggedErrors(Odd)), 1)
        self.assertEqual(self.ended, ["a cancelled"])

    def test_cancelling_nothing_is_done(self) -> None:
        self.successResultOf(self.tasks.cancel())
        self.successResultOf(self.tasks.drain())

    def test_draining_waits_and_cancels_nothing(self) -> None:
        waiting = self.start("a")
        done = self.tasks.drain()
        self.assertNoResult(done)
        waiting.callback(None)
        self.successResultOf(done)
        self.assertEqual(self.ended, ["a"])

    def test_a_drain_that_is_given_up_leaves_the_work_alone_and_says_nothing(self) -> None:
        waiting = self.start("a")
        self.tasks.drain().cancel()
        gc.collect()  # A failure that nobody took would be told now.
        self.assertEqual(self.flushLoggedErrors(), [])
        waiting.callback(None)
        self.assertEqual(self.ended, ["a"])

    def test_draining_is_not_held_up_by_a_failure(self) -> None:
        waiting = self.start("a")
        done = self.tasks.drain()
        waiting.errback(Failure(Odd()))
        self.successResultOf(done)
        self.assertEqual(len(self.flushLoggedErrors(Odd)), 1)

    def test_draining_does_not_wait_for_what_came_later(self) -> None:
        first = self.start("a")
        done = self.tasks.drain()
        self.start("b")
        first.callback(None)
        self.successResultOf(done)
        self.assertEqual(len(self.tasks), 1)
        self.successResultOf(self.tasks.cancel())
