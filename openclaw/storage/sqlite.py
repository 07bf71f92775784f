"""The journal on disk: one SQLite file, a writer and a reader thread; the SQL is its callers'."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.errors import StoreError
from openclaw.interfaces.storage import ISealer, IStore, StoreHealth
from openclaw.storage.engine import ReadEngine, WriteEngine
from openclaw.storage.failures import lost
from openclaw.storage.migrations import MIGRATIONS, Migration
from openclaw.storage.worker import DatabaseThread, Job, Report, ThreadEngine

PROBE_SECONDS = 5.0

T = TypeVar("T")


@implementer(IStore)
class SQLiteStore(Service):
    """One journal file, ours alone while the service runs.

    :param path: the database; its folder is created. The lock file stands beside it.
    :param reactor: where results are handed over.
    :param clock: wall clock, for the record of migrations.
    :param max_pages: how many database pages the file may grow to; 0 for no limit of ours.
    :param probe_seconds: while writes fail and nobody writes, how often to try the disk.
    :param sealer: seals payloads; a plain journal is sealed while it is opened.
    """

    _log = Logger()
    name = "journal"

    def __init__(
        self,
        path: str | Path,
        reactor: IReactorFromThreads,
        clock: IReactorTime,
        *,
        migrations: Sequence[Migration] = MIGRATIONS,
        max_pages: int = 0,
        probe_seconds: float = PROBE_SECONDS,
        sealer: ISealer | None = None,
    ) -> None:
        self._sealer = sealer
        self._path = Path(path)
        self._reactor = reactor
        self._clock = clock
        self._migrations = migrations
        self._max_pages = max_pages
        self._probe_seconds = probe_seconds
        self._refusal: str | None = "the journal is not started"
        self._waiting: list[Deferred[None]] = []
        self._writer: DatabaseThread | None = None
        self._reader: DatabaseThread | None = None
        self._reset()

    def _reset(self) -> None:
        self._opened = False
        self._problem: StoreError | None = None
        self._faults: dict[str, str] = {}
        self._last_error: str | None = None
        self._batches = self._transactions = self._size_bytes = 0

    def startService(self) -> None:
        """Start the threads; opening and migrating happens in one of them, see when_open()."""
        super().startService()
        self._reset()
        self._refusal = None
        engine = WriteEngine(
            self._path,
            int(self._clock.seconds() * 1000),
            self._migrations,
            self._max_pages,
            self._sealer,
        )
        self._reader = self._thread("reader", ReadEngine(self._path, self._sealer), lambda _: None)
        self._writer = self._thread("writer", engine, partial(self._writer_opened, self._reader))
        self._writer.start()

    def stopService(self) -> Deferred[None]:
        """Refuse what is new; fires once what was queued is committed and the file is closed."""
        super().stopService()
        self._refusal = "the journal is stopped"
        return self._stop()

    def when_open(self) -> Deferred[None]:
        """Wait until the journal can be used; fails with StoreError if it cannot be opened."""
        if self._problem is not None:
            return fail(self._problem)
        if self._opened:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def run(self, function: Callable[..., T], /, **arguments: Any) -> Deferred[T]:
        """Run ``function(tx, **arguments)`` in one transaction; fires when it is on disk."""
        return self._submit(self._writer, function, arguments)

    def read(self, function: Callable[..., T], /, **arguments: Any) -> Deferred[T]:
        """Run ``function(tx, **arguments)`` on one snapshot, beside the writer."""
        return self._submit(self._reader, function, arguments)

    def health(self) -> StoreHealth:
        """Tell how the journal does, at once."""
        return StoreHealth(
            ok=self._opened and self._refusal is None and not self._faults,
            backend="sqlite",
            path=str(self._path),
            last_error=self._last_error,
            batches=self._batches,
            transactions=self._transactions,
            size_bytes=self._size_bytes,
        )

    def _thread(
        self, name: str, engine: ThreadEngine, on_open: Callable[[BaseException | None], None]
    ) -> DatabaseThread:
        return DatabaseThread(
            f"journal-{name}",
            engine,
            self._reactor,
            on_open,
            partial(self._reported, name),
            self._probe_seconds,
        )

    def _submit(
        self, thread: DatabaseThread | None, function: Callable[..., T], arguments: dict[str, Any]
    ) -> Deferred[T]:
        if self._refusal is not None or thread is None:
            return fail(StoreError(self._refusal or "the journal is not started"))
        waiting: Deferred[T] = Deferred()
        thread.submit((waiting, (function, arguments)))
        return waiting

    def _writer_opened(self, reader: DatabaseThread, error: BaseException | None) -> None:
        waiting, self._waiting = self._waiting, []
        if error is None:
            self._opened = True
            reader.start()
            for one in waiting:
                one.callback(None)
        else:
            self._problem = _unusable(self._path, error)
            self._refusal = self._last_error = self._problem.message
            self._log.error("{problem}", problem=self._problem.message)
            for one in waiting:
                one.errback(self._problem)
            self._abandon(self._problem, reader)

    def _abandon(self, problem: StoreError, reader: DatabaseThread) -> None:
        for thread in (self._writer, reader):
            for waiting, _ in thread.abandoned() if thread else ():
                waiting.errback(lost(problem))

    def _reported(self, name: str, report: Report) -> None:
        self._size_bytes = report.size_bytes
        if report.error is not None:
            self._lost(name, report.error, report.jobs)
            return
        if self._faults.pop(name, None) is not None:
            self._log.info("journal {name} works again", name=name)
        if name == "writer" and report.jobs:
            self._batches += 1
            self._transactions += sum(done for done, _ in report.outcomes)
        for (waiting, _), (done, value) in zip(report.jobs, report.outcomes, strict=True):
            if done:
                waiting.callback(value)
            else:
                waiting.errback(value)

    def _lost(self, name: str, error: BaseException, jobs: Sequence[Job]) -> None:
        words = str(error)
        if self._faults.get(name) != words:
            self._log.error("journal {name} failed: {problem}", name=name, problem=words)
        self._faults[name] = self._last_error = words
        for waiting, _ in jobs:
            waiting.errback(lost(error))

    @deferred
    async def _stop(self) -> None:
        if self._writer is None or self._reader is None:
            return
        with suppress(StoreError):
            await self.when_open()
            # The reader first: the last connection to close moves the log into the database.
            await self._reader.stop()
        await self._writer.stop()
        self._reader = self._writer = None
        self._opened = False


def _unusable(path: Path, error: BaseException) -> StoreError:
    if isinstance(error, StoreError):
        return error
    problem = StoreError(f"the journal {path} cannot be opened: {error}")
    problem.__cause__ = error
    return problem
