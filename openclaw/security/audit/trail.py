"""Collects notes and writes them in batches, so that no handshake waits for the disk."""

from collections.abc import Callable, Sequence

from attrs import evolve
from twisted.application.service import Service
from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.deferreds import Tasks, deferred
from openclaw.errors import StoreError
from openclaw.interfaces.audit import AuditEntry, AuditVerdict, Detail, IAuditTrail
from openclaw.interfaces.storage import IStore
from openclaw.security.audit.chain import Chain
from openclaw.security.audit.rows import Keep, append, check_ends, check_part, read_page
from openclaw.security.limits.buckets import Bucket, Rate

DELAY_SECONDS = 1.0
MOST_WAITING = 5_000
MOST_PER_BATCH = 500
TEXT_LENGTH = 300
OVERFLOW_SECONDS = 600.0
_CHECKED_AT_ONCE = 1_000
_DAY_MS = 86_400_000
_DAY_MINUTES = 1440
# What anybody can cause who reaches the port, as often as they like and each time another way.
_OF_STRANGERS = frozenset(("connect.refused", "http.refused"))


@implementer(IAuditTrail)
class AuditTrail(Service):
    """The trail.

    Notes are written a second after the first of them, all at once. The same thing again within
    that second is counted, not repeated; and what a flood leaves no room for is counted as well.
    Strangers fill half of the trail at most, however long they knock: else they could have what
    operators decided washed out of it.

    :param now_ms: Unix milliseconds.
    :param rows: how many entries are kept.
    :param days: for how long.
    """

    _log = Logger()
    name = "audit"

    def __init__(
        self,
        store: IStore,
        chain: Chain,
        clock: IReactorTime,
        now_ms: Callable[[], int],
        *,
        rows: int = 100_000,
        days: int = 90,
    ) -> None:
        self._store = store
        self._chain = chain
        self._clock = clock
        self._now_ms = now_ms
        self._rows = rows
        self._days = days
        self._waiting: dict[object, AuditEntry] = {}
        self._left_out = 0
        self._told_of_it = -OVERFLOW_SECONDS
        half = max(1, rows // 2)
        self._strangers = Bucket(Rate(half / (days * _DAY_MINUTES), burst=max(1, rows // 100)))
        self._due: IDelayedCall | None = None
        self._writing = DeferredLock()
        self._tasks = Tasks()

    def startService(self) -> None:
        """Write what was noted before the journal could be used, and what comes."""
        super().startService()
        self._plan()

    @deferred
    async def stopService(self) -> None:
        """Stop; fires when everything noted is on disk."""
        super().stopService()
        if self._due is not None and self._due.active():
            self._due.cancel()
        await self._tasks.cancel()
        await self.flush()

    def note(self, kind: str, subject: str, /, **detail: Detail) -> None:
        """See :meth:`IAudit.note`."""
        kept = {name: _short(value) for name, value in detail.items()}
        key = (kind, subject, tuple(kept.items()))
        known = self._waiting.get(key)
        if known is not None:
            self._waiting[key] = evolve(known, count=known.count + 1)
        elif len(self._waiting) >= MOST_WAITING or not self._has_room(kind):
            self._left_out += 1
        else:
            self._waiting[key] = AuditEntry(
                id=0, at_ms=self._now_ms(), kind=kind, subject=_cut(subject), detail=kept
            )
            self._plan()

    def _has_room(self, kind: str) -> bool:
        """Whether one more entry of this kind is to be kept by itself."""
        if kind not in _OF_STRANGERS:
            return True
        now = self._clock.seconds()
        if self._strangers.wait(now):
            return False
        self._strangers.take(now)
        return True

    @deferred
    async def flush(self) -> None:
        """Write what waits; what cannot be written waits on."""
        async with self._writing:
            while self._waiting:
                try:
                    await self._write()
                except StoreError as error:
                    self._log.warn("audit not written: {why}", why=error.message)
                    return

    @deferred
    async def page(self, limit: int, after: int | None, kind: str) -> Sequence[AuditEntry]:
        """See :meth:`IAuditTrail.page`; what was noted just now is in it."""
        await self.flush()
        return await self._store.read(read_page, limit=limit, after=after, kind=kind)

    @deferred
    async def verify(self) -> AuditVerdict:
        """See :meth:`IAuditTrail.verify`."""
        await self.flush()
        async with self._writing:  # Trimming in the middle would look like a gap.
            ends, believed = await self._store.read(check_ends, chain=self._chain)
            if not believed:
                return AuditVerdict(entries=0, broken_at=ends.first_id)
            entries, value = 0, ends.before
            while ends.first_id + entries <= ends.last_id:
                part, value = await self._store.read(
                    check_part,
                    chain=self._chain,
                    entry_id=ends.first_id + entries,
                    value=value,
                    last_id=ends.last_id,
                    limit=_CHECKED_AT_ONCE,
                )
                entries += part.entries
                if part.broken_at:
                    return AuditVerdict(entries=entries, broken_at=part.broken_at)
            whole = value == ends.last
            return AuditVerdict(entries=entries, broken_at=0 if whole else ends.last_id)

    async def _write(self) -> None:
        keys = list(self._waiting)[:MOST_PER_BATCH]
        # Taken out first: the same note while this one is written is another one.
        taken = {key: self._waiting.pop(key) for key in keys}
        left_out, now = self._left_out, self._clock.seconds()
        if now < self._told_of_it + OVERFLOW_SECONDS:
            left_out = 0
        told_before, entries = self._told_of_it, list(taken.values())
        if left_out:
            self._left_out, self._told_of_it = self._left_out - left_out, now
            entries.append(
                AuditEntry(
                    id=0,
                    at_ms=self._now_ms(),
                    kind="audit.overflow",
                    subject="gateway",
                    count=left_out,
                )
            )
        keep = Keep(self._rows, self._now_ms() - self._days * _DAY_MS)
        try:
            await self._store.run(append, entries=entries, chain=self._chain, keep=keep)
        except BaseException:
            self._waiting = {**taken, **self._waiting}
            self._left_out, self._told_of_it = self._left_out + left_out, told_before
            raise

    def _plan(self) -> None:
        if self.running and self._waiting and (self._due is None or not self._due.active()):
            self._due = self._clock.callLater(DELAY_SECONDS, self._write_due)

    def _write_due(self) -> None:
        self._tasks.spawn("audit", self._flush_and_plan())

    async def _flush_and_plan(self) -> None:
        await self.flush()
        self._plan()


def _short(value: Detail) -> Detail:
    if isinstance(value, str):
        return _cut(value)
    return value if isinstance(value, int) else tuple(_cut(one) for one in value)


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LENGTH else text[: TEXT_LENGTH - 1] + "…"
