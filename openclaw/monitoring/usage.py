"""Tokens by day, from the runs the journal recorded."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from openclaw.deferreds import deferred
from openclaw.interfaces.storage import IStore, ITransaction, Row
from openclaw.protocol.schema.system import CostTotals, DailyCost, UsageCost

DAY_MS = 86_400_000


def _by_day(tx: ITransaction, *, since: int) -> list[Row]:
    return tx.rows(
        "select at / 86400000, sum(input), sum(output), count(*) from usage"
        " where at >= :since group by 1 order by 1",
        since=since,
    )


class UsageReport:
    """Sums up what the models took; prices are not known here, so runs count as unpriced."""

    def __init__(self, store: IStore, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._now_ms = now_ms

    @deferred
    async def cost(self, days: int) -> UsageCost:
        """The last ``days`` days, UTC, today included."""
        now = self._now_ms()
        first = now // DAY_MS - days + 1
        rows = await self._store.read(_by_day, since=first * DAY_MS)
        used = {int(day): (int(sent), int(got), int(runs)) for day, sent, got, runs in rows}
        start = datetime.fromtimestamp(first * DAY_MS / 1000, UTC).date()
        daily = [
            _day(start + timedelta(days=at), *used.get(first + at, (0, 0, 0))) for at in range(days)
        ]
        totals = CostTotals(
            input=sum(day.input for day in daily),
            output=sum(day.output for day in daily),
            total_tokens=sum(day.total_tokens for day in daily),
            missing_cost_entries=sum(day.missing_cost_entries for day in daily),
        )
        return UsageCost(updated_at=now, days=days, daily=daily, totals=totals)


def _day(day: date, sent: int, received: int, runs: int) -> DailyCost:
    return DailyCost(
        date=day.isoformat(),
        input=sent,
        output=received,
        total_tokens=sent + received,
        missing_cost_entries=runs,
    )
