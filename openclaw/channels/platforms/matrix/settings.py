"""What an account on Matrix can be told beyond what every channel's account can."""

from typing import Annotated, Literal

from msgspec import Meta, field
from msgspec.structs import force_setattr

from openclaw.config.schema.channels import ChannelSettings, DirectSettings, GroupSettings
from openclaw.config.schema.fields import Secret, later, now

AutoJoin = Literal["off", "allowlist", "always"]


class MatrixSettings(ChannelSettings, frozen=True, kw_only=True):
    """One account on one homeserver."""

    homeserver: Annotated[
        str, now("The homeserver's address for clients, such as ``https://matrix.example.org``.")
    ] = ""
    user_id: Annotated[
        str, now("The assistant's own id, ``@name:server``; a token tells it by itself.")
    ] = ""
    access_token: Annotated[Secret, now("An access token; comes before ``password``.")] = ""
    password: Annotated[
        Secret, now("The account's password: it signs in once, and keeps what it got.")
    ] = ""
    device_id: Annotated[
        str, now("The device that a password signs in as; made up once if absent.")
    ] = ""
    device_name: Annotated[str, now("What the device is called in lists of sessions.")] = (
        "OpenClaw gateway"
    )
    auto_join: Annotated[
        AutoJoin,
        now(
            "Which invitations are followed: none, all, or those of people in ``allowFrom`` or "
            "``groupAllowFrom`` and to rooms in ``groups``, and what ``autoJoinAllowlist`` adds."
        ),
    ] = "allowlist"
    auto_join_allowlist: Annotated[
        tuple[str, ...],
        now("Room ids, aliases and people whose invitations are followed as well."),
    ] = ()
    dm: Annotated[DirectSettings | None, now("Direct messages, the original's spelling.")] = None
    rooms: Annotated[
        dict[str, GroupSettings], now("Rooms by their ids; the older spelling of ``groups``.")
    ] = field(default_factory=dict)
    encryption: Annotated[bool, later("Encrypted rooms are not read.")] = False
    read_receipts: Annotated[bool, now("Whether people see that a message was read.")] = True
    sync_timeout_seconds: Annotated[
        int, Meta(ge=0, le=45), now("How long a sync waits at the homeserver for news.")
    ] = 30

    def __post_init__(self) -> None:
        """Let both spellings of each thing mean the same."""
        if self.rooms:
            force_setattr(self, "groups", {**self.rooms, **self.groups})
        if self.dm is not None:
            self.dm.put_into(self)
