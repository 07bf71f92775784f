"""The queue without a journal: the same promises within one process, nothing after it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from attrs import evolve, frozen
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from openclaw.interfaces.queue import (
    Delivery,
    IQueueBackend,
    NewMessage,
    QueuedMessage,
    QueueFigures,
    QueueStats,
)
from openclaw.queue import history
from openclaw.queue.lines import Entry, Line
from openclaw.queue.recent import RecentIds
from openclaw.queue.rules import QueueRules, no_room
from openclaw.queue.wakes import Wakes

LIMITS = (
    "messages, dead letters and known ids are lost when the process ends; queue.backend is memory",
)


@frozen
class Letter:
    """One dead message, as operators see it, and what it takes to revive it."""

    shown: QueuedMessage
    enqueued_at_ms: int


@implementer(IQueueBackend)
class MemoryQueue:
    """Messages as objects; every call is done when it returns.

    :param now_ms: wall clock, Unix milliseconds.
    """

    backend = "memory"

    def __init__(self, rules: QueueRules, now_ms: Callable[[], int]) -> None:
        self._rules = rules
        self._now_ms = now_ms
        self._recent = RecentIds(rules.remember_ms)
        self._lines: dict[str, Line] = {}
        self._entries: dict[str, Entry] = {}  # In the order of their positions.
        self._letters: dict[str, Letter] = {}  # In the order of their deaths.
        self._positions = 0
        self._counters: Counter[str] = Counter()
        self._wakes = Wakes()

    def open(self) -> Deferred[int]:
        """Nothing is left of an earlier process."""
        return succeed(0)

    def enqueue(self, message: NewMessage) -> Deferred[bool]:
        """Keep a message."""
        return self.enqueue_all((message,)).addCallback(bool)

    def enqueue_all(self, messages: Sequence[NewMessage]) -> Deferred[int]:
        """Keep several, if there is room for all of them."""
        now = self._now_ms()
        fresh: dict[str, NewMessage] = {}
        for one in messages:
            if not self._knows(one.id, now):
                fresh.setdefault(one.id, one)
        accepted = list(fresh.values())
        more = Counter(one.queue for one in accepted)
        for queue, count in more.items():
            if self._line(queue).depth + count > self._rules.max_size:
                self._counters["full"] += 1
                return fail(no_room(queue, self._rules.max_size))
        for one in accepted:
            for known in (one.id, *one.covers):
                self._recent.note(known, now)
            self._add(one, self._rules.lane_of(one), now, now)
        self._counters["enqueued"] += len(accepted)
        self._counters["duplicates"] += len(messages) - len(accepted)
        self._wakes.ready(more)
        return succeed(len(accepted))

    def claim(self, queue: str, limit: int, visibility_ms: int) -> Deferred[Sequence[Delivery]]:
        """Take the oldest message of up to so many lanes."""
        now = self._now_ms()
        claimed = self._line(queue).claim(limit, now, now + visibility_ms)
        return succeed([entry.delivery() for entry in claimed])

    def ack(self, delivery: Delivery) -> Deferred[bool]:
        """Forget the message; its id stays known for a while."""
        entry = self._claimed(delivery)
        if entry is None:
            return succeed(False)
        self._take_out(entry)
        self._counters["acked"] += 1
        return succeed(True)

    def retry(self, delivery: Delivery, delay_ms: int, why: str) -> Deferred[bool]:
        """Note what failed; the lane waits."""
        entry = self._claimed(delivery)
        if entry is None:
            return succeed(False)
        now = self._now_ms()
        entry.failures = history.add(entry.failures, delivery.attempt, now, why)
        self._release(entry, now + delay_ms)
        self._counters["retried"] += 1
        return succeed(True)

    def postpone(self, delivery: Delivery, delay_ms: int) -> Deferred[bool]:
        """Take the claim back; the lane waits."""
        entry = self._claimed(delivery)
        if entry is None:
            return succeed(False)
        entry.attempts -= 1
        self._release(entry, self._now_ms() + delay_ms)
        return succeed(True)

    def bury(self, delivery: Delivery, reason: str, unknown: bool = False) -> Deferred[bool]:
        """Move the message to the dead letters."""
        entry = self._claimed(delivery)
        if entry is None:
            return succeed(False)
        self._take_out(entry)
        if self._rules.keep_dead:
            self._positions += 1
            shown = evolve(
                entry.seen("unknown" if unknown else "dead"),
                reason=history.reason(reason, entry.failures),
                at_ms=self._now_ms(),
                position=self._positions,
            )
            self._letters[delivery.id] = Letter(shown, entry.enqueued_at_ms)
        self._counters["buried"] += 1
        return succeed(True)

    def extend(self, delivery: Delivery, visibility_ms: int) -> Deferred[bool]:
        """Keep the lane for so long from now."""
        entry = self._claimed(delivery)
        if entry is None:
            return succeed(False)
        line = self._line(delivery.queue)
        line.set_due(line.lanes[entry.lane], self._now_ms() + visibility_ms)
        return succeed(True)

    def stats(self) -> Deferred[QueueStats]:
        """Count everything."""
        queues = {name: self._figures(name, line) for name, line in sorted(self._lines.items())}
        return succeed(
            QueueStats(
                backend=self.backend,
                durable=False,
                queues=queues,
                counters=dict(self._counters),
                limits=LIMITS,
            )
        )

    def inspect(
        self, queue: str, limit: int, after: int, lane: str, dead: bool
    ) -> Deferred[Sequence[QueuedMessage]]:
        """One page of what waits, or of the dead."""
        everything = self._dead() if dead else self._waiting()
        page: list[QueuedMessage] = []
        for one in everything:
            fits = one.queue == (queue or one.queue) and one.lane == (lane or one.lane)
            if fits and one.position > after and len(page) < limit:
                page.append(one)
        return succeed(page)

    def find(self, message_id: str) -> Deferred[QueuedMessage | None]:
        """One message, waiting or dead."""
        entry = self._entries.get(message_id)
        if entry is not None:
            return succeed(self._seen(entry))
        letter = self._letters.get(message_id)
        return succeed(letter.shown if letter else None)

    def revive(self, ids: Sequence[str]) -> Deferred[Sequence[str]]:
        """Put dead letters at the end of their lanes, if there is room for all of them."""
        found = {one: self._letters[one] for one in ids if one in self._letters}
        more = Counter(letter.shown.queue for letter in found.values())
        for queue, count in more.items():
            if self._line(queue).depth + count > self._rules.max_size:
                return fail(no_room(queue, self._rules.max_size))
        now = self._now_ms()
        for message_id, letter in found.items():
            shown = self._letters.pop(message_id).shown
            message = NewMessage(id=message_id, queue=shown.queue, lane=shown.lane, body=shown.body)
            self._add(message, shown.lane, letter.enqueued_at_ms, now)
        self._wakes.ready(more)
        return succeed(list(found))

    def discard(self, ids: Sequence[str]) -> Deferred[Sequence[str]]:
        """Forget dead letters."""
        found = [one for one in dict.fromkeys(ids) if self._letters.pop(one, None)]
        return succeed(found)

    def expire(self, now_ms: int) -> Deferred[int]:
        """Forget letters and ids that were kept long enough."""
        self._recent.forget(now_ms)
        before = now_ms - self._rules.dead_max_age_ms
        over = [one for one, letter in self._letters.items() if letter.shown.at_ms <= before]
        for message_id in over:
            del self._letters[message_id]
        self._counters["expired"] += len(over)
        return succeed(len(over))

    def on_ready(self, queue: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Ask to be told when a queue may have work."""
        return self._wakes.on_ready(queue, callback)

    def _knows(self, message_id: str, now: int) -> bool:
        kept = message_id in self._entries or message_id in self._letters
        return kept or self._recent.has(message_id, now)

    def _line(self, queue: str) -> Line:
        return self._lines.setdefault(queue, Line())

    def _add(self, message: NewMessage, lane: str, enqueued_at_ms: int, now: int) -> None:
        self._positions += 1
        entry = Entry(message, lane, self._positions, enqueued_at_ms, message.not_before_ms)
        self._entries[message.id] = entry
        self._line(message.queue).add(entry, now)

    def _claimed(self, delivery: Delivery) -> Entry | None:
        """The message, if this claim of it is the latest and still open."""
        entry = self._entries.get(delivery.id)
        if entry is None or entry.message.queue != delivery.queue:
            return None
        return entry if entry.fence == delivery.fence else None

    def _release(self, entry: Entry, due: int) -> None:
        entry.fence = 0
        line = self._line(entry.message.queue)
        line.set_due(line.lanes[entry.lane], due)

    def _take_out(self, entry: Entry) -> None:
        del self._entries[entry.message.id]
        queue = entry.message.queue
        if self._line(queue).take_out(entry, self._now_ms()):
            self._wakes.ready((queue,))

    def _seen(self, entry: Entry) -> QueuedMessage:
        return entry.seen(self._line(entry.message.queue).state_of(entry, self._now_ms()))

    def _waiting(self) -> Iterable[QueuedMessage]:
        return map(self._seen, self._entries.values())

    def _dead(self) -> Iterable[QueuedMessage]:
        return (letter.shown for letter in self._letters.values())

    def _figures(self, name: str, line: Line) -> QueueFigures:
        shown = [self._seen(entry) for lane in line.lanes.values() for entry in lane.entries]
        states = Counter(one.state for one in shown)
        states.update(one.state for one in self._dead() if one.queue == name)
        oldest = min((one.at_ms for one in shown if one.state != "running"), default=None)
        return QueueFigures(
            **states,
            lanes=len(line.lanes),
            oldest_age_ms=0 if oldest is None else max(0, self._now_ms() - oldest),
        )
