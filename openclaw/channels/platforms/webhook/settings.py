"""What an account of custom webhooks can be told beyond what every channel's account can."""

from typing import Annotated, Literal

from msgspec import Meta

from openclaw.config.schema.channels import ChannelSettings
from openclaw.config.schema.fields import Secret, now


class WebhookSettings(ChannelSettings, frozen=True, kw_only=True):
    """One other service."""

    secret: Annotated[
        Secret, now("What requests to us are signed with; nothing starts without.")
    ] = ""
    window_seconds: Annotated[
        int, Meta(ge=10, le=3600), now("How old, or how far ahead, a signed time may be.")
    ] = 300
    outbound_url: Annotated[
        str, now("Where answers are posted; absent for a service that only tells.")
    ] = ""
    outbound_secret: Annotated[
        Secret, now("What our requests are signed with; ``secret`` if absent.")
    ] = ""
    format: Annotated[
        Literal["markdown", "plain"], now("Whether answers are Markdown or without any marks.")
    ] = "markdown"
