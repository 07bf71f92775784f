"""Writes a sealed journal in plain text again, as a whole, while nobody else has it. No keys here.

The row that says a journal is sealed goes last, in the same transaction as nothing else: until then
it says that some values are plain. So after a crash in the middle either way is open: unseal again,
or start a gateway that seals, which seals what is plain by then.
"""

import sqlite3

from openclaw.errors import StoreError
from openclaw.interfaces.storage import SEALED_MARK, ISealer, ITransaction
from openclaw.storage.batches import run_one
from openclaw.storage.payloads import Payload
from openclaw.storage.sealing import BEGUN, NAME, note, state
from openclaw.storage.walking import ROWS_PER_BATCH, Place, walk

_MARKER = ("setting.value", NAME)


def unseal(connection: sqlite3.Connection, sealer: ISealer) -> int:
    """Write every sealed value in plain text.

    :return: how many there were.
    :raises KeyMissing: the key is not there.
    :raises KeyWrong: it was sealed with another one.
    :raises StoreError: the journal is not sealed, or a value is damaged.
    """
    known = run_one(connection, None, state)
    if not known:
        raise StoreError("the journal is not sealed; there is nothing to do")
    sealer.unlock(known)
    sealer.open(*_MARKER, known)
    run_one(connection, sealer, note, value=BEGUN)
    place: Place | None = Place()
    total = 0
    while place is not None:
        place, written = run_one(connection, sealer, unseal_some, place=place, sealer=sealer)
        total += written
    run_one(connection, None, _forget)
    return total


def unseal_some(
    tx: ITransaction, *, place: Place, sealer: ISealer, limit: int = ROWS_PER_BATCH
) -> tuple[Place | None, int]:
    """Write the next rows in plain text.

    :return: where to go on, ``None`` at the end; and how many rows were written.
    """

    def opened(payload: Payload, name: str, data: bytes) -> bytes | None:
        if not data.startswith(SEALED_MARK) or (payload.purpose, name) == _MARKER:
            return None
        return sealer.open(payload.purpose, name, data)

    return walk(tx, place=place, change=opened, limit=limit)


def _forget(tx: ITransaction) -> None:
    tx.execute("delete from setting where name = :name", name=NAME)
