"""Approvals in the journal: each step of one is a statement that fits its state before."""

from typing import Any

import msgspec

from openclaw.interfaces.approvals import Consent, Danger
from openclaw.interfaces.storage import ITransaction

_BODY = "approval.body"
_COLUMNS = "id, digest, state, body, created_at, expires_at, decided_by"
KEEP_MS = 30 * 86_400_000


def save(tx: ITransaction, *, consent: Consent) -> None:
    """Write a new question; what has been decided long ago goes."""
    tx.execute(
        f"insert into approval({_COLUMNS}) values "
        "(:id, :digest, 'pending', :body, :created, :expires, '')",
        id=consent.id,
        digest=consent.digest,
        body=tx.seal(_BODY, consent.id, msgspec.json.encode(_plain(consent.danger))),
        created=consent.created_at_ms,
        expires=consent.expires_at_ms,
    )
    tx.execute(
        "delete from approval where created_at < :before", before=consent.created_at_ms - KEEP_MS
    )


def decide(tx: ITransaction, *, consent_id: str, state: str, by: str, now: int) -> bool:
    """Write the decision about a question that waits and has not expired; whether it did."""
    changed = tx.execute(
        "update approval set state = :state, decided_by = :by "
        "where id = :id and state = 'pending' and expires_at > :now",
        id=consent_id,
        state=state,
        by=by,
        now=now,
    )
    return bool(changed)


def expire(tx: ITransaction, *, consent_id: str) -> None:
    """Write that nobody decided."""
    tx.execute(
        "update approval set state = 'expired' where id = :id and state = 'pending'", id=consent_id
    )


def use(tx: ITransaction, *, consent_id: str, digest: str, now: int) -> bool:
    """Use a permission up; false if it is none for this, none any more, or none at all."""
    changed = tx.execute(
        "update approval set state = 'used' where id = :id and digest = :digest "
        "and state = 'allowed' and expires_at > :now",
        id=consent_id,
        digest=digest,
        now=now,
    )
    return bool(changed)


def read_pending(tx: ITransaction, *, now: int) -> list[Consent]:
    """Every question that waits, the oldest first; those whose time is over are ended."""
    tx.execute(
        "update approval set state = 'expired' where state = 'pending' and expires_at <= :now",
        now=now,
    )
    rows = tx.rows(
        f"select {_COLUMNS} from approval where state = 'pending' order by created_at, id"
    )
    return [
        Consent(
            id=row_id,
            danger=_danger(tx.open(_BODY, row_id, bytes(body))),
            digest=digest,
            created_at_ms=created,
            expires_at_ms=expires,
            state=state,
            decided_by=by,
        )
        for row_id, digest, state, body, created, expires, by in rows
    ]


def _plain(danger: Danger) -> dict[str, Any]:
    return msgspec.to_builtins(danger)  # type: ignore[no-any-return]


def _danger(body: bytes) -> Danger:
    return msgspec.json.decode(body, type=Danger)
