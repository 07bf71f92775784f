"""What a check is and what it finds; knows no check."""

from collections.abc import Callable, Iterator
from typing import Literal

from attrs import field, frozen

from openclaw.config.audit.facts import Facts

Severity = Literal["critical", "warn", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warn", "info")


@frozen
class Found:
    """One place where something is wrong.

    :ivar where: a file or a JSON path.
    :ivar what: in one sentence; never a secret.
    """

    where: str
    what: str


@frozen
class Finding:
    """What an operator reads.

    :ivar next: one step to take.
    """

    id: str
    severity: Severity
    what: str
    where: str
    next: str


Look = Callable[[Facts], Iterator[Found]]


@frozen
class Check:
    """One thing that is looked for.

    :ivar next: the step to take; ``{where}`` stands for the place.
    """

    id: str
    severity: Severity
    next: str
    look: Look = field(repr=False)

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """Everything it finds."""
        for found in self.look(facts):
            step = self.next.replace("{where}", found.where)
            yield Finding(self.id, self.severity, found.what, found.where, step)


def check(id: str, severity: Severity, next: str) -> Callable[[Look], Check]:
    """Make a check of a function."""
    return lambda look: Check(id, severity, next, look)
