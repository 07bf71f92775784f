"""What waits, what is worked on and what is dead, as operators see it; never a whole message."""

from typing import Annotated

from msgspec import Meta

from openclaw.protocol.base import UNSET, UnsetType, Wire
from openclaw.protocol.schema.common import Count

Page = Annotated[int, Meta(ge=1, le=1000)]
Name = Annotated[str, Meta(max_length=512)]
Ids = Annotated[list[Annotated[str, Meta(min_length=1, max_length=512)]], Meta(max_length=1000)]


class QueueStatusParams(Wire, frozen=True, kw_only=True):
    """Params of ``queue.status``.

    :ivar dead_letter: list the dead letters, too.
    :ivar limit: at most so many of them, the oldest first.
    """

    dead_letter: bool = False
    limit: Page = 100


class QueueCounts(Wire, frozen=True, kw_only=True):
    """One queue, counted now.

    :ivar delayed: wait for their time, after a failure for instance.
    :ivar unknown: dead letters that may have been delivered; not among the ``dead``.
    :ivar lanes: conversations with a message in the queue.
    :ivar oldest_age_ms: of what waits; 0 if nothing does.
    """

    ready: int
    delayed: int
    running: int
    dead: int
    unknown: int
    lanes: int
    oldest_age_ms: int


class QueueRow(QueueCounts, frozen=True, kw_only=True):
    """One queue with its name: ``in``, or ``out:<channel>:<account>``."""

    queue: str


class QueuedRow(Wire, frozen=True, kw_only=True):
    """One message that waits, runs or is dead.

    :ivar state: ``ready``, ``delayed``, ``running``, ``dead`` or ``unknown``.
    :ivar attempts: claims so far.
    :ivar age_ms: since it was enqueued; since it died, for a dead one.
    :ivar position: its place, to ask for what comes after it.
    :ivar reason: why it is dead, with one line for each failure before.
    :ivar preview: the beginning of its text, without secrets; absent if it has none.
    """

    id: str
    queue: str
    lane: str
    state: str
    attempts: int
    age_ms: int
    position: int
    reason: str | UnsetType = UNSET
    preview: str | UnsetType = UNSET


class QueueStatus(Wire, frozen=True, kw_only=True):
    """Result of ``queue.status``.

    :ivar durable: what waits outlives the process.
    :ivar limits: what this backend cannot do, in words.
    """

    backend: str
    durable: bool
    queues: list[QueueRow]
    limits: list[str]
    dead_letters: list[QueuedRow] | UnsetType = UNSET


class QueueStatsParams(Wire, frozen=True, kw_only=True):
    """Params of ``queue.stats``.

    :ivar detailed: each queue by itself, too.
    """

    detailed: bool = False


class QueueStatsResult(Wire, frozen=True, kw_only=True):
    """Result of ``queue.stats``.

    :ivar total: all queues together; the oldest of all.
    :ivar counters: since the start: ``enqueued duplicates full acked retried buried expired``.
    """

    backend: str
    durable: bool
    total: QueueCounts
    counters: dict[str, int]
    limits: list[str]
    queues: list[QueueRow] | UnsetType = UNSET


class QueueInspectParams(Wire, frozen=True, kw_only=True):
    """Params of ``queue.inspect``.

    :ivar queue: only this one; empty for all.
    :ivar lane: only this one, a session key for the inbox.
    :ivar after: what comes after this position.
    :ivar dead_letter: the dead letters instead of what waits.
    """

    limit: Page = 10
    queue: Name = ""
    lane: Name = ""
    after: Count = 0
    dead_letter: bool = False


class QueueInspected(Wire, frozen=True, kw_only=True):
    """Result of ``queue.inspect``: the oldest first."""

    messages: list[QueuedRow]


class QueueIdsParams(Wire, frozen=True, kw_only=True):
    """Params of ``queue.retry`` and ``queue.discard``: ids of dead letters."""

    ids: Ids


class QueueDone(Wire, frozen=True, kw_only=True):
    """Result of ``queue.retry`` and ``queue.discard``.

    :ivar done: the ids for which it was done.
    :ivar missing: the others: no dead letter has such an id.
    """

    done: list[str]
    missing: list[str]
