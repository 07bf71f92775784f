"""The eight phases of a start, in order, each logged with how long it took."""

from collections.abc import Callable

from twisted.logger import Logger

PHASES = ("config", "log", "skills", "gateway", "channels", "cron", "agent", "ready")


class Phases:
    """Measures the start, phase by phase.

    :param seconds: a monotonic clock.
    """

    _log = Logger()

    def __init__(self, seconds: Callable[[], float], began: float) -> None:
        self._seconds = seconds
        self._began = began
        self._mark = began
        self._spent: dict[str, float] = {}
        self.current = PHASES[0]

    def done(self, phase: str) -> None:
        """A phase is over; the next one begins."""
        now = self._seconds()
        self._spent[phase] = now - self._mark
        self._mark = now
        following = PHASES.index(phase) + 1
        self.current = PHASES[min(following, len(PHASES) - 1)]

    def report(self) -> None:
        """Log every phase that is over and was not logged yet."""
        for number, phase in enumerate(PHASES, 1):
            if phase in self._spent:
                self._log.info(
                    "start {number}/8 {phase}: {milliseconds} ms",
                    number=number,
                    phase=phase,
                    milliseconds=round(self._spent.pop(phase) * 1000),
                )

    def total_ms(self) -> int:
        """Milliseconds since the start began."""
        return round((self._seconds() - self._began) * 1000)
