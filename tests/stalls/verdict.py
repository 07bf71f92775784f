"""Whether one turn of the reactor was held, and by what: arithmetic on what was seen of it.

A turn is everything between two looks of the reactor at its sockets. Wall time alone judges
nothing: a machine that is busy elsewhere makes any turn long. So two things are counted apart.
*Computing* is CPU time of the reactor's thread, less what the hypervisor took from the machine.
*Waiting* is time in which the thread could have run, did not, and slept in a call.

Both count only as far as product code was seen to be at it, and whatever is in doubt does not
count. When whoever looks comes late itself, no core was free or another thread held the
interpreter, and that may have kept the reactor too: so much is no waiting. Nor is it known what
was computed at first, unless the same call of product code goes on before and after.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

LIMIT_SECONDS = 0.25
TICK_SECONDS = 0.025
# Whoever looks may be kept from a core for this long before it has asked for the interpreter; from
# then on Python hands it over within milliseconds, so that what still runs is a single call.
DOUBT_SECONDS = 0.5
_ASLEEP = 0.8

PRODUCT, TESTS, NOBODY = "product", "tests", ""

Place = tuple[str, int, str]
"""One frame: the file, the line, the function."""


class Point(NamedTuple):
    """The clocks at one moment, in seconds; all but the first since some moment in the past.

    ``cpu`` and ``queued`` are of the reactor's thread: how long it ran, how long it waited for a
    core. ``stolen`` is what the hypervisor took, over all cores.
    """

    at: float
    cpu: float
    queued: float
    stolen: float


class Look(NamedTuple):
    """What one look at a turn showed.

    ``late`` is by how much the look itself came late; ``starved`` how much of the time since the
    look before whoever looks waited for a core; ``asleep`` whether the reactor's thread slept, but
    not for a disk; ``calls`` are the calls of product code that go on, as numbers.
    """

    point: Point
    late: float
    starved: float
    asleep: bool
    blame: str
    calls: frozenset[int]
    stack: tuple[Place, ...]


class Stall(NamedTuple):
    """A turn that was held: how, for how long, and the stack that took most of it."""

    kind: str
    seconds: float
    stack: tuple[Place, ...]

    def words(self) -> str:
        """The stall for people, innermost frame last."""
        lines = [f'  File "{file}", line {line}, in {name}' for file, line, name in self.stack]
        head = f"the reactor was held for {self.seconds * 1000:.0f} ms, {self.kind}:"
        return "\n".join([head, *lines])


class _Span(NamedTuple):
    """The time between two points of a turn, and the look that says what it was spent on."""

    wall: float
    cpu: float
    queued: float
    look: Look
    clear: bool
    one_call: bool
    late: float

    @property
    def seen(self) -> float:
        """How long the thread computed what the look shows; at least."""
        doubt = 0.0 if self.one_call else min(self.look.starved, DOUBT_SECONDS)
        return max(0.0, self.cpu - doubt)

    @property
    def idle(self) -> float:
        """For how long the thread could have run and did not want to; at least."""
        return self.wall - self.cpu - self.queued - self.late


def verdict(began: Point, looks: Sequence[Look], ended: Point) -> Stall | None:
    """Judge one turn by the looks at it."""
    spans = [one for one in _spans(began, looks, ended) if one.clear]
    stolen = ended.stolen - began.stolen
    computing = [(one.seen, one.look) for one in spans]
    waiting = [(one.idle, one.look) for one in spans if _slept(one)]
    return _held("computing", computing, stolen) or _held("blocked in a call", waiting, 0.0)


def _spans(began: Point, looks: Sequence[Look], ended: Point) -> Iterator[_Span]:
    point, clear, calls = began, True, frozenset[int]()
    for look in looks:
        product = look.blame == PRODUCT
        one_call = bool(calls & look.calls)
        yield _span(point, look.point, look, clear and product, one_call, look.late)
        point, clear, calls = look.point, product, look.calls
    if looks:
        # Nobody looked at the end of it: it belongs to the last look if that is no time ago.
        short = ended.at - point.at <= 2 * TICK_SECONDS
        yield _span(point, ended, looks[-1], clear and short, False, 0.0)


def _span(start: Point, end: Point, look: Look, clear: bool, one_call: bool, late: float) -> _Span:
    wall, cpu, queued = end.at - start.at, end.cpu - start.cpu, end.queued - start.queued
    return _Span(wall, cpu, queued, look, clear, one_call, late)


def _slept(span: _Span) -> bool:
    """Whether the thread neither ran nor wanted to; who shares the interpreter does both."""
    ran = span.cpu + span.queued
    return span.look.asleep and ran <= (1 - _ASLEEP) * span.wall and span.idle > 0


def _held(kind: str, parts: Sequence[tuple[float, Look]], less: float) -> Stall | None:
    seconds = sum(part for part, _ in parts) - less
    if seconds <= LIMIT_SECONDS:
        return None
    _, most = max(parts, key=lambda part: part[0])
    return Stall(kind, seconds, most.stack)
