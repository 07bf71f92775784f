"""Channels and sending through them."""

from typing import Any

from openclaw.protocol.base import UNSET, UnsetType, Wire
from openclaw.protocol.schema.common import Key, Text


class ChannelsStatusParams(Wire, frozen=True, kw_only=True):
    """Params of ``channels.status``."""

    probe: bool = False
    timeout_ms: int | UnsetType = UNSET


class ChannelsStatus(Wire, frozen=True, kw_only=True):
    """Result of ``channels.status``."""

    ts: int
    channel_order: list[str]
    channel_labels: dict[str, str]
    channels: dict[str, Any]
    channel_accounts: dict[str, list[Any]]
    channel_default_account_id: dict[str, str]


class ChannelSendParams(Wire, frozen=True, kw_only=True):
    """Params of ``send``."""

    to: Text
    idempotency_key: Key
    message: str | UnsetType = UNSET
    media_url: str | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    account_id: str | UnsetType = UNSET
    thread_id: str | UnsetType = UNSET
    session_key: str | UnsetType = UNSET


class ChannelSent(Wire, frozen=True, kw_only=True):
    """Result of ``send``: the platform's message id."""

    run_id: str
    message_id: str
    channel: str
