"""The SQL of the queue's life: plain functions, each one transaction; no figures, no policy.

A lane's ``due`` is when its oldest message may be claimed next: the end of the wait after a
failure, or of the time for which a claim keeps the lane. A message's ``token`` is that of its open
claim, 0 if there is none; its ``interrupted`` counts the claims that were left open. Tokens of a
queue only grow, as the row that counts them is never deleted: the token of an earlier claim
therefore fits nothing that came later under the same id.

Rows are always locked in the same order: state, lane, message.
"""

from collections.abc import Sequence

from attrs import frozen

from openclaw.interfaces.queue import Delivery, NewMessage
from openclaw.interfaces.storage import ITransaction
from openclaw.queue import history
from openclaw.queue.rules import no_room

STORED, DUPLICATE, FULL = "stored", "duplicate", "full"

_BODY, _FAILURES = "queue_message.body", "queue_message.failures"
LETTER_BODY, LETTER_REASON = "queue_letter.body", "queue_letter.reason"

# Whoever keeps a message keeps its id: it cannot be stored twice at the same time.
NOT_KEPT = (
    "not exists (select 1 from queue_message m where m.message_id = queue_seen.message_id)"
    " and not exists (select 1 from queue_letter l where l.message_id = queue_seen.message_id)"
)
_SEE = (
    "insert into queue_seen(message_id, expires) values (:id, :expires)"
    " on conflict(message_id) do update set expires = :expires"
    f" where queue_seen.expires <= :now and {NOT_KEPT}"
)
_COUNT = (
    "insert into queue_state(queue, depth, token) values (:queue, 1, 0)"
    " on conflict(queue) do update set depth = queue_state.depth + 1"
    " where queue_state.depth < :most"
)
_LENGTHEN = (
    "insert into queue_lane(queue, name, due, depth) values (:queue, :lane, :due, 1)"
    " on conflict(queue, name) do update set depth = queue_lane.depth + 1"
)
_INSERT = (
    "insert into queue_message(message_id, queue, lane, attempts, token, interrupted, not_before,"
    " enqueued_at, body) values (:id, :queue, :lane, 0, 0, 0, :not_before, :now, :body)"
)
_CLAIM_LANES = (
    "update queue_lane set due = :until where queue = :queue and name in ("
    "select name from queue_lane where queue = :queue and due <= :now"
    " order by due limit :limit {skip}) returning name"
)
_HEAD = "(select min(id) from queue_message where queue = :queue and lane = :lane)"
_CLAIM_HEAD = (
    "update queue_message set attempts = attempts + 1, token = :token,"
    " interrupted = interrupted + case when token <> 0 then 1 else 0 end"
    f" where id = {_HEAD} and not_before <= :now"
    " returning id, message_id, lane, body, attempts, interrupted, enqueued_at"
)
# The right to change a message: the claim that asks is the latest, and is still open.
_MINE = "message_id = :id and queue = :queue and token = :token"


@frozen
class Ended:
    """What the end of a claim did.

    :ivar ok: false if it was stale; then nothing was done.
    :ivar more: the lane has another message.
    """

    ok: bool
    more: bool = False


STALE = Ended(False)


def enqueue(
    tx: ITransaction, *, message: NewMessage, lane: str, most: int, expires: int, now: int
) -> str:
    """Store one message.

    :param lane: where it really waits.
    :param most: how many the queue may hold.
    :param expires: until when its id is remembered once the message itself is gone.
    :return: ``STORED``, ``DUPLICATE`` or ``FULL``; raising would cost the whole batch a second run.
    """
    if not tx.execute(_SEE, id=message.id, expires=expires, now=now):
        return DUPLICATE
    if not tx.execute(_COUNT, queue=message.queue, most=most):
        tx.execute("delete from queue_seen where message_id = :id", id=message.id)
        return FULL
    for part in message.covers:
        tx.execute(_SEE, id=part, expires=expires, now=now)
    due = max(now, message.not_before_ms)
    tx.execute(_LENGTHEN, queue=message.queue, lane=lane, due=due)
    tx.execute(
        _INSERT,
        id=message.id,
        queue=message.queue,
        lane=lane,
        not_before=message.not_before_ms,
        now=now,
        body=tx.seal(_BODY, message.id, message.body),
    )
    return STORED


def enqueue_all(
    tx: ITransaction,
    *,
    messages: Sequence[tuple[NewMessage, str]],
    most: int,
    expires: int,
    now: int,
) -> list[bool]:
    """Store several, each with its lane; tells of each whether it was stored.

    :raises QueueFull: one of them found no room; then none is stored.
    """
    stored = []
    for message, lane in messages:
        outcome = enqueue(tx, message=message, lane=lane, most=most, expires=expires, now=now)
        if outcome == FULL:
            raise no_room(message.queue, most)
        stored.append(outcome == STORED)
    return stored


def claim(tx: ITransaction, *, queue: str, limit: int, now: int, until: int) -> list[Delivery]:
    """Take the oldest message of each lane that is due, the longest due first."""
    # Most polls find nothing: they must not write.
    if not tx.rows(
        "select 1 from queue_lane where queue = :queue and due <= :now limit 1",
        queue=queue,
        now=now,
    ):
        return []
    ((token,),) = tx.rows(
        "update queue_state set token = token + 1 where queue = :queue returning token",
        queue=queue,
    )
    lanes = tx.rows(_CLAIM_LANES, queue=queue, now=now, until=until, limit=limit)
    claimed = []
    for (lane,) in lanes:
        heads = tx.rows(_CLAIM_HEAD, queue=queue, lane=lane, token=token, now=now)
        if heads:
            claimed.append(heads[0])
        else:
            _wait_for_head(tx, queue, lane)
    claimed.sort()
    return [
        Delivery(
            id=message_id,
            queue=queue,
            lane=lane,
            body=tx.open(_BODY, message_id, bytes(body)),
            attempt=attempts,
            deaths=deaths,
            enqueued_at_ms=enqueued_at,
            fence=token,
        )
        for _, message_id, lane, body, attempts, deaths, enqueued_at in claimed
    ]


def _wait_for_head(tx: ITransaction, queue: str, lane: str) -> None:
    """The oldest message of a lane was given a time, and it has not come."""
    tx.execute(
        f"update queue_lane set due = (select not_before from queue_message where id = {_HEAD})"
        " where queue = :queue and name = :lane",
        queue=queue,
        lane=lane,
    )


def ack(tx: ITransaction, *, delivery: Delivery, now: int) -> Ended:
    """The message is done: forget it, free its lane."""
    gone = tx.execute(f"delete from queue_message where {_MINE}", **_claim_of(delivery))
    return _shorten(tx, delivery.queue, delivery.lane, now) if gone else STALE


def retry(tx: ITransaction, *, delivery: Delivery, now: int, due: int, why: str) -> bool:
    """Note the failure and let the lane wait."""
    rows = tx.rows(f"select failures from queue_message where {_MINE}", **_claim_of(delivery))
    if not rows:
        return False
    failures = history.add(_failures(tx, delivery.id, rows[0][0]), delivery.attempt, now, why)
    tx.execute(
        f"update queue_message set token = 0, failures = :failures where {_MINE}",
        failures=tx.seal(_FAILURES, delivery.id, history.write(failures)),
        **_claim_of(delivery),
    )
    _set_due(tx, delivery, due)
    return True


def postpone(tx: ITransaction, *, delivery: Delivery, due: int) -> bool:
    """Let the lane wait, as if the message had not been claimed."""
    mine = tx.execute(
        f"update queue_message set token = 0, attempts = attempts - 1 where {_MINE}",
        **_claim_of(delivery),
    )
    if mine:
        _set_due(tx, delivery, due)
    return bool(mine)


def extend(tx: ITransaction, *, delivery: Delivery, until: int) -> bool:
    """Keep the lane for longer."""
    mine = tx.rows(f"select 1 from queue_message where {_MINE}", **_claim_of(delivery))
    if mine:
        _set_due(tx, delivery, until)
    return bool(mine)


def bury(
    tx: ITransaction, *, delivery: Delivery, reason: str, state: str, keep: bool, now: int
) -> Ended:
    """Move the message to the dead letters, with its history.

    :param state: ``dead`` or ``unknown``.
    :param keep: whether there are dead letters at all.
    """
    rows = tx.rows(
        f"delete from queue_message where {_MINE} returning attempts, enqueued_at, failures, body",
        **_claim_of(delivery),
    )
    if not rows:
        return STALE
    attempts, enqueued_at, failures, body = rows[0]
    if keep:
        text = history.reason(reason, _failures(tx, delivery.id, failures))
        tx.execute(
            "insert into queue_letter(message_id, queue, lane, attempts, state, enqueued_at,"
            " died_at, reason, body) values (:id, :queue, :lane, :attempts, :state, :enqueued_at,"
            " :now, :reason, :body)",
            id=delivery.id,
            queue=delivery.queue,
            lane=delivery.lane,
            attempts=attempts,
            state=state,
            enqueued_at=enqueued_at,
            now=now,
            reason=tx.seal(LETTER_REASON, delivery.id, text.encode()),
            body=tx.seal(LETTER_BODY, delivery.id, tx.open(_BODY, delivery.id, bytes(body))),
        )
    return _shorten(tx, delivery.queue, delivery.lane, now)


def revive(tx: ITransaction, *, ids: Sequence[str], most: int, now: int) -> list[tuple[str, str]]:
    """Put dead letters at the end of their lanes; tells id and queue of those found.

    :raises QueueFull: there is no room for one of them; then all stay dead.
    """
    found = []
    for message_id in dict.fromkeys(ids):
        rows = tx.rows(
            "delete from queue_letter where message_id = :id returning queue, lane, enqueued_at,"
            " body",
            id=message_id,
        )
        for queue, lane, enqueued_at, body in rows:
            if not tx.execute(_COUNT, queue=queue, most=most):
                raise no_room(queue, most)
            tx.execute(_LENGTHEN, queue=queue, lane=lane, due=now)
            plain = tx.open(LETTER_BODY, message_id, bytes(body))
            tx.execute(
                _INSERT,
                id=message_id,
                queue=queue,
                lane=lane,
                not_before=0,
                now=enqueued_at,
                body=tx.seal(_BODY, message_id, plain),
            )
            found.append((message_id, queue))
    return found


def release_all(tx: ITransaction, *, now: int) -> int:
    """End the claims that nobody holds any more, right after a start; returns how many."""
    tx.execute(
        "update queue_lane set due = :now where exists (select 1 from queue_message m"
        " where m.queue = queue_lane.queue and m.lane = queue_lane.name and m.token <> 0)",
        now=now,
    )
    return tx.execute(
        "update queue_message set token = 0, interrupted = interrupted + 1 where token <> 0"
    )


def _shorten(tx: ITransaction, queue: str, lane: str, now: int) -> Ended:
    """A message has left its lane: the next one may be claimed, or the lane is no more."""
    tx.execute("update queue_state set depth = depth - 1 where queue = :queue", queue=queue)
    if tx.execute(
        "delete from queue_lane where queue = :queue and name = :lane and depth = 1",
        queue=queue,
        lane=lane,
    ):
        return Ended(True)
    tx.execute(
        "update queue_lane set depth = depth - 1, due = :now where queue = :queue and name = :lane",
        queue=queue,
        lane=lane,
        now=now,
    )
    return Ended(True, more=True)


def _set_due(tx: ITransaction, delivery: Delivery, due: int) -> None:
    tx.execute(
        "update queue_lane set due = :due where queue = :queue and name = :lane",
        queue=delivery.queue,
        lane=delivery.lane,
        due=due,
    )


def _failures(
    tx: ITransaction, message_id: str, stored: bytes | None
) -> list[history.FailedAttempt]:
    return history.read(tx.open(_FAILURES, message_id, bytes(stored)) if stored else None)


def _claim_of(delivery: Delivery) -> dict[str, str | int]:
    return {"id": delivery.id, "queue": delivery.queue, "token": delivery.fence}
