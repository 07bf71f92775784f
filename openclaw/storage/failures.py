"""Which SQLite errors are a caller's, which are the disk's; decides nothing about threads."""

import sqlite3

from openclaw.errors import StoreError

# SQLITE_ERROR, TOOBIG, MISMATCH, MISUSE, RANGE: wrong SQL. These are bugs and stay what they are.
_BUGS = frozenset({1, 18, 20, 21, 25})
_CONSTRAINT = 19
_READONLY = 8


def primary_code(error: sqlite3.Error) -> int | None:
    """Return the engine's result code without its refinement; None if Python itself refused."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def loses_transaction(error: sqlite3.Error, *, writer: bool) -> bool:
    """Tell whether the whole transaction must be given up: the disk or the file is at fault.

    SQLite may or may not have rolled back by itself then; we always do.
    """
    code = primary_code(error)
    if code is None or code == _CONSTRAINT or code in _BUGS:
        return False
    return writer or code != _READONLY  # A read function that writes is a bug, not a bad disk.


def store_error(error: BaseException) -> BaseException:
    """Return what the caller of a function gets to see for ``error``."""
    if not isinstance(error, sqlite3.Error):
        return error
    code = primary_code(error)
    if code is None or code in _BUGS or code == _READONLY:
        return error
    details = {"code": "CONSTRAINT"} if code == _CONSTRAINT else None
    refused = StoreError(f"the journal refused: {error}", details)
    refused.__cause__ = error
    return refused


def lost(error: BaseException) -> StoreError:
    """Return a fresh error for one of the calls that went down with a batch."""
    if isinstance(error, StoreError):
        refused = StoreError(error.message, error.details)
    else:
        refused = StoreError(f"the journal cannot write: {error}")
    refused.__cause__ = error
    return refused
