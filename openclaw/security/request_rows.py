"""Pairing requests as they are shown, stored and sent. No state, no decisions."""

from collections.abc import Sequence

import msgspec
from attrs import frozen

from openclaw.interfaces.storage import ITransaction, Row
from openclaw.protocol.schema.devices import PendingDevice
from openclaw.security.pairing_codes import CodeState
from openclaw.security.wishes import Wish

LIFETIME_MS = 24 * 3_600_000

_SAVE = """insert into pairing(request_id, device_id, body, created_at)
values(:request_id, :device_id, :body, :created_at)"""
_UPDATE = "update pairing set body = :body where request_id = :request_id"
_BODY = "pairing.body"
_encode = msgspec.json.encode


@frozen(kw_only=True)
class PairingRequest(Wish):
    """What one device asked for; an approval grants this and nothing else.

    :ivar asked_at_ms: the last time it asked, roughly: it is not written each time.
    """

    request_id: str
    created_at_ms: int
    asked_at_ms: int
    code: CodeState

    @property
    def expires_at_ms(self) -> int:
        """When it goes by itself, Unix milliseconds."""
        return self.asked_at_ms + LIFETIME_MS

    @property
    def purpose(self) -> str:
        """What its code is for."""
        return f"device|{self.request_id}"


_decoder = msgspec.json.Decoder(PairingRequest)


def save_requests(
    tx: ITransaction, *, requests: Sequence[PairingRequest], gone: Sequence[str] = ()
) -> None:
    """Write some requests and delete others, in one transaction."""
    delete_requests(tx, gone)
    for request in requests:
        tx.execute(
            _SAVE,
            request_id=request.request_id,
            device_id=request.device_id,
            body=_sealed(tx, request),
            created_at=request.created_at_ms,
        )


def update_requests(tx: ITransaction, *, requests: Sequence[PairingRequest]) -> None:
    """Write some requests anew; one that was settled meanwhile does not come back."""
    for request in requests:
        tx.execute(_UPDATE, request_id=request.request_id, body=_sealed(tx, request))


def _sealed(tx: ITransaction, request: PairingRequest) -> bytes:
    return tx.seal(_BODY, request.request_id, _encode(request))


def delete_requests(tx: ITransaction, gone: Sequence[str]) -> None:
    """Delete requests by id."""
    for request_id in gone:
        tx.execute("delete from pairing where request_id = :request_id", request_id=request_id)


def read_requests(tx: ITransaction) -> list[Row]:
    """The body of every request, oldest first."""
    rows = tx.rows("select request_id, body from pairing order by created_at, request_id")
    return [(tx.open(_BODY, request_id, body),) for request_id, body in rows]


def decode_requests(rows: Sequence[Row]) -> list[PairingRequest]:
    """Read the rows.

    :raises msgspec.MsgspecError: a body was damaged.
    """
    return [_decoder.decode(bytes(body)) for (body,) in rows]


def shown(request: PairingRequest) -> PendingDevice:
    """A request as operators see it."""
    return PendingDevice(
        request_id=request.request_id,
        device_id=request.device_id,
        public_key=request.public_key,
        display_name=request.display_name,
        platform=request.platform,
        device_family=request.device_family,
        client_id=request.client_id,
        client_mode=request.client_mode,
        role=request.role,
        roles=[request.role],
        scopes=list(request.scopes),
        remote_ip=request.remote_ip,
        silent=False,
        is_repair=request.is_repair,
        reason=request.reason,
        place=request.place,
        ts=request.created_at_ms,
        expires_at_ms=request.expires_at_ms,
    )
