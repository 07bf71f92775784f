"""What the journal promises to everything above it, and what it asks of sealing; no engine."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

T = TypeVar("T")
Row = tuple[Any, ...]
SQLValue = int | float | str | bytes | None
# What every sealed value begins with, and no plain one: those are JSON.
SEALED_MARK = b"\x00OC1"


@frozen(kw_only=True)
class StoreHealth:
    """How the journal does, as far as the reactor thread knows; nothing is asked of the disk.

    :ivar ok: it is open and its last batch was committed.
    :ivar backend: ``sqlite`` or ``memory``; ``memory`` loses everything when the process ends.
    :ivar path: the database file, None where there is none.
    :ivar last_error: why the last failed batch failed, also after ``ok`` has come back.
    :ivar batches: commits made since the start.
    :ivar transactions: functions whose effects those commits made durable.
    :ivar size_bytes: the database and its write-ahead log on disk, after the last batch.
    """

    ok: bool
    backend: str
    path: str | None
    last_error: str | None
    batches: int
    transactions: int
    size_bytes: int


class ITransaction(Interface):
    """One transaction, as a function given to :class:`IStore` sees it.

    Parameters are ``:name`` in the SQL. The dialect words ``{pk}`` (a generated integer primary
    key), ``{blob}`` (bytes) and ``{skip}`` (leave out rows that others hold locked) stand for what
    the engine calls them; other braces are left alone. A statement that begins, ends or nests
    transactions, or sets a pragma, raises ValueError: that is the store's part.
    """

    def rows(sql: str, /, **params: SQLValue) -> list[Row]:
        """Run one statement and return all of its rows."""

    def execute(sql: str, /, **params: SQLValue) -> int:
        """Run one statement and return how many rows it inserted, changed or deleted."""

    def execute_each(sql: str, each: Sequence[Mapping[str, SQLValue]], /) -> int:
        """Do so once for each of some parameters, in order; returns how many rows in all."""

    def seal(purpose: str, row_id: str, data: bytes) -> bytes:
        """Make a payload ready for its column; the same bytes where the journal is not sealed.

        :param purpose: table and column, ``message.body``; one of ``storage.payloads``.
        :param row_id: names the row for as long as it exists.
        """

    def open(purpose: str, row_id: str, data: bytes) -> bytes:
        """Undo :meth:`seal`.

        :raises openclaw.errors.StoreError: the value was not sealed for this place, or was altered.
        """

    def seal_text(purpose: str, row_id: str, data: bytes) -> str:
        """Do the same for a column of text."""

    def open_text(purpose: str, row_id: str, text: str) -> bytes:
        """Undo :meth:`seal_text`."""


class IStore(Interface):
    """The journal: functions go in, each runs in one transaction, answers come out."""

    def run(function: Callable[..., T], /, **arguments: Any) -> Deferred[T]:
        """Run ``function(tx, **arguments)`` in one transaction, in order of the calls.

        The function must be plain synchronous database work (no Deferreds, sockets, sleeps) and
        repeatable: an engine may run it again. It runs in a database thread, so what it is given
        must not change meanwhile. An exception of its own undoes its effects, and only its own.

        :return: fires with the function's result once its effects are synced to disk; fails with
            what the function raised, or with :class:`openclaw.errors.StoreError` if the engine
            refused: a broken constraint (``details["code"]`` is ``CONSTRAINT``), a full or failing
            disk, a store that is not running. Cancelling stops the waiting, not the function.
        """

    def read(function: Callable[..., T], /, **arguments: Any) -> Deferred[T]:
        """Run ``function(tx, **arguments)`` on one snapshot, without the right to change anything.

        Sees everything whose ``run`` has fired. Does not wait for writers.

        :return: as :meth:`run`; an attempt to write fails.
        """

    def health() -> StoreHealth:
        """Tell how the store does, at once."""


class ISealer(Interface):
    """Encrypt and authenticate single values at rest; used by several threads at once."""

    key_id: str = Attribute("Names the key in use; empty while older ones still open as well.")

    def unlock(known: bytes) -> None:
        """Get the keys ready, before anything else; may read and make files.

        :param known: a value that was sealed before; empty if none ever was, and only then may a
            key be made that is not there.
        :raises openclaw.errors.KeyMissing: there is no key.
        :raises openclaw.errors.KeyWrong: it is not the one that ``known`` was sealed with.
        """

    def is_current(data: bytes) -> bool:
        """Whether a value was sealed with the key that is in use now; false for a plain one."""

    def seal(purpose: str, row_id: str, data: bytes) -> bytes:
        """Seal one value for one place.

        :param purpose: what the value is, such as ``device_token.body``; bound to the result.
        :param row_id: the row it belongs to; bound to the result, so sealed values cannot be moved.
        """

    def open(purpose: str, row_id: str, data: bytes) -> bytes:
        """Undo :meth:`seal`.

        :raises openclaw.errors.StoreError: the value was not sealed for this place, or was altered.
        """
