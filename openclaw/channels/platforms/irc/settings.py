"""What an account on IRC can be told beyond what every channel's account can."""

from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import force_setattr

from openclaw.config.schema.channels import ChannelSettings
from openclaw.config.schema.fields import Positive, Secret, now


class IRCSettings(ChannelSettings, frozen=True, kw_only=True):
    """One nick on one network."""

    host: Annotated[str, now("The server's name, such as ``irc.libera.chat``.")] = ""
    port: Annotated[Positive | None, now("Its port; 6697 with TLS, else 6667, if absent.")] = None
    tls: Annotated[bool, now("Whether the connection is encrypted.")] = True
    nick: Annotated[str, now("What the assistant is called.")] = "openclaw"
    username: Annotated[str, now("The user name in its host mask.")] = "openclaw"
    realname: Annotated[str, now("What ``WHOIS`` shows.")] = "OpenClaw assistant"
    password: Annotated[Secret, now("The server's password, or a bouncer's.")] = ""
    sasl_username: Annotated[str, now("The account for SASL; the nick if absent.")] = ""
    sasl_password: Annotated[Secret, now("The account's password: signs in before all else.")] = ""
    nickserv_password: Annotated[
        Secret, now("The same for networks without SASL: told to ``nickservService``.")
    ] = ""
    nickserv_service: Annotated[str, now("Who is told it.")] = "NickServ"
    channels: Annotated[
        tuple[str, ...],
        now("Channels to join besides those of ``groups``; ``#name key`` for one with a key."),
    ] = ()
    rejoin_after_kick: Annotated[bool, now("Whether a channel is joined again after a kick.")] = (
        False
    )
    formatting: Annotated[
        Literal["plain", "codes"],
        now("Whether bold and the like become IRC's codes, or nothing."),
    ] = "plain"
    flood_burst: Annotated[int, Meta(ge=1, le=50), now("Lines that may leave at once.")] = 5
    flood_ms: Annotated[
        int, Meta(ge=0, le=10_000), now("Milliseconds for each line after those.")
    ] = 1000

    def __post_init__(self) -> None:
        """Channels have one name in any case."""
        force_setattr(self, "groups", {name.lower(): one for name, one in self.groups.items()})
