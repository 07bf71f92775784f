"""Seals the rows of a journal: all of a plain one, or those that an older key sealed. No keys here.

The row ``sealing`` of the table ``setting`` is sealed like any other; it is there before the first
sealed value and says whether the last plain one is gone, and for which key the freed pages were
wiped. So a crash in the middle is carried on.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from attrs import field, frozen

from openclaw.errors import KeyMissing, StoreError
from openclaw.interfaces.storage import SEALED_MARK, ISealer, ITransaction
from openclaw.storage.batches import write_batch
from openclaw.storage.payloads import PAYLOADS, Payload, row_id
from openclaw.storage.sealed_text import WORD, from_text, to_text

ROWS_PER_BATCH = 200
_NAME = "sealing"
_BEGUN = b'{"plain":"some"}'

T = TypeVar("T")


@frozen
class Place:
    """How far a pass over all payloads has come.

    :ivar payload: index into ``PAYLOADS``.
    :ivar after: key of the last row that was looked at; empty before the first.
    """

    payload: int = 0
    after: tuple[str | int, ...] = field(factory=tuple)


def unlock(connection: sqlite3.Connection, sealer: ISealer | None) -> None:
    """Get ready to read and write payloads; a plain journal is sealed as a whole, now.

    :raises KeyMissing: the journal is sealed, and there is no key or no wish to use it.
    :raises KeyWrong: it was sealed with another one.
    :raises StoreError: a value is damaged.
    """
    known = _in_transaction(connection, None, _state)
    if sealer is None:
        if known.startswith(SEALED_MARK):
            raise KeyMissing(
                "the journal is sealed, but the configuration does not say how to open it: "
                'set security.encryption.storage to "aes-256-gcm" again'
            )
        return
    if not known:
        _in_transaction(connection, None, _refuse_sealed)
    sealer.unlock(known)
    state = sealer.open("setting.value", _NAME, known) if known else b""
    if state in (b"", _BEGUN):
        _seal_all(connection, sealer)
    elif not sealer.key_id or state == _done(sealer):
        return
    # Freed pages and the log still hold what was plain, or what an older key opens.
    connection.execute("vacuum")
    _in_transaction(connection, sealer, _note, value=_done(sealer))
    connection.execute("pragma wal_checkpoint(truncate)")


def _seal_all(connection: sqlite3.Connection, sealer: ISealer) -> None:
    _in_transaction(connection, sealer, _note, value=_BEGUN)
    place: Place | None = Place()
    while place is not None:
        place, _ = _in_transaction(connection, sealer, reseal, place=place, sealer=sealer)


def reseal(
    tx: ITransaction, *, place: Place, sealer: ISealer, limit: int = ROWS_PER_BATCH
) -> tuple[Place | None, int]:
    """Seal the next rows with the present key, plain ones and those of an older key.

    :return: where to go on, ``None`` at the end; and how many rows were written.
    """
    payload = PAYLOADS[place.payload]
    rows = tx.rows(_select(payload, bool(place.after)), limit=limit, **_bound(place.after))
    written = sum(_reseal_row(tx, payload, row, sealer) for row in rows)
    if len(rows) == limit:
        return Place(place.payload, rows[-1][1:]), written
    last = place.payload + 1 == len(PAYLOADS)
    return None if last else Place(place.payload + 1), written


def _reseal_row(tx: ITransaction, payload: Payload, row: tuple[Any, ...], sealer: ISealer) -> bool:
    value, key = row[0], row[1:]
    if value is None:
        return False
    data = from_text(value) if isinstance(value, str) else bytes(value)
    if sealer.is_current(data):
        return False
    name = row_id(*map(str, key))
    if data.startswith(SEALED_MARK):
        data = sealer.open(payload.purpose, name, data)
    sealed = sealer.seal(payload.purpose, name, data)
    where = " and ".join(f"{name} = :k{index}" for index, name in enumerate(payload.key))
    tx.execute(
        f"update {payload.table} set {payload.column} = :value where {where}",
        value=to_text(sealed) if payload.text else sealed,
        **_bound(key),
    )
    return True


def _select(payload: Payload, goes_on: bool) -> str:
    names = ", ".join(payload.key)
    bounds = ", ".join(f":k{index}" for index in range(len(payload.key)))
    where = f" where ({names}) > ({bounds})" if goes_on else ""
    columns = f"{payload.column}, {names}"
    return f"select {columns} from {payload.table}{where} order by {names} limit :limit"


def _bound(key: tuple[str | int, ...]) -> dict[str, str | int]:
    return {f"k{index}": part for index, part in enumerate(key)}


def _state(tx: ITransaction) -> bytes:
    """What the row says, sealed; empty if there is none."""
    rows = tx.rows("select value from setting where name = :name", name=_NAME)
    return bytes(rows[0][0]) if rows else b""


def _refuse_sealed(tx: ITransaction) -> None:
    """Whoever took the row away would else have plain values believed that he put in.

    :raises StoreError: there are sealed values.
    """
    for payload in PAYLOADS:
        start: Any = WORD if payload.text else SEALED_MARK
        found = tx.rows(
            f"select 1 from {payload.table} where substr({payload.column}, 1, :length) = :start"
            " limit 1",
            length=len(start),
            start=start,
        )
        if found:
            raise StoreError("the journal is damaged: sealed values, but no row that says so")


def _done(sealer: ISealer) -> bytes:
    """The note that nothing but what this key opens is left, not even in freed pages."""
    return b'{"plain":"none","key":"%b"}' % sealer.key_id.encode()


def _note(tx: ITransaction, *, value: bytes) -> None:
    tx.execute(
        "insert into setting(name, value) values (:name, :value)"
        " on conflict(name) do update set value = :value",
        name=_NAME,
        value=tx.seal("setting.value", _NAME, value),
    )


def _in_transaction(
    connection: sqlite3.Connection,
    sealer: ISealer | None,
    function: Callable[..., T],
    /,
    **arguments: Any,
) -> T:
    ((done, value),) = write_batch(connection, [(function, arguments)], sealer)
    if not done:
        raise value
    result: T = value
    return result
