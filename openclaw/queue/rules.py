"""What one queue may hold, how long it remembers, and what keeps its order; no backend."""

from typing import Literal

from attrs import frozen

from openclaw.interfaces.queue import NewMessage, QueueFull

Guarantee = Literal["per_session", "global", "none"]
EVERYTHING = "*"


@frozen(kw_only=True)
class QueueRules:
    """The bounds that all backends keep.

    :ivar max_size: most messages that wait or run in one queue; the dead do not count.
    :ivar remember_ms: for how long after it was accepted an id is a duplicate; 0: only as long as
        its message is kept.
    :ivar keep_dead: whether there are dead letters; without them what is given up is gone.
    :ivar dead_max_age_ms: how long they are kept.
    :ivar guarantee: within what messages keep their order: their lane, the whole queue, nothing.
    """

    max_size: int = 10_000
    remember_ms: int = 300_000
    keep_dead: bool = True
    dead_max_age_ms: int = 604_800_000
    guarantee: Guarantee = "per_session"

    def lane_of(self, message: NewMessage) -> str:
        """The lane that a message really waits in."""
        if self.guarantee == "per_session":
            return message.lane
        return EVERYTHING if self.guarantee == "global" else message.id


def no_room(queue: str, most: int) -> QueueFull:
    """What ``enqueue`` fails with at the limit."""
    return QueueFull(
        f"the queue {queue} holds {most} messages, as many as queue.config.maxSize allows"
    )
