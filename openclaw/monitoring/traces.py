"""The story of each message, step by step; written together, a moment after it happened."""

from collections.abc import Callable, Sequence

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.interfaces.storage import IStore, ITransaction, Row
from openclaw.interfaces.tracing import ITraces, TraceStep

FLUSH_SECONDS = 0.5
MOST_WAITING = 20_000
MOST_STEPS = 1_000
KEPT_MS = 7 * 24 * 3_600_000
DETAIL_CHARACTERS = 300
MOST_LINKS = 50

_LINK = "->"


@frozen
class _Step:
    key: str
    at_ms: int
    step: str
    detail: str


def _write(tx: ITransaction, *, steps: Sequence[_Step]) -> None:
    tx.execute_each(
        "insert into trace(key, at, step, detail) values (:key, :at, :step, :detail)",
        [
            {"key": one.key, "at": one.at_ms, "step": one.step, "detail": one.detail}
            for one in steps
        ],
    )


def _read(tx: ITransaction, *, key: str) -> list[Row]:
    """The steps of a message and of what is linked to it, however far."""
    found: list[Row] = []
    keys, seen = [key], {key}
    while keys and len(seen) <= MOST_LINKS:
        for row in tx.rows(
            "select id, at, step, detail from trace where key = :key order by id limit :most",
            key=keys.pop(),
            most=MOST_STEPS,
        ):
            found.append(row)
            if row[2] == _LINK and row[3] not in seen:
                seen.add(row[3])
                keys.append(row[3])
    return sorted(found, key=lambda row: (row[1], row[0]))


def _forget(tx: ITransaction, *, before: int) -> int:
    return tx.execute("delete from trace where at < :before", before=before)


@implementer(ITraces)
class Traces(Service):
    """Gathers steps, and writes them twice a second.

    What a kill takes from the last half second is told by queue and journal; a trace is for people
    who look, and never what a decision is taken from.
    """

    _log = Logger()

    def __init__(
        self, store: IStore, clock: IReactorTime, now_ms: Callable[[], int], kept_ms: int = KEPT_MS
    ) -> None:
        self.setName("traces")
        self._store = store
        self._clock = clock
        self._now_ms = now_ms
        self._kept_ms = kept_ms
        self._steps: list[_Step] = []
        self._timer: IDelayedCall | None = None
        self._stopped = False

    def note(self, key: str, step: str, detail: str = "") -> None:
        """See :meth:`ITraces.note`."""
        if self._stopped:
            return  # What ends after everything else has no journal to be written to.
        if len(self._steps) < MOST_WAITING:
            self._steps.append(_Step(key, self._now_ms(), step, detail[:DETAIL_CHARACTERS]))
        if self._timer is None:
            self._timer = self._clock.callLater(FLUSH_SECONDS, self._flush)

    def link(self, key: str, other: str) -> None:
        """See :meth:`ITraces.link`."""
        self.note(key, _LINK, other)

    @deferred
    async def read(self, key: str) -> Sequence[TraceStep]:
        """See :meth:`ITraces.read`."""
        await self._flush()
        rows = await self._store.read(_read, key=key)
        return [TraceStep(at, step, detail) for _, at, step, detail in rows]

    @deferred
    async def forget(self) -> None:
        """Forget what is old."""
        await self._store.run(_forget, before=self._now_ms() - self._kept_ms)

    def startService(self) -> None:
        """Nothing to do: the first step starts the writing."""
        super().startService()
        self._stopped = False

    def stopService(self) -> Deferred[None]:
        """Write what is left; fires when that is done, or cannot be."""
        super().stopService()
        self._stopped = True
        return self._flush()

    def _flush(self) -> Deferred[None]:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        steps, self._steps = self._steps, []
        if not steps:
            return succeed(None)
        written = self._store.run(_write, steps=steps)
        written.addErrback(
            lambda failure: self._log.warn("traces lost: {why}", why=failure.getErrorMessage())
        )
        return written
