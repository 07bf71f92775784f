"""How fast lines may leave: a few at once, then one after each pause; servers throw out floods."""

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater


class Pace:
    """A bucket of lines for one connection; whoever waits does so one after the other.

    :param burst: lines that may leave at once.
    :param seconds: after which one more may.
    """

    def __init__(self, clock: IReactorTime, burst: int, seconds: float) -> None:
        self._clock = clock
        self._burst = float(burst)
        self._seconds = seconds
        self._left = float(burst)
        self._at = clock.seconds()

    def wait_ms(self) -> int:
        """Milliseconds until one more line may leave; 0: now."""
        self._fill()
        return 0 if self._left >= 1 else int((1 - self._left) * self._seconds * 1000) + 1

    async def take(self) -> None:
        """Wait until one more line may leave, and count it."""
        self._fill()
        while self._left < 1:
            await deferLater(self._clock, (1 - self._left) * self._seconds + 0.001)
            self._fill()
        self._left -= 1

    def _fill(self) -> None:
        now = self._clock.seconds()
        gained = (now - self._at) / self._seconds if self._seconds else self._burst
        self._left, self._at = min(self._burst, self._left + gained), now
