"""Channels: none is configured yet, and the answers say so in the words clients know."""

from collections.abc import Callable, Mapping

from attrs import frozen

from openclaw.errors import InvalidRequest
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.gateway.repeats import Repeats
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.channels import (
    ChannelSendParams,
    ChannelSent,
    ChannelsStatus,
    ChannelsStatusParams,
)

NO_CHANNEL = (
    "Error: Channel is required (no configured channels detected). "
    "Run openclaw channels add to configure one, or pass --channel <channel> after enabling a "
    "channel. Use openclaw channels list --all to see available channel ids."
)


@frozen(kw_only=True)
class ChannelMethods:
    """Sending through channels, and how they are."""

    repeats: Repeats
    now_ms: Callable[[], int]

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {"send": self.repeats.guard(self._send), "channels.status": self._status}

    def _send(self, client: Client, params: ChannelSendParams) -> ChannelSent:
        if params.message is UNSET and params.media_url is UNSET:
            raise InvalidRequest("invalid send params: text or media is required")
        if params.channel is UNSET:
            raise InvalidRequest(NO_CHANNEL)
        raise InvalidRequest(f"unsupported channel: {params.channel}")

    def _status(self, client: Client, params: ChannelsStatusParams) -> ChannelsStatus:
        return ChannelsStatus(
            ts=self.now_ms(),
            channel_order=[],
            channel_labels={},
            channels={},
            channel_accounts={},
            channel_default_account_id={},
        )
