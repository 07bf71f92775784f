"""The journal's file as its two threads use it, reopened after a loss; starts no thread."""

import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from openclaw.errors import StoreError
from openclaw.interfaces.storage import ISealer, ITransaction
from openclaw.storage.batches import Call, Outcome, read_batch, write_batch
from openclaw.storage.files import FileLock, private_directory, private_file
from openclaw.storage.migrations import Migration, migrate
from openclaw.storage.sealing import unlock

OLDEST_SQLITE = (3, 35, 0)  # RETURNING
BUSY_MS = 5000
WAL_LIMIT_BYTES = 64 << 20
PROBE_BYTES = 64 << 10

T = TypeVar("T")
Batch = Callable[[sqlite3.Connection, Sequence[Call], ISealer | None], list[Outcome]]


def check_library(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """Refuse an SQLite library that lacks what our SQL needs."""
    if version < OLDEST_SQLITE:
        found, needed = (".".join(map(str, v)) for v in (version, OLDEST_SQLITE))
        raise StoreError(f"SQLite {found} is too old, {needed} is needed")


class Engine:
    """One connection, used by one thread, that survives losing its transaction.

    :param batch: runs calls on the connection; raises if all of them are lost.
    :param sealer: seals payloads; ``None`` leaves them plain.
    """

    def __init__(self, path: Path, batch: Batch, sealer: ISealer | None = None) -> None:
        self._path = path
        self._batch = batch
        self._sealer = sealer
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Prepare the file and connect."""
        self._connection = self._connect()

    def run(self, calls: Sequence[Call]) -> list[Outcome]:
        """Run a batch, connecting again if the last one was lost.

        :raises Exception: the whole batch is lost.
        """
        return self._with_connection(lambda c: self._batch(c, calls, self._sealer))

    def size_bytes(self) -> int:
        """Return what the database and its log take on disk."""
        total = 0
        for name in (self._path, f"{self._path}-wal"):
            with suppress(OSError):
                total += os.stat(name).st_size
        return total

    def close(self) -> None:
        """Close the connection; never raises for the disk's faults."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _with_connection(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._connect()
            return work(self._connection)
        except BaseException:
            # After an I/O error a connection may be in any state; a new one reads the file anew.
            Engine.close(self)
            raise

    def _connect(self) -> sqlite3.Connection:
        # mode=rw: a file that has vanished is an error here, not a new and empty journal.
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            cached_statements=512,
        )
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"pragma busy_timeout={BUSY_MS}")
        (mode,) = connection.execute("pragma journal_mode=wal").fetchone()
        if mode != "wal":
            raise StoreError(f"{self._path}: this file system cannot hold a write-ahead log")
        connection.execute("pragma synchronous=full")
        connection.execute(f"pragma journal_size_limit={WAL_LIMIT_BYTES}")
        if sys.platform == "darwin":  # There fsync() leaves the data in the drive's cache.
            connection.execute("pragma fullfsync=on")
            connection.execute("pragma checkpoint_fullfsync=on")


class ReadEngine(Engine):
    """The connection of the reader thread."""

    def __init__(self, path: Path, sealer: ISealer | None = None) -> None:
        super().__init__(path, read_batch, sealer)

    def open(self) -> None:
        """Do nothing: the first read connects, so that opening cannot end the thread."""

    def probe(self) -> None:
        """Find out whether the file can be read again.

        :raises Exception: it cannot.
        """
        self._with_connection(lambda c: c.execute("select count(*) from sqlite_master").fetchone())

    def _set_up(self, connection: sqlite3.Connection) -> None:
        super()._set_up(connection)
        connection.execute("pragma query_only=on")


class WriteEngine(Engine):
    """The connection of the writer thread, with the lock on the file.

    :param now_ms: wall clock, for the record of migrations.
    :param max_pages: how many database pages the file may grow to; 0 for no limit of ours.
    :param ready: what else has to happen before the file is used.
    """

    def __init__(
        self,
        path: Path,
        now_ms: int,
        migrations: Sequence[Migration],
        max_pages: int = 0,
        sealer: ISealer | None = None,
        ready: Callable[[sqlite3.Connection, ISealer | None], object] = unlock,
    ) -> None:
        super().__init__(path, write_batch, sealer)
        self._ready = ready
        self._now_ms = now_ms
        self._migrations = migrations
        self._max_pages = max_pages
        self._lock = FileLock(path.with_name(path.name + ".lock"))

    def open(self) -> None:
        """Lock the file, create or migrate it.

        :raises Exception: it cannot be used; nothing is left open.
        """
        check_library()
        private_directory(self._path.parent)
        self._lock.acquire()
        try:
            private_file(self._path)
            super().open()
            self._with_connection(lambda c: migrate(c, self._now_ms, self._migrations))
            self._with_connection(lambda c: self._ready(c, self._sealer))
        except BaseException:
            self._lock.release()
            raise

    def probe(self) -> None:
        """Find out whether the disk takes writes again.

        :raises Exception: it does not.
        """
        ((taken, problem),) = self.run([(_fill, {})])
        if not taken:
            raise problem

    def close(self) -> None:
        """Move the log into the database, close, let others in."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.execute("pragma wal_checkpoint(truncate)")
        super().close()
        self._lock.release()

    def _set_up(self, connection: sqlite3.Connection) -> None:
        super()._set_up(connection)
        if self._sealer is not None:  # What is deleted or sealed over is wiped, not just freed.
            connection.execute("pragma secure_delete=on")
        if self._max_pages:
            connection.execute(f"pragma max_page_count={self._max_pages}")


def _fill(tx: ITransaction) -> None:
    """Ask for more pages than a nearly full disk has; leaves nothing behind."""
    tx.execute("create table probe(data {blob})")
    tx.execute("insert into probe(data) values (zeroblob(:size))", size=PROBE_BYTES)
    tx.execute("drop table probe")
