"""The journal without a disk: same functions, same SQL, gone with the process."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openclaw.errors import StoreError
from openclaw.interfaces.storage import ISealer, IStore, StoreHealth
from openclaw.storage.batches import Call, Outcome, read_batch, write_batch
from openclaw.storage.engine import Batch, check_library
from openclaw.storage.failures import lost
from openclaw.storage.migrations import MIGRATIONS, Migration, migrate
from openclaw.storage.sealing import unlock

T = TypeVar("T")


@implementer(IStore)
class MemoryStore(Service):
    """A journal that answers at once, in the reactor thread, and keeps nothing.

    :param clock: wall clock, for the record of migrations.
    :param sealer: seals payloads, which shows that nothing reads them any other way.
    """

    name = "journal"

    def __init__(
        self,
        clock: IReactorTime,
        *,
        migrations: Sequence[Migration] = MIGRATIONS,
        sealer: ISealer | None = None,
    ) -> None:
        self._sealer = sealer
        self._clock = clock
        self._migrations = migrations
        self._connection: sqlite3.Connection | None = None
        self._waiting: list[Deferred[None]] = []
        self._last_error: str | None = None
        self._transactions = 0

    def startService(self) -> None:
        """Make an empty database."""
        super().startService()
        check_library()
        connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
        migrate(connection, int(self._clock.seconds() * 1000), self._migrations)
        unlock(connection, self._sealer)
        self._connection = connection
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def stopService(self) -> Deferred[None]:
        """Forget everything."""
        super().stopService()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        return succeed(None)

    def when_open(self) -> Deferred[None]:
        """Wait until the store is started."""
        if self._connection is not None:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def run(self, function: Callable[..., T], /, **arguments: Any) -> Deferred[T]:
        """Run ``function(tx, **arguments)`` in one transaction, now."""
        done, value = self._do(write_batch, function, arguments)
        self._transactions += done
        return succeed(value) if done else fail(value)

    def read(self, function: Callable[..., T], /, **arguments: Any) -> Deferred[T]:
        """Run ``function(tx, **arguments)`` without the right to change anything, now."""
        done, value = self._do(_read_only, function, arguments)
        return succeed(value) if done else fail(value)

    def health(self) -> StoreHealth:
        """Tell how the store does."""
        return StoreHealth(
            ok=self._connection is not None,
            backend="memory",
            path=None,
            last_error=self._last_error,
            batches=self._transactions,
            transactions=self._transactions,
            size_bytes=0,
        )

    def _do(self, batch: Batch, function: Callable[..., Any], arguments: dict[str, Any]) -> Outcome:
        if self._connection is None:
            return False, StoreError("the journal is not started")
        try:
            (outcome,) = batch(self._connection, [(function, arguments)], self._sealer)
        except sqlite3.Error as error:
            self._last_error = str(error)
            return False, lost(error)
        return outcome


def _read_only(
    connection: sqlite3.Connection, calls: Sequence[Call], sealer: ISealer | None = None
) -> list[Outcome]:
    connection.execute("pragma query_only=on")
    try:
        return read_batch(connection, calls, sealer)
    finally:
        connection.execute("pragma query_only=off")
