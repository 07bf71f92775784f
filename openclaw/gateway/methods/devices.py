"""Paired devices, as an operator sees them."""

from collections.abc import Mapping

from attrs import frozen

from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.security import Device, DeviceToken, IDevices
from openclaw.protocol.base import UNSET, UnsetType
from openclaw.protocol.schema.common import NoParams
from openclaw.protocol.schema.devices import DevicePairList, PairedDevice, TokenRow


@frozen(kw_only=True)
class DeviceMethods:
    """Which devices may connect."""

    devices: IDevices
    broadcaster: Broadcaster

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {"device.pair.list": self._list}

    def _list(self, client: Client, params: NoParams) -> DevicePairList:
        connected = {one.admitted.device_id for one in self.broadcaster}
        return DevicePairList(
            pending=[],
            paired=[_row(device, connected) for device in self.devices.paired()],
        )


def _row(device: Device, connected: set[str | None]) -> PairedDevice:
    tokens = [token for token in device.tokens.values() if token.revoked_at_ms is None]
    scopes = {scope: None for token in tokens for scope in token.scopes}
    roles = [token.role for token in device.tokens.values()]
    return PairedDevice(
        device_id=device.device_id,
        public_key=device.public_key,
        display_name=device.display_name,
        platform=device.platform,
        device_family=device.device_family,
        client_id=device.client_id,
        client_mode=device.client_mode,
        role=roles[0] if roles else "",
        roles=roles,
        scopes=list(scopes),
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
