"""Paired devices and those that wait to be, as operators see and decide about them."""

from collections.abc import Callable, Mapping

from attrs import frozen
from twisted.internet.defer import Deferred

from openclaw.deferreds import deferred
from openclaw.errors import InvalidRequest
from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.security import (
    Approver,
    Device,
    DeviceToken,
    ICodes,
    IDevices,
    IPairing,
)
from openclaw.protocol.base import UNSET, UnsetType
from openclaw.protocol.schema.common import NoParams
from openclaw.protocol.schema.devices import (
    Approved,
    ApproveParams,
    DevicePairList,
    DeviceParams,
    DeviceRemoved,
    PairedDevice,
    Rejected,
    RejectParams,
    RenameParams,
    Revoked,
    RevokeParams,
    Rotated,
    RotateParams,
    TokenRow,
)


@frozen(kw_only=True)
class DeviceMethods:
    """Which devices may connect.

    :ivar verified: whether a client has lately shown a second factor.
    """

    devices: IDevices
    pairing: IPairing
    codes: ICodes
    broadcaster: Broadcaster
    verified: Callable[[Client], bool]

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            "device.pair.list": self._list,
            "device.pair.approve": self._approve,
            "device.pair.reject": self._reject,
            "device.pair.remove": self._remove,
            "device.pair.rename": self._rename,
            "device.token.rotate": self._rotate,
            "device.token.revoke": self._revoke,
        }

    def paired(self, device: Device) -> PairedDevice:
        """One device as operators see it."""
        return _row(device, self._connected())

    def approver(self, client: Client) -> Approver:
        """Who a client is when it decides something."""
        device_id, user = client.admitted.device_id, client.admitted.subject
        name = device_id or user or f"a client at {client.peer.address}"
        return Approver(name, client.allowed, device_id, self.verified(client), user)

    def _connected(self) -> set[str | None]:
        return {one.admitted.device_id for one in self.broadcaster}

    def _list(self, client: Client, params: NoParams) -> DevicePairList:
        connected = self._connected()
        return DevicePairList(
            pending=list(self.pairing.pending()),
            paired=[_row(device, connected) for device in self.devices.paired()],
        )

    @deferred
    async def _approve(self, client: Client, params: ApproveParams) -> Approved:
        request_id, approver = params.request_id, self.approver(client)
        if isinstance(request_id, UnsetType):
            if isinstance(params.code, UnsetType):
                raise InvalidRequest(
                    "invalid device.pair.approve params: at : must have required property "
                    "'requestId'"
                )
            request_id = (await self.codes.find(params.code, approver, "device")).key
        factor = "" if isinstance(params.second_factor, UnsetType) else params.second_factor
        device = await self.pairing.approve(request_id.strip(), approver, factor)
        return Approved(request_id=request_id.strip(), device=self.paired(device))

    @deferred
    async def _reject(self, client: Client, params: RejectParams) -> Rejected:
        request_id = params.request_id.strip()
        device_id = await self.pairing.reject(request_id)
        return Rejected(request_id=request_id, device_id=device_id)

    def _remove(self, client: Client, params: DeviceParams) -> Deferred[DeviceRemoved]:
        removed = self.pairing.remove(params.device_id, self.approver(client))
        return removed.addCallback(lambda _: DeviceRemoved(device_id=params.device_id))

    def _rename(self, client: Client, params: RenameParams) -> Deferred[RenameParams]:
        renamed = self.pairing.rename(params.device_id, params.label, self.approver(client))
        return renamed.addCallback(lambda _: params)

    @deferred
    async def _rotate(self, client: Client, params: RotateParams) -> Rotated:
        device_id, role = params.device_id, params.role
        scopes = None if isinstance(params.scopes, UnsetType) else params.scopes
        token, value = await self.pairing.rotate(device_id, role, scopes, self.approver(client))
        admitted = client.admitted
        came = (admitted.device_id, admitted.role, admitted.method)
        is_own = came == (device_id, role, "device-token")
        return Rotated(
            device_id=device_id,
            role=role,
            token=value if is_own else UNSET,
            scopes=list(token.scopes),
            rotated_at_ms=token.rotated_at_ms or token.created_at_ms,
            token_delivery="in-band" if is_own else "withheld-cross-device",
        )

    @deferred
    async def _revoke(self, client: Client, params: RevokeParams) -> Revoked:
        token = await self.pairing.revoke(params.device_id, params.role, self.approver(client))
        assert token.revoked_at_ms is not None
        return Revoked(
            device_id=params.device_id, role=params.role, revoked_at_ms=token.revoked_at_ms
        )


def _row(device: Device, connected: set[str | None]) -> PairedDevice:
    tokens = [token for token in device.tokens.values() if token.revoked_at_ms is None]
    scopes = {scope: None for token in tokens for scope in token.scopes}
    roles = [token.role for token in device.tokens.values()]
    return PairedDevice(
        device_id=device.device_id,
        public_key=device.public_key,
        display_name=device.display_name,
        operator_label=device.operator_label or UNSET,
        platform=device.platform,
        device_family=device.device_family,
        client_id=device.client_id,
        client_mode=device.client_mode,
        role=roles[0] if roles else "",
        roles=roles,
        scopes=list(scopes),
        remote_ip=device.remote_ip or UNSET,
        approved_via=device.approved_via,
        created_at_ms=device.created_at_ms,
        approved_at_ms=device.approved_at_ms,
        last_seen_at_ms=device.last_seen_at_ms,
        last_seen_reason=device.last_seen_reason,
        connected=device.device_id in connected,
        tokens=[_token(token) for token in device.tokens.values()],
    )


def _token(token: DeviceToken) -> TokenRow:
    return TokenRow(
        role=token.role,
        scopes=list(token.scopes),
        created_at_ms=token.created_at_ms,
        rotated_at_ms=_unset(token.rotated_at_ms),
        revoked_at_ms=_unset(token.revoked_at_ms),
        last_used_at_ms=_unset(token.last_used_at_ms),
    )


def _unset(moment: int | None) -> int | UnsetType:
    return UNSET if moment is None else moment
