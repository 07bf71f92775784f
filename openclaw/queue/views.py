"""The SQL that only looks at the queue, and that which clears away what was kept long enough."""

from collections.abc import Sequence

from openclaw.interfaces.queue import QueuedMessage, QueueFigures
from openclaw.interfaces.storage import ITransaction, Row
from openclaw.queue.rows import LETTER_BODY, LETTER_REASON, NOT_KEPT

_HEAD = "m.id = (select min(h.id) from queue_message h where h.queue = m.queue and h.lane = m.lane)"
_STATE = (
    "case when m.token <> 0 and l.due > :now then 'running'"
    f" when m.not_before > :now or (l.due > :now and {_HEAD}) then 'delayed'"
    " else 'ready' end"
)
_WAITING = (
    f"select m.id, m.message_id, m.queue, m.lane, m.attempts, {_STATE}, m.enqueued_at, m.body"
    " from queue_message m join queue_lane l on l.queue = m.queue and l.name = m.lane"
)
_DEAD = (
    "select id, message_id, queue, lane, attempts, state, died_at, body, reason from queue_letter m"
)


def figures(tx: ITransaction, *, now: int) -> dict[str, QueueFigures]:
    """Every queue that ever held a message, counted; looks at each message."""
    counts: dict[str, dict[str, int]] = {
        queue: {} for (queue,) in tx.rows("select queue from queue_state order by queue")
    }
    states = tx.rows(
        f"select m.queue, {_STATE} as state, count(*) from queue_message m join queue_lane l"
        " on l.queue = m.queue and l.name = m.lane group by m.queue, state",
        now=now,
    )
    letters = tx.rows("select queue, state, count(*) from queue_letter group by queue, state")
    lanes = tx.rows("select queue, 'lanes', count(*) from queue_lane group by queue")
    oldest = tx.rows(
        "select m.queue, 'oldest_age_ms', :now - min(m.enqueued_at) from queue_message m"
        " join queue_lane l on l.queue = m.queue and l.name = m.lane"
        " where m.token = 0 or l.due <= :now group by m.queue",
        now=now,
    )
    for queue, name, count in (*states, *letters, *lanes, *oldest):
        counts.setdefault(queue, {})[name] = max(0, count)
    return {queue: QueueFigures(**found) for queue, found in counts.items()}


def inspect(
    tx: ITransaction, *, queue: str, lane: str, dead: bool, after: int, limit: int, now: int
) -> list[QueuedMessage]:
    """One page of what waits, or of the dead letters, the oldest first."""
    wanted = " and m.queue = :queue" if queue else ""
    wanted += " and m.lane = :lane" if lane else ""
    rows = tx.rows(
        f"{_DEAD if dead else _WAITING} where m.id > :after{wanted} order by m.id limit :limit",
        after=after,
        limit=limit,
        **({} if dead else {"now": now}),
        **({"queue": queue} if queue else {}),
        **({"lane": lane} if lane else {}),
    )
    return [_letter(tx, row) if dead else _message(tx, row) for row in rows]


def find(tx: ITransaction, *, message_id: str, now: int) -> QueuedMessage | None:
    """One message, waiting or dead."""
    rows = tx.rows(f"{_WAITING} where m.message_id = :id", id=message_id, now=now)
    if rows:
        return _message(tx, rows[0])
    rows = tx.rows(f"{_DEAD} where m.message_id = :id", id=message_id)
    return _letter(tx, rows[0]) if rows else None


def discard(tx: ITransaction, *, ids: Sequence[str]) -> list[str]:
    """Forget dead letters; returns the ids of those that were there."""
    return [
        message_id
        for message_id in dict.fromkeys(ids)
        if tx.execute("delete from queue_letter where message_id = :id", id=message_id)
    ]


def expire_letters(tx: ITransaction, *, before: int, limit: int) -> int:
    """Forget some of the letters that died at this moment or earlier; returns how many."""
    return tx.execute(
        "delete from queue_letter where id in (select id from queue_letter"
        " where died_at <= :before order by died_at limit :limit)",
        before=before,
        limit=limit,
    )


def expire_ids(tx: ITransaction, *, now: int, limit: int) -> int:
    """Forget some of the ids whose time is over, unless their message is still kept."""
    return tx.execute(
        "delete from queue_seen where message_id in (select message_id from queue_seen"
        f" where expires <= :now and {NOT_KEPT} order by expires limit :limit)",
        now=now,
        limit=limit,
    )


def _message(tx: ITransaction, row: Row) -> QueuedMessage:
    position, message_id, queue, lane, attempts, state, enqueued_at, body = row
    return QueuedMessage(
        id=message_id,
        queue=queue,
        lane=lane,
        body=tx.open("queue_message.body", message_id, bytes(body)),
        attempts=attempts,
        state=state,
        at_ms=enqueued_at,
        position=position,
    )


def _letter(tx: ITransaction, row: Row) -> QueuedMessage:
    position, message_id, queue, lane, attempts, state, died_at, body, reason = row
    return QueuedMessage(
        id=message_id,
        queue=queue,
        lane=lane,
        body=tx.open(LETTER_BODY, message_id, bytes(body)),
        attempts=attempts,
        state=state,
        at_ms=died_at,
        reason=tx.open(LETTER_REASON, message_id, bytes(reason)).decode(),
        position=position,
    )
