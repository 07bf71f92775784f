"""Paired devices."""

from typing import Any

from openclaw.protocol.base import UNSET, UnsetType, Wire


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
    platform: str
    device_family: str
    client_id: str
    client_mode: str
    role: str
    roles: list[str]
    scopes: list[str]
    approved_via: str
    created_at_ms: int
    approved_at_ms: int
    last_seen_at_ms: int
    last_seen_reason: str
    connected: bool
    tokens: list[TokenRow]


class DevicePairList(Wire, frozen=True, kw_only=True):
    """Result of ``device.pair.list``."""

    pending: list[Any]
    paired: list[PairedDevice]
