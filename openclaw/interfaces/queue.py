"""What a queue promises, the same for every backend; no retry policy, no meaning of a message."""

from collections.abc import Callable, Sequence

from attrs import field, frozen
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

INBOX = "in"


def outbox(channel: str, account: str) -> str:
    """The queue of what waits to be sent by one account."""
    return f"out:{channel}:{account}"


class QueueFull(Exception):
    """The queue holds as much as it may; whoever sends has to wait."""


@frozen(kw_only=True)
class NewMessage:
    """Something to be worked on once.

    :ivar id: a message of the same id is a duplicate while the window of de-duplication lasts, and
        in any case as long as the first one waits or is a dead letter.
    :ivar lane: messages of one lane are worked on one after the other, in their order.
    :ivar not_before_ms: Unix milliseconds; 0 for at once.
    :ivar covers: ids that are duplicates too while the window lasts, from when this one is stored:
        of messages that are part of it.
    """

    id: str
    queue: str
    lane: str
    body: bytes
    not_before_ms: int = 0
    covers: tuple[str, ...] = ()


@frozen(kw_only=True)
class Delivery:
    """A claimed message.

    :ivar attempt: from 1.
    :ivar deaths: how many of the earlier claims since it was enqueued or revived ended neither in
        ``ack``, ``retry``, ``postpone`` nor ``bury``: their workers died or lost the lane in the
        middle, and what they did outside is unknown. They count among the attempts.
    :ivar fence: the number of the claim.
    """

    id: str
    queue: str
    lane: str
    body: bytes
    attempt: int
    deaths: int
    enqueued_at_ms: int
    fence: int

    @property
    def interrupted(self) -> bool:
        """Whether an earlier claim was left open, so that what became of it is unknown."""
        return self.deaths > 0


@frozen(kw_only=True)
class QueuedMessage:
    """A message as operators see it.

    :ivar state: ``ready``, ``delayed``, ``running``, ``dead``, or ``unknown`` for a dead letter
        that may have been delivered. Only the head of a lane is ever delayed by a retry.
    :ivar reason: why it is dead, with every attempt's failure.
    :ivar at_ms: when it was enqueued; when it died, for a dead one.
    """

    id: str
    queue: str
    lane: str
    body: bytes
    attempts: int
    state: str
    at_ms: int
    reason: str = ""
    position: int = 0


@frozen(kw_only=True)
class QueueFigures:
    """How one queue does.

    :ivar unknown: dead letters that may have been delivered; not counted among the ``dead``.
    :ivar oldest_age_ms: of what waits; 0 if nothing does.
    """

    ready: int = 0
    delayed: int = 0
    running: int = 0
    dead: int = 0
    unknown: int = 0
    lanes: int = 0
    oldest_age_ms: int = 0


@frozen(kw_only=True)
class QueueStats:
    """How the queues do, by name, and what was counted since the start.

    :ivar counters: ``enqueued duplicates full acked retried buried expired``.
    :ivar limits: what this backend cannot do, in words.
    """

    backend: str
    durable: bool
    queues: dict[str, QueueFigures]
    counters: dict[str, int] = field(factory=dict)
    limits: tuple[str, ...] = ()


class IQueue(Interface):
    """Messages in lanes; the backends differ only in what outlives what.

    Everything that fails does so with :class:`openclaw.errors.StoreError`, unless said otherwise.
    """

    backend: str = Attribute("Its name in the configuration: ``sqlite``, ``memory`` …")

    def enqueue(message: NewMessage) -> Deferred[bool]:
        """Store a message; fires when it is as durable as the backend makes it.

        :return: false for a duplicate; fails with :class:`QueueFull` at ``maxSize``.
        """

    def enqueue_all(messages: Sequence[NewMessage]) -> Deferred[int]:
        """Store several at once, all or none; fires with how many were no duplicates."""

    def claim(queue: str, limit: int, visibility_ms: int) -> Deferred[Sequence[Delivery]]:
        """Take work: at most one message of each lane, always its oldest.

        :param visibility_ms: how long nobody else gets the lane.
        """

    def ack(delivery: Delivery) -> Deferred[bool]:
        """The work is done. False if the claim is stale: then its result must be dropped."""

    def retry(delivery: Delivery, delay_ms: int, why: str) -> Deferred[bool]:
        """The work failed and left nothing behind: again later, the lane waits. False if stale."""

    def postpone(delivery: Delivery, delay_ms: int) -> Deferred[bool]:
        """It could not be tried yet (no connection, no room): not counted as an attempt."""

    def bury(delivery: Delivery, reason: str, unknown: bool = False) -> Deferred[bool]:
        """Give up: to the dead letters, with the reason. False if stale.

        :param unknown: it may have been delivered all the same; shown as such.
        """

    def extend(delivery: Delivery, visibility_ms: int) -> Deferred[bool]:
        """Still working. False if stale."""

    def stats() -> Deferred[QueueStats]:
        """Figures, counted now."""

    def inspect(
        queue: str, limit: int, after: int, lane: str, dead: bool
    ) -> Deferred[Sequence[QueuedMessage]]:
        """The oldest messages of a queue (of all, if empty), or the dead, in order.

        :param after: the ``position`` of the last one seen, 0 for the beginning.
        """

    def find(message_id: str) -> Deferred[QueuedMessage | None]:
        """One message, waiting or dead."""

    def revive(ids: Sequence[str]) -> Deferred[Sequence[str]]:
        """Put dead messages at the end of their lanes, with no attempts; fires with those found.

        All or none: fails with :class:`QueueFull` if there is no room for them.
        """

    def discard(ids: Sequence[str]) -> Deferred[Sequence[str]]:
        """Forget dead messages; fires with those found."""

    def expire(now_ms: int) -> Deferred[int]:
        """Forget dead letters and ids that were kept long enough; fires with how many letters."""

    def on_ready(queue: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Ask to be told when a queue may have work; a hint, never a promise. Returns the undo."""


class IQueueBackend(IQueue):
    """A queue as whoever made it sees it."""

    def open() -> Deferred[int]:
        """Get ready, before anything else and with nobody else at work.

        :return: fires with how many claims an earlier process had left open. They are released at
            once: what was claimed is claimed again as ``interrupted``.
        """


class IHandler(Interface):
    """Does the work of one queue; how it may fail is in :class:`Undelivered`."""

    def handle(delivery: Delivery) -> Deferred[None]:
        """Work on a message.

        :return: fires when it is done for good; fails with :class:`Undelivered`. Anything else it
            fails with counts as an attempt that left nothing behind.
        """

    def gave_up(delivery: Delivery, reason: str, unknown: bool) -> None:
        """Hear that a message is a dead letter now, after its last attempt or before it.

        :param unknown: nobody knows whether the work was done.
        """


class Undelivered(Exception):
    """The work was not done.

    :ivar kind: ``retry``: failed and left nothing behind; ``later``: could not be tried yet, not an
        attempt; ``never``: every attempt would fail; ``unknown``: it may have been done, and must
        not be repeated.
    :ivar after_ms: when it may be tried again, if the other side said so; else 0.
    """

    def __init__(self, message: str, kind: str, after_ms: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.after_ms = after_ms
