"""What an account on IRC can be told beyond what every channel's account can."""

from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import force_setattr, replace

from openclaw.config.schema.channels import ChannelSettings
from openclaw.config.schema.fields import Positive, Secret, SecretRef, Section, later, now


class NickServSettings(Section, frozen=True, kw_only=True):
    """Services, in the original's spelling."""

    enabled: Annotated[bool, now("Whether the password is told.")] = True
    service: Annotated[str, now("The same as ``nickservService``.")] = ""
    password: Annotated[Secret, now("The same as ``nickservPassword``.")] = ""
    password_file: Annotated[str, now("A file that holds it.")] = ""
    register: Annotated[bool, later("Nicks are registered by people.")] = False
    register_email: Annotated[str, later("Nicks are registered by people.")] = ""


class IRCSettings(ChannelSettings, frozen=True, kw_only=True):
    """One nick on one network."""

    host: Annotated[str, now("The server's name, such as ``irc.libera.chat``.")] = ""
    port: Annotated[Positive | None, now("Its port; 6697 with TLS, else 6667, if absent.")] = None
    tls: Annotated[bool, now("Whether the connection is encrypted.")] = True
    nick: Annotated[str, now("What the assistant is called.")] = "openclaw"
    username: Annotated[str, now("The user name in its host mask.")] = "openclaw"
    realname: Annotated[str, now("What ``WHOIS`` shows.")] = "OpenClaw assistant"
    password: Annotated[Secret, now("The server's password, or a bouncer's.")] = ""
    password_file: Annotated[str, now("A file that holds it.")] = ""
    sasl_username: Annotated[str, now("The account for SASL; the nick if absent.")] = ""
    sasl_password: Annotated[Secret, now("The account's password: signs in before all else.")] = ""
    nickserv_password: Annotated[
        Secret, now("The same for networks without SASL: told to ``nickservService``.")
    ] = ""
    nickserv_service: Annotated[str, now("Who is told it.")] = "NickServ"
    nickserv: Annotated[NickServSettings | None, now("Services, the original's spelling.")] = None
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
        """Names are the same in any case; let both spellings of each thing mean the same."""
        groups = {
            name.lower(): replace(one, allow_from=_lower(one.allow_from))
            for name, one in self.groups.items()
        }
        force_setattr(self, "groups", groups)
        force_setattr(self, "allow_from", _lower(self.allow_from))
        force_setattr(self, "group_allow_from", _lower(self.group_allow_from))
        if self.password_file and not self.password:
            force_setattr(self, "password", SecretRef(source="file", path=self.password_file))
        if self.nickserv is not None:
            self._take(self.nickserv)

    def _take(self, services: NickServSettings) -> None:
        password = services.password
        if services.password_file and not password:
            password = SecretRef(source="file", path=services.password_file)
        if not services.enabled:
            force_setattr(self, "nickserv_password", "")
        elif password:
            force_setattr(self, "nickserv_password", password)
        if services.service:
            force_setattr(self, "nickserv_service", services.service)
        # It has been said; whoever puts the secret's value in its place must not find it again.
        force_setattr(self, "nickserv", None)

    def people(self) -> frozenset[str]:
        """Everybody whom a list names."""
        lists = (self.allow_from, self.group_allow_from)
        groups = (group.allow_from for group in self.groups.values())
        return frozenset(str(one) for listed in (*lists, *groups) for one in listed or ())


def _lower(listed: tuple[str | int, ...] | None) -> tuple[str | int, ...] | None:
    if listed is None:
        return None
    return tuple(one.lower() if isinstance(one, str) else one for one in listed)
