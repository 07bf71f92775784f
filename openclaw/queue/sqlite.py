"""The queue in the journal: durable, in the order of the commits; the SQL is in ``rows``."""

from collections import Counter
from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.interfaces.queue import (
    Delivery,
    IQueueBackend,
    NewMessage,
    QueuedMessage,
    QueueFull,
    QueueStats,
)
from openclaw.interfaces.storage import IStore
from openclaw.queue import rows, views
from openclaw.queue.recent import RecentIds
from openclaw.queue.rules import QueueRules, no_room
from openclaw.queue.wakes import Wakes

AT_A_TIME = 1000
FORGETS_IDS = "a restart forgets which messages were done; deduplication.storage is memory"


@implementer(IQueueBackend)
class SQLiteQueue:
    """Messages as rows of the journal.

    :param now_ms: wall clock, Unix milliseconds.
    :param durable_ids: remember the ids of what is done in the journal, so that a restart does not
        forget them; else in memory, for exactly the time of the rules.
    """

    backend = "sqlite"

    def __init__(
        self,
        store: IStore,
        rules: QueueRules,
        now_ms: Callable[[], int],
        *,
        durable_ids: bool = True,
    ) -> None:
        self._store = store
        self._rules = rules
        self._now_ms = now_ms
        self._recent = RecentIds(0 if durable_ids else rules.remember_ms)
        self._remember_ms = rules.remember_ms if durable_ids else 0
        self._durable_ids = durable_ids
        self._counters: Counter[str] = Counter()
        self._wakes = Wakes()

    def open(self) -> Deferred[int]:
        """Release what a process that died had claimed."""
        return self._store.run(rows.release_all, now=self._now_ms())

    def enqueue(self, message: NewMessage) -> Deferred[bool]:
        """Store a message; fires once it is on disk."""
        now = self._now_ms()
        if self._recent.has(message.id, now):
            return succeed(self._enqueued(rows.DUPLICATE, message, now))
        return self._store.run(
            rows.enqueue,
            message=message,
            lane=self._rules.lane_of(message),
            most=self._rules.max_size,
            expires=now + self._remember_ms,
            now=now,
        ).addCallback(self._enqueued, message, now)

    @deferred
    async def enqueue_all(self, messages: Sequence[NewMessage]) -> int:
        """Store several in one transaction."""
        now = self._now_ms()
        fresh = [one for one in messages if not self._recent.has(one.id, now)]
        try:
            stored = await self._store.run(
                rows.enqueue_all,
                messages=[(one, self._rules.lane_of(one)) for one in fresh],
                most=self._rules.max_size,
                expires=now + self._remember_ms,
                now=now,
            )
        except QueueFull:
            self._counters["full"] += 1
            raise
        self._counters["duplicates"] += len(messages) - len(fresh)
        self._stored(list(zip(fresh, stored, strict=True)), now)
        return sum(stored)

    def claim(self, queue: str, limit: int, visibility_ms: int) -> Deferred[Sequence[Delivery]]:
        """Take the oldest message of up to so many lanes."""
        now = self._now_ms()
        return self._store.run(
            rows.claim, queue=queue, limit=limit, now=now, until=now + visibility_ms
        )

    def ack(self, delivery: Delivery) -> Deferred[bool]:
        """Forget the message; its id stays known."""
        ended = self._store.run(rows.ack, delivery=delivery, now=self._now_ms())
        return ended.addCallback(lambda one: self._ended("acked", delivery, one))

    @deferred
    async def retry(self, delivery: Delivery, delay_ms: int, why: str) -> bool:
        """Note what failed; the lane waits."""
        now = self._now_ms()
        ok = await self._store.run(
            rows.retry, delivery=delivery, now=now, due=now + delay_ms, why=why
        )
        self._counters["retried"] += ok
        return ok

    def postpone(self, delivery: Delivery, delay_ms: int) -> Deferred[bool]:
        """Take the claim back; the lane waits."""
        due = self._now_ms() + delay_ms
        return self._store.run(rows.postpone, delivery=delivery, due=due)

    @deferred
    async def bury(self, delivery: Delivery, reason: str, unknown: bool = False) -> bool:
        """Move the message to the dead letters."""
        ended = await self._store.run(
            rows.bury,
            delivery=delivery,
            reason=reason,
            state="unknown" if unknown else "dead",
            keep=self._rules.keep_dead,
            now=self._now_ms(),
        )
        return self._ended("buried", delivery, ended)

    def extend(self, delivery: Delivery, visibility_ms: int) -> Deferred[bool]:
        """Keep the lane for so long from now."""
        until = self._now_ms() + visibility_ms
        return self._store.run(rows.extend, delivery=delivery, until=until)

    @deferred
    async def stats(self) -> QueueStats:
        """Count everything, beside the writer."""
        return QueueStats(
            backend=self.backend,
            durable=True,
            queues=await self._store.read(views.figures, now=self._now_ms()),
            counters=dict(self._counters),
            limits=() if self._durable_ids else (FORGETS_IDS,),
        )

    def inspect(
        self, queue: str, limit: int, after: int, lane: str, dead: bool
    ) -> Deferred[Sequence[QueuedMessage]]:
        """One page of what waits, or of the dead."""
        return self._store.read(
            views.inspect,
            queue=queue,
            lane=lane,
            dead=dead,
            after=after,
            limit=limit,
            now=self._now_ms(),
        )

    def find(self, message_id: str) -> Deferred[QueuedMessage | None]:
        """One message, waiting or dead."""
        return self._store.read(views.find, message_id=message_id, now=self._now_ms())

    @deferred
    async def revive(self, ids: Sequence[str]) -> Sequence[str]:
        """Put dead letters at the end of their lanes."""
        found = await self._store.run(
            rows.revive, ids=list(ids), most=self._rules.max_size, now=self._now_ms()
        )
        self._wakes.ready({queue for _, queue in found})
        return [message_id for message_id, _ in found]

    def discard(self, ids: Sequence[str]) -> Deferred[Sequence[str]]:
        """Forget dead letters."""
        return self._store.run(views.discard, ids=list(ids))

    @deferred
    async def expire(self, now_ms: int) -> int:
        """Forget letters and ids, some at a time so that nobody waits long for the writer."""
        self._recent.forget(now_ms)
        before, letters, found = now_ms - self._rules.dead_max_age_ms, 0, AT_A_TIME
        while found == AT_A_TIME:
            found = await self._store.run(views.expire_letters, before=before, limit=AT_A_TIME)
            letters += found
        found = AT_A_TIME
        while found == AT_A_TIME:
            found = await self._store.run(views.expire_ids, now=now_ms, limit=AT_A_TIME)
        self._counters["expired"] += letters
        return letters

    def on_ready(self, queue: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Ask to be told when a queue may have work."""
        return self._wakes.on_ready(queue, callback)

    def _enqueued(self, outcome: str, message: NewMessage, now: int) -> bool:
        if outcome == rows.FULL:
            self._counters["full"] += 1
            raise no_room(message.queue, self._rules.max_size)
        self._stored([(message, outcome == rows.STORED)], now)
        return outcome == rows.STORED

    def _stored(self, outcomes: Sequence[tuple[NewMessage, bool]], now: int) -> None:
        ready = set()
        for message, stored in outcomes:
            self._counters["enqueued" if stored else "duplicates"] += 1
            if stored:
                for known in (message.id, *message.covers):
                    self._recent.note(known, now)
                ready.add(message.queue)
        self._wakes.ready(ready)

    def _ended(self, counter: str, delivery: Delivery, ended: rows.Ended) -> bool:
        self._counters[counter] += ended.ok
        if ended.more:
            self._wakes.ready((delivery.queue,))
        return ended.ok
