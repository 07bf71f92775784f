"""The gateway's counts of itself, in one place for those who ask."""

from collections import Counter
from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from zope.interface import implementer

from openclaw.interfaces.monitoring import IFigures
from openclaw.monitoring.lag import ReactorLag, resident_bytes
from openclaw.monitoring.notices import Notices
from openclaw.monitoring.usage import UsageReport
from openclaw.protocol.base import UnsetType
from openclaw.protocol.schema.system import EventLoop, Stability, TaskFigures, UsageCost

_FAILURES = frozenset({"failed", "timeout", "interrupted"})


@implementer(IFigures)
@define
class Figures:
    """Counters of this process.

    :ivar active_runs: how many runs there are now; set once runs are made.
    :ivar messages: what became of the events of channel accounts: account, outcome.
    """

    clock_ms: Callable[[], int]
    started_at_ms: int
    lag: ReactorLag
    notices: Notices
    usage: UsageReport
    active_runs: Callable[[], int] = int
    messages: Counter[tuple[str, str]] = field(factory=Counter, init=False)
    _ended: Counter[str] = field(factory=Counter, init=False)

    def count_run(self, state: str) -> None:
        """A run has ended."""
        self._ended[state] += 1
        if state in _FAILURES:
            self.notices.note(f"run.{state}", "a run did not end well")

    def count_message(self, account: str, outcome: str) -> None:
        """An event came from a platform."""
        self.messages[account, outcome] += 1

    def now_ms(self) -> int:
        """See :meth:`IFigures.now_ms`."""
        return self.clock_ms()

    def uptime_ms(self) -> int:
        """See :meth:`IFigures.uptime_ms`."""
        return self.clock_ms() - self.started_at_ms

    def resident_bytes(self) -> int:
        """See :meth:`IFigures.resident_bytes`."""
        return resident_bytes()

    def event_loop(self) -> EventLoop:
        """See :meth:`IFigures.event_loop`."""
        return self.lag.figures()

    def runs(self) -> TaskFigures:
        """See :meth:`IFigures.runs`."""
        terminal, active = self._ended.total(), self.active_runs()
        return TaskFigures(
            total=terminal + active,
            active=active,
            terminal=terminal,
            failures=sum(self._ended[state] for state in _FAILURES),
            by_status={
                "queued": 0,
                "running": active,
                "succeeded": self._ended["done"],
                "failed": self._ended["failed"],
                "timed_out": self._ended["timeout"],
                "cancelled": self._ended["aborted"],
                "lost": self._ended["interrupted"],
            },
            by_runtime={"agent": terminal + active},
        )

    def stability(self, limit: int, kind: str | UnsetType) -> Stability:
        """See :meth:`IFigures.stability`."""
        return self.notices.report(limit, kind)

    def cost(self, days: int) -> Deferred[UsageCost]:
        """See :meth:`IFigures.cost`."""
        return self.usage.cost(days)
