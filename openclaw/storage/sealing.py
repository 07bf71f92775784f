"""Seals the rows of a journal: all of a plain one, or those that an older key sealed. No keys here.

The row ``sealing`` of the table ``setting`` is sealed like any other; it is there before the first
sealed value and says whether the last plain one is gone, and for which key the freed pages were
wiped. So a crash in the middle is carried on.
"""

import sqlite3
from typing import Any

from openclaw.errors import KeyMissing, StoreError
from openclaw.interfaces.storage import SEALED_MARK, ISealer, ITransaction
from openclaw.storage.batches import run_one
from openclaw.storage.payloads import PAYLOADS, Payload
from openclaw.storage.sealed_text import WORD
from openclaw.storage.walking import ROWS_PER_BATCH, Place, walk

NAME = "sealing"
BEGUN = b'{"plain":"some"}'


def unlock(connection: sqlite3.Connection, sealer: ISealer | None) -> None:
    """Get ready to read and write payloads; a plain journal is sealed as a whole, now.

    :raises KeyMissing: the journal is sealed, and there is no key or no wish to use it.
    :raises KeyWrong: it was sealed with another one.
    :raises StoreError: a value is damaged.
    """
    known = run_one(connection, None, state)
    if sealer is None:
        if known.startswith(SEALED_MARK):
            raise KeyMissing(
                "the journal is sealed, but the configuration does not say how to open it: "
                'set security.encryption.storage to "aes-256-gcm" again, or stop sealing it with '
                "`openclaw encryption unseal`"
            )
        return
    if not known:
        run_one(connection, None, _refuse_sealed)
    sealer.unlock(known)
    done = sealer.open("setting.value", NAME, known) if known else b""
    if done in (b"", BEGUN):
        _seal_all(connection, sealer)
    elif not sealer.key_id or done == _done(sealer):
        return
    # Freed pages and the log still hold what was plain, or what an older key opens.
    connection.execute("vacuum")
    run_one(connection, sealer, note, value=_done(sealer))
    connection.execute("pragma wal_checkpoint(truncate)")


def _seal_all(connection: sqlite3.Connection, sealer: ISealer) -> None:
    run_one(connection, sealer, note, value=BEGUN)
    place: Place | None = Place()
    while place is not None:
        place, _ = run_one(connection, sealer, reseal, place=place, sealer=sealer)


def reseal(
    tx: ITransaction, *, place: Place, sealer: ISealer, limit: int = ROWS_PER_BATCH
) -> tuple[Place | None, int]:
    """Seal the next rows with the present key, plain ones and those of an older key.

    :return: where to go on, ``None`` at the end; and how many rows were written.
    """

    def sealed(payload: Payload, name: str, data: bytes) -> bytes | None:
        if sealer.is_current(data):
            return None
        if data.startswith(SEALED_MARK):
            data = sealer.open(payload.purpose, name, data)
        return sealer.seal(payload.purpose, name, data)

    return walk(tx, place=place, change=sealed, limit=limit)


def state(tx: ITransaction) -> bytes:
    """What the row says of a journal, sealed; empty if there is none."""
    rows = tx.rows("select value from setting where name = :name", name=NAME)
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


def note(tx: ITransaction, *, value: bytes) -> None:
    """Write the row, sealed."""
    tx.execute(
        "insert into setting(name, value) values (:name, :value)"
        " on conflict(name) do update set value = :value",
        name=NAME,
        value=tx.seal("setting.value", NAME, value),
    )
