"""Channel accounts as clients see them: in ``channels.status``, in health, in probes. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from openclaw.interfaces.channels import AccountStatus
from openclaw.protocol.base import UNSET, UnsetType
from openclaw.protocol.schema.channels import (
    ChannelAccount,
    ChannelDisconnect,
    ChannelProbe,
    ChannelsStatus,
    ChannelSummary,
)

_RUNNING = ("starting", "connected", "degraded", "reconnecting")


def status_of(
    statuses: Sequence[AccountStatus],
    probes: Mapping[tuple[str, str], ChannelProbe],
    now_ms: int,
) -> ChannelsStatus:
    """The whole of ``channels.status``."""
    by_channel: dict[str, list[ChannelAccount]] = {}
    for one in statuses:
        row = _account(one, probes.get((one.channel, one.account)))
        by_channel.setdefault(one.channel, []).append(row)
    return ChannelsStatus(
        ts=now_ms,
        channel_order=list(by_channel),
        channel_labels=labels_of(statuses),
        channels=summaries_of(statuses),
        channel_accounts=by_channel,
        channel_default_account_id={one.channel: one.account for one in statuses if one.is_default},
    )


def labels_of(statuses: Iterable[AccountStatus]) -> dict[str, str]:
    """What people call each channel."""
    return {one.channel: one.label or one.channel for one in statuses}


def summaries_of(statuses: Iterable[AccountStatus]) -> dict[str, ChannelSummary]:
    """Each channel by its default account."""
    return {
        one.channel: ChannelSummary(
            configured=one.configured,
            running=one.state in _RUNNING,
            connected=one.connected,
            last_error=one.last_error or UNSET,
        )
        for one in statuses
        if one.is_default
    }


def failing(statuses: Iterable[AccountStatus]) -> list[str]:
    """Accounts that should work and do not: what readiness has to tell."""
    return [
        f"{one.channel}/{one.account}"
        for one in statuses
        if one.enabled and one.state in ("degraded", "reconnecting", "failed")
    ]


def _account(status: AccountStatus, probe: ChannelProbe | None) -> ChannelAccount:
    last: ChannelDisconnect | UnsetType = UNSET
    if status.last_disconnect_at:
        last = ChannelDisconnect(at=status.last_disconnect_at, error=status.last_disconnect)
    return ChannelAccount(
        account_id=status.account,
        enabled=status.enabled,
        configured=status.configured,
        running=status.state in _RUNNING,
        connected=status.connected,
        state=status.state,
        reconnect_attempts=status.reconnect_attempts,
        name=status.name or UNSET,
        mode=status.mode or UNSET,
        last_start_at=status.last_start_at or UNSET,
        last_stop_at=status.last_stop_at or UNSET,
        last_connected_at=status.last_connected_at or UNSET,
        last_disconnect=last,
        last_error=status.last_error or UNSET,
        last_inbound_at=status.last_inbound_at or UNSET,
        last_outbound_at=status.last_outbound_at or UNSET,
        last_transport_activity_at=status.last_transport_at or UNSET,
        clients=UNSET if status.clients is None else status.clients,
        probe=probe if probe is not None else UNSET,
    )
