"""Run many functions in one commit, where the failure of one undoes only that; no threads."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from types import CoroutineType
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from zope.interface import implementer

from openclaw.interfaces.storage import ISealer, ITransaction, Row, SQLValue
from openclaw.storage.dialect import sqlite_sql
from openclaw.storage.failures import loses_transaction, store_error
from openclaw.storage.sealed_text import from_text, to_text

T = TypeVar("T")
Call = tuple[Callable[..., Any], dict[str, Any]]
Outcome = tuple[bool, Any]  # (True, result) or (False, exception)


@implementer(ITransaction)
class Transaction:
    """The transaction of the batch that is running, as its functions see it.

    :param sealer: seals payloads; ``None`` leaves them plain.
    """

    __slots__ = ("_connection", "_cursor", "_sealer", "_writer", "lost")

    def __init__(
        self, connection: sqlite3.Connection, *, writer: bool, sealer: ISealer | None = None
    ) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._writer = writer
        self._sealer = sealer
        self.lost: sqlite3.Error | None = None

    def rows(self, sql: str, /, **params: SQLValue) -> list[Row]:
        """Run one statement and return all of its rows."""
        return self._do(sqlite_sql(sql), params).fetchall()

    def execute(self, sql: str, /, **params: SQLValue) -> int:
        """Run one statement and return how many rows it inserted, changed or deleted."""
        before = self._connection.total_changes
        # Fetching ends a statement with RETURNING; an open one would make the commit fail.
        self._do(sqlite_sql(sql), params).fetchall()
        return self._connection.total_changes - before

    def execute_each(self, sql: str, each: Sequence[Mapping[str, SQLValue]], /) -> int:
        """Run one statement, which returns no rows, for each of some parameters."""
        before = self._connection.total_changes
        self._do(sqlite_sql(sql), each, self._cursor.executemany)
        return self._connection.total_changes - before

    def seal(self, purpose: str, row_id: str, data: bytes) -> bytes:
        """Make a payload ready for its column."""
        return data if self._sealer is None else self._sealer.seal(purpose, row_id, data)

    def open(self, purpose: str, row_id: str, data: bytes) -> bytes:
        """Undo :meth:`seal`."""
        return data if self._sealer is None else self._sealer.open(purpose, row_id, data)

    def seal_text(self, purpose: str, row_id: str, data: bytes) -> str:
        """Do the same for a column of text."""
        return to_text(self.seal(purpose, row_id, data))

    def open_text(self, purpose: str, row_id: str, text: str) -> bytes:
        """Undo :meth:`seal_text`."""
        return self.open(purpose, row_id, from_text(text))

    def control(self, sql: str) -> None:
        """Run one of the store's own statements."""
        self._do(sql, {})

    def _do(
        self, sql: str, params: Any, how: Callable[..., sqlite3.Cursor] | None = None
    ) -> sqlite3.Cursor:
        if self.lost is not None:
            # Without a transaction each statement would commit by itself: a function that swallowed
            # the first error could leave half of its work behind, and so could those after it.
            raise self.lost
        try:
            return (how or self._cursor.execute)(sql, params)
        except sqlite3.Error as error:
            if loses_transaction(error, writer=self._writer):
                self.lost = error
            raise


def write_batch(
    connection: sqlite3.Connection, calls: Sequence[Call], sealer: ISealer | None = None
) -> list[Outcome]:
    """Run all calls in one transaction; when this returns, it is committed and synced.

    :return: one outcome per call, in order. A call that raised left nothing behind.
    :raises sqlite3.Error: the transaction is lost and with it every call of the batch.
    """
    tx = Transaction(connection, writer=True, sealer=sealer)
    try:
        tx.control("begin immediate")
        outcomes = _hopefully(tx, calls)
        if outcomes is None:
            tx.control("rollback")
            tx.control("begin immediate")
            outcomes = [_on_savepoint(tx, function, arguments) for function, arguments in calls]
        tx.control("commit")
    except BaseException:
        _give_up(connection)
        raise
    return outcomes


def run_one(
    connection: sqlite3.Connection,
    sealer: ISealer | None,
    function: Callable[..., T],
    /,
    **arguments: Any,
) -> T:
    """Run one function in a transaction of its own.

    :raises Exception: whatever it raised; then nothing has changed.
    """
    ((done, value),) = write_batch(connection, [(function, arguments)], sealer)
    if not done:
        raise value
    result: T = value
    return result


def read_batch(
    connection: sqlite3.Connection, calls: Sequence[Call], sealer: ISealer | None = None
) -> list[Outcome]:
    """Run all calls on one snapshot, taken now, of a connection that is ``query_only``.

    :raises sqlite3.Error: the file cannot be read.
    """
    tx = Transaction(connection, writer=False, sealer=sealer)
    try:
        tx.control("begin")
        outcomes = [_outcome(tx, function, arguments) for function, arguments in calls]
        tx.control("commit")
    except BaseException:
        _give_up(connection)
        raise
    return outcomes


def _hopefully(tx: Transaction, calls: Sequence[Call]) -> list[Outcome] | None:
    """Run all calls without savepoints, which cost as much as a small call does.

    :return: ``None`` if one of them failed: what the others did has to be done again without it.
    """
    outcomes = []
    for function, arguments in calls:
        outcome = _outcome(tx, function, arguments)
        if not outcome[0]:
            return None
        outcomes.append(outcome)
    return outcomes


def _on_savepoint(tx: Transaction, function: Callable[..., Any], arguments: Any) -> Outcome:
    tx.control("savepoint s")
    outcome = _outcome(tx, function, arguments)
    if not outcome[0]:
        tx.control("rollback to s")
    tx.control("release s")
    return outcome


def _outcome(tx: Transaction, function: Callable[..., Any], arguments: Any) -> Outcome:
    try:
        result = function(tx, **arguments)
        _refuse_unfinished(result)
    except BaseException as error:  # Not even SystemExit in a function may end the thread.
        return False, store_error(error)
    return True, result


def _refuse_unfinished(result: object) -> None:
    if isinstance(result, CoroutineType):
        result.close()
    if isinstance(result, (CoroutineType, Deferred)):
        raise TypeError("a function for the journal must do its work before it returns")


def _give_up(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # Often SQLite has rolled back by itself.
        connection.rollback()
