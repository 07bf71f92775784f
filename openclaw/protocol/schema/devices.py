"""Paired devices, those that wait to be, and senders that show a code."""

from typing import Annotated, Literal

from msgspec import Meta, field

from openclaw.protocol.base import UNSET, UnsetType, Wire

Id = Annotated[str, Meta(min_length=1, max_length=256)]
Label = Annotated[str, Meta(min_length=1, max_length=120)]
Code = Annotated[str, Meta(min_length=1, max_length=32)]


class TokenRow(Wire, frozen=True, kw_only=True):
    """A device's token for one role; the token itself is never shown."""

    role: str
    scopes: list[str]
    created_at_ms: int
    rotated_at_ms: int | UnsetType = UNSET
    revoked_at_ms: int | UnsetType = UNSET
    last_used_at_ms: int | UnsetType = UNSET


class PairedDevice(Wire, frozen=True, kw_only=True):
    """One paired device."""

    device_id: str
    public_key: str
    display_name: str
    operator_label: str | UnsetType = UNSET
    platform: str
    device_family: str
    client_id: str
    client_mode: str
    role: str
    roles: list[str]
    scopes: list[str]
    remote_ip: str | UnsetType = UNSET
    approved_via: str
    created_at_ms: int
    approved_at_ms: int
    last_seen_at_ms: int
    last_seen_reason: str
    connected: bool
    tokens: list[TokenRow]


class PendingDevice(Wire, frozen=True, kw_only=True):
    """A device that waits for approval; payload of ``device.pair.requested``.

    :ivar scopes: exactly what an approval would add.
    :ivar silent: always false: what may be approved silently never waits.
    :ivar is_repair: the device was paired before.
    :ivar reason: ``not-paired``, ``role-upgrade``, ``scope-upgrade`` or ``metadata-upgrade``.
    :ivar place: where it came from: ``localhost``, ``lan``, ``tailnet`` or ``wan``.
    :ivar expires_at_ms: when it goes by itself; asking again puts that off.
    """

    request_id: str
    device_id: str
    public_key: str
    display_name: str
    platform: str
    device_family: str
    client_id: str
    client_mode: str
    role: str
    roles: list[str]
    scopes: list[str]
    remote_ip: str
    silent: bool
    is_repair: bool
    reason: str
    place: str
    ts: int
    expires_at_ms: int


class DevicePairList(Wire, frozen=True, kw_only=True):
    """Result of ``device.pair.list``."""

    pending: list[PendingDevice]
    paired: list[PairedDevice]


class ApproveParams(Wire, frozen=True, kw_only=True):
    """Params of ``device.pair.approve``: one of the two handles of a request.

    :ivar code: what the device shows.
    :ivar second_factor: a one-time password, where the device's place asks for one.
    """

    request_id: Id | UnsetType = UNSET
    code: Code | UnsetType = UNSET
    second_factor: Code | UnsetType = UNSET


class SetupCodeParams(Wire, frozen=True, kw_only=True):
    """Params of ``device.pair.setupCode``.

    :ivar public_url: where the device reaches the gateway, if not where it listens.
    :ivar prefer_remote_url: use ``gateway.remote.url``.
    :ivar bootstrap_profile: absent: as ``limited``, for no code of ours grants administration.
    :ivar join_url: not served.
    """

    public_url: Annotated[str, Meta(min_length=1, max_length=2048)] | UnsetType = UNSET
    prefer_remote_url: bool = False
    include_qr: bool = True
    bootstrap_profile: Literal["limited", "node"] | UnsetType = UNSET
    join_url: Literal[True] | UnsetType = UNSET


class SetupCode(Wire, frozen=True, kw_only=True):
    """Result of ``device.pair.setupCode``; good once, for ten minutes.

    :ivar setup_code: base64url of address and one-time code, for the app or its camera.
    :ivar auth: ``token`` or ``password``: what other clients bring.
    :ivar access: ``limited``: a node, and an operator without administration; ``node``: a node.
    :ivar access_downgraded: more was asked for.
    """

    setup_code: str
    qr_data_url: str | UnsetType = UNSET
    gateway_url: str
    auth: str
    url_source: str
    access: Literal["limited", "node"]
    access_downgraded: bool | UnsetType = UNSET
    expires_at_ms: int


class Approved(Wire, frozen=True, kw_only=True):
    """Result of ``device.pair.approve``."""

    request_id: str
    device: PairedDevice


class RejectParams(Wire, frozen=True, kw_only=True):
    """Params of ``device.pair.reject``."""

    request_id: Id


class Rejected(Wire, frozen=True, kw_only=True):
    """Result of ``device.pair.reject``."""

    request_id: str
    device_id: str


class DeviceParams(Wire, frozen=True, kw_only=True):
    """Params of ``device.pair.remove``."""

    device_id: Id


class DeviceRemoved(Wire, frozen=True, kw_only=True):
    """Result of ``device.pair.remove``."""

    device_id: str


class RenameParams(Wire, frozen=True, kw_only=True):
    """Params and result of ``device.pair.rename``."""

    device_id: Id
    label: Label


class RotateParams(Wire, frozen=True, kw_only=True):
    """Params of ``device.token.rotate``.

    :ivar scopes: fewer than the token has now; absent: the same.
    """

    device_id: Id
    role: Id
    scopes: list[str] | UnsetType = UNSET


class Rotated(Wire, frozen=True, kw_only=True):
    """Result of ``device.token.rotate``.

    :ivar token: only for the device itself, where it came with the token that is replaced.
    :ivar token_delivery: ``in-band`` then, else ``withheld-cross-device``.
    """

    device_id: str
    role: str
    token: str | UnsetType = UNSET
    scopes: list[str]
    rotated_at_ms: int
    token_delivery: str


class RevokeParams(Wire, frozen=True, kw_only=True):
    """Params of ``device.token.revoke``."""

    device_id: Id
    role: Id


class Revoked(Wire, frozen=True, kw_only=True):
    """Result of ``device.token.revoke``."""

    device_id: str
    role: str
    revoked_at_ms: int


class PairResolved(Wire, frozen=True, kw_only=True):
    """Payload of ``device.pair.resolved``; also sent when nobody had to be asked.

    :ivar decision: ``approved`` or ``rejected``.
    :ivar reason: why it was rejected without an operator: ``superseded`` by another request of the
        device, ``expired``, ``dropped`` for newer ones, ``removed`` with the device.
    """

    request_id: str
    device_id: str
    decision: str
    reason: str | UnsetType = UNSET
    ts: int


class PairChanged(Wire, frozen=True, kw_only=True):
    """Payload of ``device.pair.changed``: look at the list again."""


class SenderRow(Wire, frozen=True, kw_only=True):
    """Somebody who writes to a channel account and waits to be let in.

    :ivar account: which account of the channel.
    """

    channel: str
    account: str
    sender_id: str
    display_name: str
    ts: int
    expires_at_ms: int


class PairingListParams(Wire, frozen=True, kw_only=True):
    """Params of ``pairing.list``."""

    channel: Id | UnsetType = UNSET


class PairingList(Wire, frozen=True, kw_only=True):
    """Result of ``pairing.list``: senders, and the devices unless a channel was named."""

    senders: list[SenderRow]
    devices: list[PendingDevice] = field(default_factory=list)


class PairingApproveParams(Wire, frozen=True, kw_only=True):
    """Params of ``pairing.approve``: a code that a sender or a device shows.

    :ivar channel: look only among the senders of this channel.
    """

    code: Code
    channel: Id | UnsetType = UNSET
    second_factor: Code | UnsetType = UNSET


class PairingApproved(Wire, frozen=True, kw_only=True):
    """Result of ``pairing.approve``: either a sender or a device."""

    sender: SenderRow | UnsetType = UNSET
    device: PairedDevice | UnsetType = UNSET
