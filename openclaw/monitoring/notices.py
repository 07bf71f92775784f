"""What the gateway noticed of itself that is out of the ordinary; bounded, newest kept."""

from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime

from openclaw.protocol.base import UNSET, UnsetType
from openclaw.protocol.schema.system import Stability, StabilityEvent, StabilitySummary

CAPACITY = 256


class Notices:
    """A short memory of slow consumers, failed stores, interrupted runs and the like."""

    def __init__(self, now_ms: Callable[[], int], capacity: int = CAPACITY) -> None:
        self._now_ms = now_ms
        self._capacity = capacity
        self._events: deque[StabilityEvent] = deque(maxlen=capacity)
        self._by_type: Counter[str] = Counter()

    def note(self, kind: str, detail: str) -> None:
        """Remember one."""
        self._by_type[kind] += 1
        self._events.append(
            StabilityEvent(
                seq=self._by_type.total(), ts=self._now_ms(), type=kind, detail=detail[:500]
            )
        )

    def report(self, limit: int, kind: str | UnsetType = UNSET) -> Stability:
        """The latest, newest last, all or of one kind."""
        wanted = [one for one in self._events if kind is UNSET or one.type == kind]
        moment = datetime.fromtimestamp(self._now_ms() / 1000, UTC)
        return Stability(
            generated_at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            capacity=self._capacity,
            count=len(wanted),
            dropped=self._by_type.total() - len(self._events),
            events=wanted[-limit:],
            summary=StabilitySummary(by_type=dict(self._by_type)),
        )
