"""Walks over all payloads of a journal, a few rows at a time, and writes those that change."""

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from openclaw.interfaces.storage import ITransaction
from openclaw.storage.payloads import PAYLOADS, Payload, row_id
from openclaw.storage.sealed_text import from_text, to_text

ROWS_PER_BATCH = 200

# Takes the payload's column, the name of the row, and the value as it is stored; gives what to
# write in its place, or ``None`` to leave it.
Change = Callable[[Payload, str, bytes], bytes | None]


@frozen
class Place:
    """How far a pass over all payloads has come.

    :ivar payload: index into ``PAYLOADS``.
    :ivar after: key of the last row that was looked at; empty before the first.
    """

    payload: int = 0
    after: tuple[str | int, ...] = field(factory=tuple)


def walk(
    tx: ITransaction, *, place: Place, change: Change, limit: int = ROWS_PER_BATCH
) -> tuple[Place | None, int]:
    """Look at the next rows.

    :return: where to go on, ``None`` at the end; and how many rows were written.
    """
    payload = PAYLOADS[place.payload]
    rows = tx.rows(_select(payload, bool(place.after)), limit=limit, **_bound(place.after))
    written = sum(_change_row(tx, payload, row, change) for row in rows)
    if len(rows) == limit:
        return Place(place.payload, rows[-1][1:]), written
    last = place.payload + 1 == len(PAYLOADS)
    return None if last else Place(place.payload + 1), written


def _change_row(tx: ITransaction, payload: Payload, row: tuple[Any, ...], change: Change) -> bool:
    value, key = row[0], row[1:]
    if value is None:
        return False
    data = from_text(value) if isinstance(value, str) else bytes(value)
    changed = change(payload, row_id(*map(str, key)), data)
    if changed is None:
        return False
    where = " and ".join(f"{name} = :k{index}" for index, name in enumerate(payload.key))
    tx.execute(
        f"update {payload.table} set {payload.column} = :value where {where}",
        value=to_text(changed) if payload.text else changed,
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
