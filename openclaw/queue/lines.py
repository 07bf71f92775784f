"""The lanes of one queue in memory: who may be claimed when; knows no ids and no dead letters."""

from collections import deque
from heapq import heappop, heappush

from attrs import define, field

from openclaw.interfaces.queue import Delivery, NewMessage, QueuedMessage
from openclaw.queue.history import FailedAttempt


@define(eq=False)
class Entry:
    """One message that waits or runs.

    :ivar position: where it stands among all messages.
    :ivar fence: that of its open claim; 0 if there is none.
    """

    message: NewMessage
    lane: str
    position: int
    enqueued_at_ms: int
    not_before_ms: int = 0
    attempts: int = 0
    fence: int = 0
    deaths: int = 0
    failures: list[FailedAttempt] = field(factory=list)

    def delivery(self) -> Delivery:
        """The message as its claimant sees it."""
        return Delivery(
            id=self.message.id,
            queue=self.message.queue,
            lane=self.lane,
            body=self.message.body,
            attempt=self.attempts,
            deaths=self.deaths,
            enqueued_at_ms=self.enqueued_at_ms,
            fence=self.fence,
        )

    def seen(self, state: str) -> QueuedMessage:
        """The message as operators see it."""
        return QueuedMessage(
            id=self.message.id,
            queue=self.message.queue,
            lane=self.lane,
            body=self.message.body,
            attempts=self.attempts,
            state=state,
            at_ms=self.enqueued_at_ms,
            position=self.position,
        )


@define(eq=False)
class Lane:
    """Messages in their order; ``due`` is when the first may be claimed, Unix milliseconds."""

    name: str
    due: int
    entries: deque[Entry] = field(factory=deque)


@define(eq=False)
class Line:
    """One queue."""

    depth: int = 0
    lanes: dict[str, Lane] = field(factory=dict)
    _fence: int = 0
    # What was due when; an entry that no longer fits its lane is skipped when it comes up.
    _due: list[tuple[int, int, Lane]] = field(factory=list)
    _pushed: int = 0

    def add(self, entry: Entry, now: int) -> None:
        """Put a message at the end of its lane."""
        lane = self.lanes.get(entry.lane)
        if lane is None:
            lane = self.lanes[entry.lane] = Lane(entry.lane, 0)
            self.set_due(lane, max(now, entry.not_before_ms))
        lane.entries.append(entry)
        self.depth += 1

    def claim(self, limit: int, now: int, until: int) -> list[Entry]:
        """Take the oldest message of each lane that is due, the longest due first."""
        claimed: list[Entry] = []
        if not self._due or self._due[0][0] > now:
            return claimed
        self._fence += 1
        while len(claimed) < limit and self._due and self._due[0][0] <= now:
            due, _, lane = heappop(self._due)
            if lane.due != due or self.lanes.get(lane.name) is not lane:
                continue
            entry = lane.entries[0]
            if entry.not_before_ms > now:
                self.set_due(lane, entry.not_before_ms)
                continue
            self.set_due(lane, until)
            entry.deaths += entry.fence != 0
            entry.attempts += 1
            entry.fence = self._fence
            claimed.append(entry)
        return sorted(claimed, key=lambda one: one.position)

    def take_out(self, entry: Entry, now: int) -> bool:
        """Remove the first message of its lane; tells whether the lane has another."""
        lane = self.lanes[entry.lane]
        lane.entries.popleft()
        self.depth -= 1
        if lane.entries:
            self.set_due(lane, now)
            return True
        del self.lanes[entry.lane]
        return False

    def set_due(self, lane: Lane, due: int) -> None:
        """Let a lane wait."""
        lane.due = due
        self._pushed += 1
        heappush(self._due, (due, self._pushed, lane))

    def state_of(self, entry: Entry, now: int) -> str:
        """What operators call the state of a message."""
        lane = self.lanes[entry.lane]
        blocked = lane.due > now
        if entry.fence and blocked:
            return "running"
        if entry.not_before_ms > now or (blocked and lane.entries[0] is entry):
            return "delayed"
        return "ready"
