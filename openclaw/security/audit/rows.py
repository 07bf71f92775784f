"""The rows of the audit trail: appended, trimmed, read and checked. No timers, no state."""

from collections.abc import Sequence
from typing import Any

import msgspec
from attrs import frozen

from openclaw.errors import StoreError
from openclaw.interfaces.audit import AuditEntry, AuditVerdict
from openclaw.interfaces.storage import ITransaction
from openclaw.security.audit.chain import GENESIS, Chain, Ends
from openclaw.security.secrets import same_bytes
from openclaw.storage.payloads import row_id

_BODY, _SETTING, _NAME = "audit.body", "setting.value", "audit"


class _Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What has no column of its own."""

    subject: str
    detail: dict[str, Any] = {}
    count: int = 1


# What reading something that was tampered with can end in.
_DAMAGE = (StoreError, msgspec.MsgspecError, TypeError, ValueError, AttributeError)

_encode = msgspec.json.encode
_bodies = msgspec.json.Decoder(_Body)
_ends = msgspec.json.Decoder(Ends)


@frozen
class Keep:
    """How much of the trail is kept.

    :ivar rows: at most.
    :ivar before_ms: what is older goes.
    """

    rows: int
    before_ms: int


def append(tx: ITransaction, *, entries: Sequence[AuditEntry], chain: Chain, keep: Keep) -> None:
    """Append entries; their ids are given here.

    Behind a trail that was tampered with a new chain begins: what was there stays, and shows.
    """
    ends, believed = check_ends(tx, chain=chain)
    if not believed:
        ((newest,),) = tx.rows("select coalesce(max(id), 0) from audit")
        if ends.first_id != newest + 1:
            ends = Ends(first_id=newest + 1, last_id=newest)
    entry_id, value = ends.last_id, ends.last
    for entry in entries:
        entry_id += 1
        body = _encode(_Body(subject=entry.subject, detail=dict(entry.detail), count=entry.count))
        value = chain.next(value, entry_id, entry.at_ms, entry.kind, body)
        tx.execute(
            "insert into audit(id, at, kind, body, chain) values (:id, :at, :kind, :body, :chain)",
            id=entry_id,
            at=entry.at_ms,
            kind=entry.kind,
            body=tx.seal(_BODY, row_id(str(entry_id)), body),
            chain=value,
        )
    ends = _trimmed(tx, msgspec.structs.replace(ends, last_id=entry_id, last=value), keep)
    tx.execute(
        "insert into setting(name, value) values (:name, :value)"
        " on conflict(name) do update set value = :value",
        name=_NAME,
        value=tx.seal(_SETTING, _NAME, _encode(chain.signed(ends))),
    )


def read_page(tx: ITransaction, *, limit: int, after: int | None, kind: str) -> list[AuditEntry]:
    """Entries, the oldest first; see :meth:`IAuditTrail.page`."""
    newest = after is None
    rows = tx.rows(
        "select id, at, kind, body from audit where id > :after and (:kind = ''"
        " or kind = :kind or substr(kind, 1, length(:kind) + 1) = :kind || '.')"
        f" order by id {'desc' if newest else ''} limit :limit",
        after=after or 0,
        kind=kind,
        limit=limit,
    )
    return [_entry(tx, *row) for row in (reversed(rows) if newest else rows)]


def check_ends(tx: ITransaction, *, chain: Chain) -> tuple[Ends, bool]:
    """Where the trail should begin and end, and whether that can be believed."""
    ((oldest, newest),) = tx.rows("select min(id), max(id) from audit")
    rows = tx.rows("select value from setting where name = :name", name=_NAME)
    if not rows:
        return Ends(), oldest is None
    try:
        ends = _ends.decode(tx.open(_SETTING, _NAME, bytes(rows[0][0])))
    except _DAMAGE:
        return Ends(), False
    if not chain.is_signed(ends):
        return Ends(), False
    return ends, oldest is None or (oldest >= ends.first_id and newest <= ends.last_id)


def check_part(
    tx: ITransaction, *, chain: Chain, entry_id: int, value: bytes, last_id: int, limit: int
) -> tuple[AuditVerdict, bytes]:
    """Check the entries from one id on, up to another.

    :param value: the chain's value before the first.
    """
    rows = tx.rows(
        "select id, at, kind, body, chain from audit where id >= :id and id <= :last"
        " order by id limit :limit",
        id=entry_id,
        last=last_id,
        limit=limit,
    )
    expected = entry_id
    for found, at_ms, kind, body, kept in rows:
        try:
            plain = tx.open(_BODY, row_id(str(found)), bytes(body))
            value = chain.next(value, expected, at_ms, kind, plain)
            good = found == expected and same_bytes(value, bytes(kept))
        except _DAMAGE:
            good = False
        if not good:
            return AuditVerdict(entries=expected - entry_id, broken_at=expected), GENESIS
        expected += 1
    whole = len(rows) == limit or expected == last_id + 1
    broken_at = 0 if whole else expected
    return AuditVerdict(entries=len(rows), broken_at=broken_at), value


def _trimmed(tx: ITransaction, ends: Ends, keep: Keep) -> Ends:
    """Delete what is too old or too much; the chain then begins behind it."""
    oldest = tx.rows("select id, at from audit order by id limit 1")
    first_kept = ends.last_id - keep.rows + 1
    if oldest and oldest[0][1] < keep.before_ms:
        ((young,),) = tx.rows("select min(id) from audit where at >= :at", at=keep.before_ms)
        first_kept = max(first_kept, ends.last_id + 1 if young is None else young)
    if not oldest or oldest[0][0] >= first_kept:
        return ends
    ((before,),) = tx.rows("select chain from audit where id = :id", id=first_kept - 1)
    tx.execute("delete from audit where id < :id", id=first_kept)
    return msgspec.structs.replace(ends, first_id=first_kept, before=bytes(before))


def _entry(tx: ITransaction, entry_id: int, at_ms: int, kind: str, body: bytes) -> AuditEntry:
    said = _bodies.decode(tx.open(_BODY, row_id(str(entry_id)), bytes(body)))
    return AuditEntry(
        id=entry_id,
        at_ms=at_ms,
        kind=kind,
        subject=said.subject,
        detail=said.detail,
        count=said.count,
    )
