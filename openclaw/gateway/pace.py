"""Shares reactor turns between strangers at the door and clients inside; decides nothing."""

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

PER_TURN = 4
Work = Callable[[], object]


class Pace:
    """Let a few handshakes happen in each turn of the reactor, the others in the next ones.

    A handshake takes about a millisecond. All that have arrived at once would be done in one turn,
    and whoever is inside would wait for all of them; so he waits for a few at most. Whoever comes
    when nobody else does is not held up.

    :param per_turn: how much of it a turn may have.
    """

    def __init__(self, clock: IReactorTime, per_turn: int = PER_TURN) -> None:
        self._clock = clock
        self._per_turn = per_turn
        self._left = per_turn
        self._turning = False
        self._waiting: deque[Work] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def run(self, work: Work) -> None:
        """Do it now, or in a later turn, in the order of arrival.

        :param work: does not raise; looks for itself whether it is still wanted.
        """
        if not self._turning:
            self._turning = True
            self._clock.callLater(0, self._turn)
        if self._left > 0:
            self._left -= 1
            work()
        else:
            self._waiting.append(work)

    def _turn(self) -> None:
        self._turning = False
        self._left = self._per_turn
        for _ in range(min(self._per_turn, len(self._waiting))):
            self.run(self._waiting.popleft())
        if self._waiting and not self._turning:
            self._turning = True
            self._clock.callLater(0, self._turn)


class Calm:
    """Tell a thing that changes often only so often: at once after a pause, else a little later.

    What is told is the state at that moment, so nothing is lost but what was passed through.

    :param tell: tells it.
    :param pause_seconds: how long to wait after it was told, asked each time.
    """

    def __init__(
        self, clock: IReactorTime, tell: Callable[[], None], pause_seconds: Callable[[], float]
    ) -> None:
        self._clock = clock
        self._tell = tell
        self._pause_seconds = pause_seconds
        self._not_before = 0.0
        self._due = False

    def changed(self) -> None:
        """Tell it, now or soon."""
        if self._due:
            return
        wait = self._not_before - self._clock.seconds()
        if wait > 0:
            self._due = True
            self._clock.callLater(wait, self._later)
        else:
            self._now()

    def _later(self) -> None:
        self._due = False
        self._now()

    def _now(self) -> None:
        self._tell()
        self._not_before = self._clock.seconds() + self._pause_seconds()
