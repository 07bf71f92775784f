"""Channels and sending through them."""

from typing import Literal

from openclaw.protocol.base import UNSET, UnsetType, Wire
from openclaw.protocol.schema.common import Key, Text


class ChannelsStatusParams(Wire, frozen=True, kw_only=True):
    """Params of ``channels.status``."""

    probe: bool = False
    timeout_ms: int | UnsetType = UNSET


class ChannelProbe(Wire, frozen=True, kw_only=True):
    """What a platform said when it was asked for a sign of life."""

    ok: bool
    elapsed_ms: int
    said: str | UnsetType = UNSET
    error: str | UnsetType = UNSET


class ChannelAccount(Wire, frozen=True, kw_only=True):
    """One account, as every view shows it; times are Unix milliseconds.

    :ivar clients: how many pages are connected to the web chat.
    """

    account_id: str
    enabled: bool
    configured: bool
    running: bool
    connected: bool
    state: str
    reconnect_attempts: int
    name: str | UnsetType = UNSET
    mode: str | UnsetType = UNSET
    last_start_at: int | UnsetType = UNSET
    last_stop_at: int | UnsetType = UNSET
    last_connected_at: int | UnsetType = UNSET
    last_disconnect: "ChannelDisconnect | UnsetType" = UNSET
    last_error: str | UnsetType = UNSET
    last_inbound_at: int | UnsetType = UNSET
    last_outbound_at: int | UnsetType = UNSET
    last_transport_activity_at: int | UnsetType = UNSET
    clients: int | UnsetType = UNSET
    probe: ChannelProbe | UnsetType = UNSET


class ChannelDisconnect(Wire, frozen=True, kw_only=True):
    """How the last connection ended."""

    at: int
    error: str


class ChannelSummary(Wire, frozen=True, kw_only=True):
    """One channel: its default account in short."""

    configured: bool
    running: bool
    connected: bool
    last_error: str | UnsetType = UNSET


class ChannelsStatus(Wire, frozen=True, kw_only=True):
    """Result of ``channels.status``."""

    ts: int
    channel_order: list[str]
    channel_labels: dict[str, str]
    channels: dict[str, ChannelSummary]
    channel_accounts: dict[str, list[ChannelAccount]]
    channel_default_account_id: dict[str, str]


class ChannelAccountParams(Wire, frozen=True, kw_only=True):
    """Params of ``channels.reload``, ``channels.stop`` and ``channels.logout``."""

    channel: Text
    account_id: str | UnsetType = UNSET


class ChannelsReloaded(Wire, frozen=True, kw_only=True):
    """Result of ``channels.reload``: the accounts that were stopped, started or both."""

    accounts: list[str]


class ChannelStopped(Wire, frozen=True, kw_only=True):
    """Result of ``channels.stop`` and ``channels.logout``; both stop an account.

    A token in the configuration is the owner's to take back: logging out never changes the file.
    """

    channel: str
    account_id: str
    stopped: bool
    logged_out: bool
    cleared: bool = False


class ActionTarget(Wire, frozen=True, kw_only=True):
    """Params of one ``message.action``, in the spellings of the original."""

    to: str | UnsetType = UNSET
    target: str | UnsetType = UNSET
    channel_id: str | UnsetType = UNSET
    chat_id: str | UnsetType = UNSET
    thread_id: str | UnsetType = UNSET
    message_id: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    emoji: str | UnsetType = UNSET
    remove: bool = False


class MessageActionParams(Wire, frozen=True, kw_only=True):
    """Params of ``message.action``."""

    channel: Text
    action: Literal["send", "react", "edit", "delete", "unsend"]
    params: ActionTarget
    idempotency_key: Key
    account_id: str | UnsetType = UNSET
    session_key: str | UnsetType = UNSET


class MessageActed(Wire, frozen=True, kw_only=True):
    """Result of ``message.action``."""

    ok: bool
    channel: str
    message_id: str


class TraceParams(Wire, frozen=True, kw_only=True):
    """Params of ``messages.trace``; an id of a message, of a run, or of a queued call."""

    message_id: Text


class TraceRow(Wire, frozen=True, kw_only=True):
    """One step of a message's way."""

    at: int
    step: str
    detail: str


class Trace(Wire, frozen=True, kw_only=True):
    """Result of ``messages.trace``, in the order of time."""

    message_id: str
    steps: list[TraceRow]


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
    account_id: str | UnsetType = UNSET
    chat_id: str | UnsetType = UNSET
    message_ids: list[str] | UnsetType = UNSET
