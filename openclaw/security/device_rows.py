"""The rows of paired devices: what one transaction writes and reads. No state, no decisions."""

from collections.abc import Sequence

import msgspec
from attrs import evolve

from openclaw.interfaces.security import Device, DeviceToken
from openclaw.interfaces.storage import ITransaction, Row
from openclaw.security.request_rows import delete_requests
from openclaw.storage.payloads import row_id

_SAVE_DEVICE = """insert into device(device_id, public_key, body, approved_at, last_seen_at)
values(:device_id, :public_key, :body, :approved_at, :last_seen_at)
on conflict(device_id) do update set public_key = excluded.public_key, body = excluded.body,
approved_at = excluded.approved_at, last_seen_at = excluded.last_seen_at"""
_SAVE_TOKEN = """insert into device_token(device_id, role, body) values(:device_id, :role, :body)
on conflict(device_id, role) do update set body = excluded.body"""

_BODY, _TOKEN_BODY = "device.body", "device_token.body"

_encode = msgspec.json.encode
_devices = msgspec.json.Decoder(Device)
_tokens = msgspec.json.Decoder(DeviceToken)


def save_devices(
    tx: ITransaction, *, devices: Sequence[Device], settled: Sequence[str] = ()
) -> None:
    """Write some devices with their tokens.

    :param settled: pairing requests that this settles, deleted in the same transaction.
    """
    delete_requests(tx, settled)
    for device in devices:
        tx.execute(
            _SAVE_DEVICE,
            device_id=device.device_id,
            public_key=device.public_key,
            body=tx.seal(_BODY, device.device_id, _encode(evolve(device, tokens={}))),
            approved_at=device.approved_at_ms,
            last_seen_at=device.last_seen_at_ms,
        )
        for role, token in device.tokens.items():
            body = tx.seal(_TOKEN_BODY, row_id(device.device_id, role), _encode(token))
            tx.execute(_SAVE_TOKEN, device_id=device.device_id, role=role, body=body)


def remove_device(tx: ITransaction, *, device_id: str, settled: Sequence[str] = ()) -> None:
    """Delete a device with its tokens, and the requests that go with it."""
    delete_requests(tx, settled)
    for table in ("device_token", "device"):
        tx.execute(f"delete from {table} where device_id = :device_id", device_id=device_id)


def read_rows(tx: ITransaction) -> tuple[list[Row], list[Row]]:
    """All rows: device id and body, oldest first; device id, role and body."""
    devices = tx.rows("select device_id, body from device order by approved_at, device_id")
    tokens = tx.rows("select device_id, role, body from device_token")
    return (
        [(name, tx.open(_BODY, name, body)) for name, body in devices],
        [
            (name, role, tx.open(_TOKEN_BODY, row_id(name, role), body))
            for name, role, body in tokens
        ],
    )


def decode_rows(devices: Sequence[Row], tokens: Sequence[Row]) -> dict[str, Device]:
    """Put the rows together.

    :raises msgspec.MsgspecError: a body was damaged.
    """
    held: dict[str, dict[str, DeviceToken]] = {}
    for device_id, role, body in tokens:
        held.setdefault(device_id, {})[role] = _tokens.decode(bytes(body))
    return {
        device_id: evolve(_devices.decode(bytes(body)), tokens=held.get(device_id, {}))
        for device_id, body in devices
    }
