"""Channel accounts as clients see them: in ``channels.status``, in health, in probes. Pure."""

from collections.abc import Iterable, Mapping

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
Row = tuple[str, ChannelAccount]


def accounts_of(
    statuses: Iterable[AccountStatus], probes: Mapping[tuple[str, str], ChannelProbe]
) -> list[Row]:
    """Every account with its channel, in the order given."""
    return [
        (one.channel, _account(one, probes.get((one.channel, one.account)))) for one in statuses
    ]


def status_of(
    rows: Iterable[Row], labels: Mapping[str, str], defaults: Mapping[str, str], now_ms: int
) -> ChannelsStatus:
    """The whole of ``channels.status``."""
    by_channel: dict[str, list[ChannelAccount]] = {}
    for channel, account in rows:
        by_channel.setdefault(channel, []).append(account)
    return ChannelsStatus(
        ts=now_ms,
        channel_order=list(by_channel),
        channel_labels={channel: labels.get(channel, channel) for channel in by_channel},
        channels=summaries_of(by_channel, defaults),
        channel_accounts=by_channel,
        channel_default_account_id={one: defaults.get(one, "default") for one in by_channel},
    )


def summaries_of(
    by_channel: Mapping[str, list[ChannelAccount]], defaults: Mapping[str, str]
) -> dict[str, ChannelSummary]:
    """Each channel by its default account."""
    found = {}
    for channel, accounts in by_channel.items():
        wanted = defaults.get(channel)
        one = next((each for each in accounts if each.account_id == wanted), accounts[0])
        found[channel] = ChannelSummary(
            configured=one.configured,
            running=one.running,
            connected=one.connected,
            last_error=one.last_error,
        )
    return found


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
        probe=probe if probe is not None else UNSET,
    )
