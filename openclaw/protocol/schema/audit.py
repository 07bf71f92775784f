"""The audit trail and the sealing of the journal, as operators see them."""

from typing import Annotated, Any

from msgspec import Meta

from openclaw.protocol.base import UNSET, UnsetType, Wire


class AuditListParams(Wire, frozen=True, kw_only=True):
    """Params of ``audit.list``.

    :ivar after: entries behind this id; absent: the latest.
    :ivar kind: a kind, ``connect.refused``, or a group of them, ``connect``.
    """

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    after: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    kind: Annotated[str, Meta(max_length=100)] = ""


class AuditRow(Wire, frozen=True, kw_only=True):
    """One thing that happened.

    :ivar ts: Unix milliseconds.
    :ivar subject: who it happened to, or who did it.
    :ivar count: how often, within a moment.
    """

    id: int
    ts: int
    kind: str
    subject: str
    detail: dict[str, Any]
    count: int


class AuditList(Wire, frozen=True, kw_only=True):
    """Result of ``audit.list``: the oldest first."""

    entries: list[AuditRow]


class AuditVerified(Wire, frozen=True, kw_only=True):
    """Result of ``audit.verify``.

    :ivar ok: nothing is missing, nothing was altered.
    :ivar broken_at: the first entry that is.
    """

    ok: bool
    entries: int
    broken_at: int | UnsetType = UNSET


class EncryptionStatus(Wire, frozen=True, kw_only=True):
    """Result of ``encryption.status`` and ``encryption.rotate``.

    :ivar storage: ``none`` or ``aes-256-gcm``.
    :ivar session: how exported sessions are sealed; ``none`` where they are not.
    :ivar key_id: names the key in use; tells nothing of it.
    :ivar source: where the keys are kept.
    :ivar rotating: rows of an older key are being sealed again.
    :ivar rows: how many of them have been.
    """

    storage: str
    key_id: str | UnsetType = UNSET
    source: str | UnsetType = UNSET
    rotating: bool = False
    rows: int = 0
    session: str = "none"
