"""Where every step of a message's way is noted, and where operators read it."""

from collections.abc import Sequence

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import Interface


@frozen
class TraceStep:
    """One step of one message.

    :ivar detail: a word or two: a reason, a session, a platform's id; never what was said.
    """

    at_ms: int
    step: str
    detail: str = ""


class ITraces(Interface):
    """What became of messages; kept for as long as their dead letters are."""

    def note(key: str, step: str, detail: str = "") -> None:
        """Note a step. Cheap: it is written with others, a moment later."""

    def link(key: str, other: str) -> None:
        """From here on ``other`` (a run, a reply) belongs to the story of ``key``."""

    def read(key: str) -> Deferred[Sequence[TraceStep]]:
        """Every step of a message, in order, with those of what is linked to it."""
