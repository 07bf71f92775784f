"""Works on one queue, whatever its backend: claims, calls the handler, decides what failed.

What the handler leaves unsaid is never guessed: a delivery that neither ended nor failed keeps its
claim, so whoever claims it next is told that it was interrupted.
"""

from collections.abc import Callable
from random import Random

from attrs import define, frozen
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from openclaw.deferreds import Tasks, deferred
from openclaw.errors import StoreError
from openclaw.interfaces.queue import Delivery, IHandler, IQueue, Undelivered
from openclaw.queue.retries import RetryPolicy

POLL_SECONDS = 1.0
AGAIN_SECONDS = 1.0


@frozen(kw_only=True)
class Pace:
    """How much at once, and for how long.

    :ivar concurrency: most deliveries held at a time, each of another lane.
    :ivar visibility_ms: how long a claim keeps a lane; renewed at a third of it.
    :ivar stop_seconds: how long a stop waits for what runs.
    """

    concurrency: int = 100
    visibility_ms: int = 60_000
    stop_seconds: float = 5.0


@define(eq=False)
class Held:
    """A delivery that is being worked on.

    :ivar delivery: its latest claim.
    :ivar working: the handler's answer, while it is waited for.
    :ivar lost: somebody else has the lane by now.
    :ivar left: the stop of the worker waits for it no longer.
    """

    delivery: Delivery
    working: Deferred[None] | None = None
    lost: bool = False
    left: bool = False


@frozen(kw_only=True)
class Verdict:
    """What has to become of a message.

    :ivar settle: makes it durable; fires with false if the claim is stale.
    :ivar again_ms: when to look again, if the message is not gone.
    """

    settle: Callable[[Delivery], Deferred[bool]]
    again_ms: int | None = None


class Worker(Service):
    """Runs a handler on the messages of one queue.

    :param queue_name: as in :class:`openclaw.interfaces.queue.NewMessage`.
    :param random: spreads waits; decides nothing else.
    """

    _log = Logger()

    def __init__(
        self,
        queue: IQueue,
        queue_name: str,
        handler: IHandler,
        policy: RetryPolicy,
        clock: IReactorTime,
        random: Random,
        pace: Pace = Pace(),
    ) -> None:
        self.name = f"worker {queue_name}"
        self._queue = queue
        self._queue_name = queue_name
        self._handler = handler
        self._policy = policy
        self._clock = clock
        self._random = random
        self._pace = pace
        self._tasks = Tasks()
        self._held: dict[str, Held] = {}
        self._claiming = self._again = False
        self._timers: set[IDelayedCall] = set()
        self._forget_wake: Callable[[], None] = lambda: None
        self._loops: list[LoopingCall] = []

    def __len__(self) -> int:
        """How many deliveries are being worked on."""
        return len(self._held)

    def startService(self) -> None:
        """Start claiming; at once, if there is work."""
        super().startService()
        self._forget_wake = self._queue.on_ready(self._queue_name, self._wake)
        third = self._pace.visibility_ms / 3000
        self._loops = [self._loop(self._wake, POLL_SECONDS), self._loop(self._extend, third)]
        self._wake()

    def stopService(self) -> Deferred[None]:
        """Claim no more, wait a while for what runs, then leave it.

        :return: fires when nothing runs any more; what did not end is claimed again as interrupted.
        """
        super().stopService()
        self._forget_wake()
        return self._stop()

    # -- claiming ------------------------------------------------------------------------------

    def _wake(self) -> None:
        if not self.running:
            return
        if self._claiming:
            self._again = True
        elif len(self._held) < self._pace.concurrency:
            self._claiming = True
            self._tasks.spawn(f"claiming from {self._queue_name}", self._claim())

    async def _claim(self) -> None:
        """Claim until nothing is left or nothing more fits; what is claimed starts at once."""
        try:
            while self.running:
                self._again = False
                free = self._pace.concurrency - len(self._held)
                if free <= 0:
                    return
                found = await self._queue.claim(self._queue_name, free, self._pace.visibility_ms)
                for delivery in found:
                    await self._begin(delivery)
                if len(found) < free and not self._again:
                    return
        except StoreError as error:  # The next poll tries again; the journal has told why.
            self._log.warn(
                "queue {queue}: cannot claim: {why}", queue=self._queue_name, why=error.message
            )
        finally:
            self._claiming = False

    async def _begin(self, delivery: Delivery) -> None:
        held = self._held.get(delivery.id)
        if held is not None:
            # Our own claim lapsed, as after a sleep of the machine. It still runs: carry on.
            held.delivery, held.lost = delivery, False
        elif not self.running:
            await self._queue.postpone(delivery, 0)
        else:
            held = self._held[delivery.id] = Held(delivery)
            self._tasks.spawn(f"delivery {delivery.id}", self._work(held))

    # -- working -------------------------------------------------------------------------------

    async def _work(self, held: Held) -> None:
        try:
            verdict = await self._outcome(held)
            if verdict is not None and not held.lost:
                await self._settle(held, verdict)
        finally:
            del self._held[held.delivery.id]
            self._wake()

    async def _outcome(self, held: Held) -> Verdict | None:
        """Run the handler; what has to become of the message, ``None`` if nobody can say."""
        delivery = held.delivery
        if delivery.deaths >= self._policy.max_deaths:
            # The message may be what kills us.
            return self._buried(f"{delivery.deaths} attempts ended with their worker", unknown=True)
        try:
            held.working = maybeDeferred(self._handler.handle, delivery)
            await held.working
        except Undelivered as error:
            return self._undelivered(held.delivery, error)
        except CancelledError:
            if held.lost or held.left or not self.running:
                return None
            return self._failed(held.delivery, "cancelled", 0)
        except Exception as error:  # A bug in a handler counts as an attempt, and is logged as one.
            self._log.failure(
                "queue {queue}: handling {message_id} failed",
                queue=delivery.queue,
                message_id=delivery.id,
            )
            return self._failed(held.delivery, f"{type(error).__name__}: {error}", 0)
        finally:
            held.working = None
        return Verdict(settle=self._queue.ack)

    def _undelivered(self, delivery: Delivery, error: Undelivered) -> Verdict:
        why, after = error.message, error.after_ms
        if error.kind == "later":
            delay = after or self._policy.initial_ms
            return Verdict(settle=lambda one: self._queue.postpone(one, delay), again_ms=delay)
        if error.kind == "unknown":
            return self._buried(f"outcome unknown: {why}", unknown=True)
        if error.kind == "never":
            return self._buried(why)
        return self._failed(delivery, why, after)

    def _failed(self, delivery: Delivery, why: str, after_ms: int) -> Verdict:
        attempt, policy = delivery.attempt - delivery.deaths, self._policy
        if policy.is_last(attempt):
            return self._buried(f"attempt {attempt} of {policy.max_attempts}: {why}")
        if not after_ms and policy.blocks_too_long(attempt):
            limit = policy.blocked_ms / 1000
            return self._buried(
                f"ordering_timeout: would keep its lane for more than {limit:g} s of waits;"
                f" attempt {attempt}: {why}"
            )
        # A wait that the other side asked for is neither shortened nor stretched.
        delay = after_ms or policy.delay_ms(attempt, self._random)
        self._log.warn(
            "queue {queue}: attempt {attempt} of {message_id} failed, again in {delay} ms: {why}",
            queue=delivery.queue,
            attempt=attempt,
            message_id=delivery.id,
            delay=delay,
            why=why,
        )
        return Verdict(settle=lambda one: self._queue.retry(one, delay, why), again_ms=delay)

    def _buried(self, reason: str, unknown: bool = False) -> Verdict:
        def bury(delivery: Delivery) -> Deferred[bool]:
            self._log.error(
                "queue {queue}: gave up {message_id}: {reason}",
                queue=delivery.queue,
                message_id=delivery.id,
                reason=reason,
            )
            buried = self._queue.bury(delivery, reason, unknown)
            return buried.addCallback(tell, delivery)

        def tell(done: bool, delivery: Delivery) -> bool:
            if done:
                self._handler.gave_up(delivery, reason, unknown)
            return done

        return Verdict(settle=bury)

    async def _settle(self, held: Held, verdict: Verdict) -> None:
        """Make the outcome durable, however long the disk takes: a lost one means work twice."""
        while True:
            delivery = held.delivery
            try:
                done = await verdict.settle(delivery)
            except StoreError as error:
                self._log.warn(
                    "queue {queue}: outcome of {message_id} not stored yet: {why}",
                    queue=delivery.queue,
                    message_id=delivery.id,
                    why=error.message,
                )
                await deferLater(self._clock, AGAIN_SECONDS)
                continue
            if done:
                self._look_after(verdict.again_ms)
                return
            if held.delivery is delivery:
                self._stale(delivery)
                return

    def _stale(self, delivery: Delivery) -> None:
        self._log.warn(
            "queue {queue}: result of {message_id} dropped, somebody else has its lane",
            queue=delivery.queue,
            message_id=delivery.id,
        )

    def _look_after(self, delay_ms: int | None) -> None:
        """Look again right when the wait is over, not at the next poll."""
        if delay_ms is None or not self.running:
            return

        def look() -> None:
            self._timers.discard(timer)
            self._wake()

        timer = self._clock.callLater(delay_ms / 1000, look)
        self._timers.add(timer)

    # -- keeping claims ------------------------------------------------------------------------

    def _extend(self) -> None:
        for held in tuple(self._held.values()):
            self._tasks.spawn(f"claim of {held.delivery.id}", self._extend_one(held))

    async def _extend_one(self, held: Held) -> None:
        delivery = held.delivery
        try:
            kept = await self._queue.extend(delivery, self._pace.visibility_ms)
        except StoreError:  # The journal has told; what it cannot extend nobody can claim either.
            return
        current = self._held.get(delivery.id) is held and held.delivery is delivery
        if not kept and current and held.working is not None:
            held.lost = True
            self._stale(delivery)
            held.working.cancel()

    # -- stopping ------------------------------------------------------------------------------

    @deferred
    async def _stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        # It may be started again before this is over: what runs then is not to be stopped here.
        tasks, loops, held = self._tasks, self._loops, tuple(self._held.values())
        self._tasks, self._loops = Tasks(), []
        try:
            await self._drained(tasks).addTimeout(self._pace.stop_seconds, self._clock)
        except TimeoutError:
            self._log.warn(
                "queue {queue}: {count} deliveries do not end, left for the next start",
                queue=self._queue_name,
                count=len(tasks),
            )
            for one in held:
                one.left = True
        for loop in loops:
            if loop.running:
                loop.stop()
        await tasks.cancel()

    def _drained(self, tasks: Tasks) -> Deferred[None]:
        """Fires when nothing runs; may be given up, unlike what it waits for."""
        waiting: Deferred[None] = Deferred()

        def done(_: None) -> None:
            if not waiting.called:
                waiting.callback(None)

        tasks.drain().addCallback(done)
        return waiting

    def _loop(self, work: Callable[[], None], seconds: float) -> LoopingCall:
        loop = LoopingCall(work)
        loop.clock = self._clock
        loop.start(seconds, now=False).addErrback(self._loop_failed)
        return loop

    def _loop_failed(self, failure: Failure) -> Deferred[None]:
        self._log.failure("queue {queue}: upkeep ended", failure=failure, queue=self._queue_name)
        return succeed(None)
