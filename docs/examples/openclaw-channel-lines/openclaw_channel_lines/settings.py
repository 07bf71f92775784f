"""The keys of one account besides those that every channel has."""

from typing import Annotated

from openclaw.config.schema.channels import ChannelSettings
from openclaw.config.schema.fields import Secret, now


class LinesSettings(ChannelSettings, frozen=True, kw_only=True):
    """One account on one server."""

    host: Annotated[str, now("The server.")] = "localhost"
    port: Annotated[int, now("Its port.")] = 7070
    tls: Annotated[bool, now("Whether the connection is encrypted.")] = True
    token: Annotated[Secret, now("What the account signs in with.")] = ""
