"""How attacks are judged: what an input achieved against what an oracle allows. Attacks nothing."""

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

Test = TypeVar("Test", bound=Callable[..., Any])
_SHOWN = 5


@define
class Verdict:
    """The outcome of one attack.

    :ivar tried: hostile inputs.
    :ivar friendly: inputs that had to succeed; a wall that lets nobody in protects nothing.
    :ivar breaches: hostile inputs that succeeded.
    :ivar turned_away: friendly inputs that did not.
    """

    tried: int = 0
    friendly: int = 0
    breaches: list[str] = field(factory=list)
    turned_away: list[str] = field(factory=list)

    def note(self, what: object, happened: bool, may: bool = False) -> None:
        """Judge one input.

        :param happened: whether it got what it came for.
        :param may: whether the oracle allows that.
        """
        if may:
            self.friendly += 1
        else:
            self.tried += 1
        if happened and not may:
            self.breaches.append(repr(what)[:300])
        elif may and not happened:
            self.turned_away.append(repr(what)[:300])

    def __add__(self, other: "Verdict") -> "Verdict":
        return Verdict(
            self.tried + other.tried,
            self.friendly + other.friendly,
            self.breaches + other.breaches,
            self.turned_away + other.turned_away,
        )


def hostile(inputs: int) -> Callable[[Test], Test]:
    """Say how many hostile inputs a test tries, neither more nor fewer."""

    def mark(test: Test) -> Test:
        test.inputs = inputs  # type: ignore[attr-defined]  # A note beside the function.
        return test

    return mark


class AttackCase(SynchronousTestCase):
    """Words for the end of an attack."""

    def held(self, verdict: Verdict) -> None:
        """Nothing hostile succeeded, nothing friendly failed, and all was tried."""
        held(self, verdict)

    def caught(self, verdict: Verdict) -> None:
        """The same attack finds the planted fault."""
        caught(self, verdict)


def held(case: SynchronousTestCase, verdict: Verdict) -> None:
    """See :meth:`AttackCase.held`; also for cases on the real reactor."""
    case.assertEqual(verdict.breaches[:_SHOWN], [], f"{len(verdict.breaches)} inputs succeeded")
    case.assertEqual(verdict.turned_away[:_SHOWN], [], "friendly inputs were refused")
    case.assertEqual(verdict.tried, getattr(case, case._testMethodName).inputs)


def caught(case: SynchronousTestCase, verdict: Verdict) -> None:
    """See :meth:`AttackCase.caught`."""
    case.assertNotEqual(verdict.breaches, [], "the planted fault was not found")
