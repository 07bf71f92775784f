"""The audit trail, and the sealing of the journal."""

from collections.abc import Mapping

from attrs import frozen

from openclaw.errors import InvalidRequest
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.audit import AuditEntry, IAuditTrail
from openclaw.interfaces.exports import IExportSealing
from openclaw.interfaces.sealing import ISealing, SealingState
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.audit import (
    AuditList,
    AuditListParams,
    AuditRow,
    AuditVerified,
    EncryptionStatus,
)
from openclaw.protocol.schema.common import NoParams


@frozen(kw_only=True)
class AuditMethods:
    """What was decided about access, and what the journal is sealed with.

    :ivar sealing: ``None`` where the journal is plain.
    :ivar exports: ``None`` where exported sessions are.
    """

    trail: IAuditTrail
    sealing: ISealing | None = None
    exports: IExportSealing | None = None

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            "audit.list": self._list,
            "audit.verify": self._verify,
            "encryption.status": self._status,
            "encryption.rotate": self._rotate,
        }

    async def _list(self, client: Client, params: AuditListParams) -> AuditList:
        after = None if params.after is UNSET else params.after
        entries = await self.trail.page(params.limit, after, params.kind)
        return AuditList(entries=[_row(entry) for entry in entries])

    async def _verify(self, client: Client, params: NoParams) -> AuditVerified:
        verdict = await self.trail.verify()
        return AuditVerified(
            ok=not verdict.broken_at,
            entries=verdict.entries,
            broken_at=verdict.broken_at or UNSET,
        )

    def _status(self, client: Client, params: NoParams) -> EncryptionStatus:
        if self.sealing is None:
            return EncryptionStatus(storage="none", session=self._session)
        return _encryption(self.sealing.state(), self._session)

    async def _rotate(self, client: Client, params: NoParams) -> EncryptionStatus:
        if self.sealing is None:
            raise InvalidRequest(
                'the journal is not sealed; set security.encryption.storage to "aes-256-gcm" '
                "and restart the gateway"
            )
        return _encryption(await self.sealing.rotate(), self._session)

    @property
    def _session(self) -> str:
        return "none" if self.exports is None else self.exports.algorithm


def _row(entry: AuditEntry) -> AuditRow:
    return AuditRow(
        id=entry.id,
        ts=entry.at_ms,
        kind=entry.kind,
        subject=entry.subject,
        detail=dict(entry.detail),
        count=entry.count,
    )


def _encryption(state: SealingState, session: str) -> EncryptionStatus:
    return EncryptionStatus(
        storage=state.algorithm,
        key_id=state.key_id,
        source=state.source,
        rotating=state.rotating,
        rows=state.rows,
        session=session,
    )
