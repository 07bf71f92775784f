"""Where a gateway may die: every place where something becomes durable, leaves or is acknowledged.

What the table names is called in the product once for each message on its way, so a process that
dies before, inside or after the n-th call dies at exactly that step of some message.
"""

from collections.abc import Iterator
from typing import Literal

from attrs import frozen

Moment = Literal["before", "inside", "after"]


@frozen
class Boundary:
    """One step of a message.

    :ivar place: a key of :data:`JOURNAL` or :data:`CALLS`.
    :ivar moment: ``before`` it is asked for; ``inside`` the transaction, when everything is written
        and nothing committed; ``after``: it is done, and nobody has been told yet.
    """

    place: str
    moment: Moment

    def __str__(self) -> str:
        return f"{self.moment} {self.place}"


JOURNAL: dict[str, tuple[str, str]] = {
    "message into the inbox": ("enqueue", "in"),
    "message claimed": ("claim", "in"),
    "input accepted": ("store_input", ""),
    "message done": ("ack", "in"),
    "place in the stream kept": ("_put_value", ""),
    "answer about to show": ("mark_shown", ""),
    "run ended": ("store_ending", ""),
    "reply into the outbox": ("enqueue_all", ""),
    "reply handed over": ("mark_replied", ""),
    "reply claimed": ("claim", "out"),
    "reply to be tried again": ("postpone", "out"),
    "reply recorded as sent": ("keep_sent", ""),
    "reply done": ("ack", "out"),
    "reply parked": ("bury", "out"),
    "claims released": ("release_all", ""),
    "start counted": ("mark_attempt", ""),
}
"""Transactions: the function's name, and the beginning of the queue's where it has one."""

CALLS: dict[str, str] = {
    "message received": "openclaw.channels.intake:Intake.take",
    "message handled": "openclaw.channels.inbox:InboxHandler.handle",
    "model asked": "openclaw.agents.runs:Runs._ask",
    "preview shown": "openclaw.channels.previews:Preview._call",
    "reply written": "openclaw.channels.replies:ChannelReplies.reply",
    "platform called": "openclaw.channels.delivery:Deliverer._call",
    "Telegram polled": "openclaw.channels.platforms.telegram.polling:Poller._poll",
    "Discord told": "openclaw.channels.platforms.discord.gateway:Connection._beat",
}
"""Everything else, by the function that does it."""

RARE = frozenset({"claims released", "reply parked", "reply to be tried again", "start counted"})
"""What may happen no more than once in a short life."""

AFTER: dict[str, Boundary] = {
    "reply parked": Boundary("platform called", "before"),
    "start counted": Boundary("model asked", "before"),
}
"""What is only met in a life behind one that ended there."""


def everywhere() -> Iterator[Boundary]:
    """Every boundary, in the order in which a message meets them."""
    for place, (function, _) in JOURNAL.items():
        # Nobody knows before a claim whether it will find anything.
        if function != "claim":
            yield Boundary(place, "before")
        yield Boundary(place, "inside")
        yield Boundary(place, "after")
    for place in CALLS:
        yield Boundary(place, "before")
        yield Boundary(place, "after")
