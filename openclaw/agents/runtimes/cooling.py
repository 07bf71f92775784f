"""Which models failed lately, so that a dead one is not asked first every time; kept in memory."""

from attrs import frozen

from openclaw.errors import ModelError
from openclaw.interfaces.agents import ModelInfo

STEPS_SECONDS = (60.0, 300.0, 1500.0, 3600.0)
"""How long a model is left alone after its first, second, third and every further failure."""

OF_PROVIDER = frozenset({"auth", "billing"})
"""Reasons that are the whole provider's: every model of it has the same key."""


@frozen
class _Rest:
    until: float
    failures: int


class Cooling:
    """The memory of failures.

    Times are those of the clock that the caller reads; a model that was never asked is ready.
    """

    def __init__(self) -> None:
        self._resting: dict[str, _Rest] = {}

    def failed(self, model: ModelInfo, error: ModelError, now: float) -> float:
        """Note a failure.

        :return: until when the model is left alone.
        """
        key = model.provider if error.failover_reason in OF_PROVIDER else model.ref
        before = self._resting.get(key)
        failures = before.failures if before is not None else 0
        if before is None or before.until <= now:
            failures += 1  # Failures of runs that were on their way count as one.
        seconds = STEPS_SECONDS[min(failures, len(STEPS_SECONDS)) - 1]
        asked = (error.retry_after_ms or 0) / 1000
        until = now + min(max(seconds, asked), STEPS_SECONDS[-1])
        self._resting[key] = _Rest(until, failures)
        return until

    def answered(self, model: ModelInfo) -> None:
        """Note that a model works."""
        self._resting.pop(model.ref, None)
        self._resting.pop(model.provider, None)

    def until(self, model: ModelInfo, now: float) -> float:
        """Until when a model is left alone; 0 if it is ready."""
        found = (self._resting.get(model.ref), self._resting.get(model.provider))
        return max((one.until for one in found if one is not None and one.until > now), default=0.0)
