"""The keys of one Discord account, the original's spellings among them; it reads no file."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from msgspec import Meta, field

from openclaw.config.schema.channels import ChannelSettings, DirectSettings, GroupSettings
from openclaw.config.schema.fields import Secret, Section, later, now

API_URL = "https://discord.com/api"

INTENTS = {
    "guilds": 1 << 0,
    "guildMembers": 1 << 1,
    "guildMessages": 1 << 9,
    "guildMessageReactions": 1 << 10,
    "directMessages": 1 << 12,
    "directMessageReactions": 1 << 13,
    "messageContent": 1 << 15,
}
"""The events that can be asked for, by name. See
https://docs.discord.com/developers/events/gateway#list-of-intents"""

DEFAULT_INTENTS = tuple(name for name in INTENTS if name != "guildMembers")

IntentName = Literal[
    "guilds",
    "guildMembers",
    "guildMessages",
    "guildMessageReactions",
    "directMessages",
    "directMessageReactions",
    "messageContent",
]
Id = str | int


class IntentSwitches(Section, frozen=True, kw_only=True):
    """Privileged intents in the original's spelling, on top of the usual ones."""

    guild_members: Annotated[bool, now("Ask for the members of guilds.")] = False
    message_content: Annotated[bool, now("Ask for the content of messages.")] = True
    presence: Annotated[bool, later("Presence is of no use to the assistant.")] = False


class CommandOption(Section, frozen=True, kw_only=True):
    """One text that a slash command takes."""

    name: Annotated[str, Meta(pattern=r"^[-_\w]{1,32}$"), now("Its name, lowercase.")]
    description: Annotated[str, Meta(min_length=1, max_length=100), now("What it is for.")]
    required: Annotated[bool, now("Whether it has to be given.")] = False


class SlashCommand(Section, frozen=True, kw_only=True):
    """One slash command that Discord offers people."""

    name: Annotated[str, Meta(pattern=r"^[-_\w]{1,32}$"), now("Its name, lowercase.")]
    description: Annotated[str, Meta(min_length=1, max_length=100), now("What it does.")]
    options: Annotated[tuple[CommandOption, ...], Meta(max_length=25), now("What it takes.")] = ()


class NativeCommands(Section, frozen=True, kw_only=True):
    """Slash commands in the original's spelling."""

    native: Annotated[
        bool | Literal["auto"], now("Whether the usual slash commands are registered.")
    ] = "auto"


USUAL_COMMANDS = (
    SlashCommand(name="help", description="What the assistant can do"),
    SlashCommand(name="status", description="How the assistant is doing"),
    SlashCommand(name="new", description="Start this conversation anew"),
    SlashCommand(
        name="model",
        description="Which model answers",
        options=(CommandOption(name="name", description="The model to use from now on"),),
    ),
    SlashCommand(name="stop", description="Stop what runs and waits here"),
    SlashCommand(
        name="approve",
        description="Allow one dangerous thing, once",
        options=(CommandOption(name="id", description="Which; all that wait are listed without"),),
    ),
    SlashCommand(
        name="deny",
        description="Refuse it",
        options=(CommandOption(name="id", description="Which; all that wait are listed without"),),
    ),
)


class GuildChannel(Section, frozen=True, kw_only=True):
    """One channel of a guild, or ``*`` for its others; absent keys mean what the guild says."""

    allow: Annotated[bool, now("Whether anything is taken from it.")] = True
    enabled: Annotated[bool, now("The same as ``allow``.")] = True
    require_mention: Annotated[bool | None, now("Whether the assistant must be addressed.")] = None
    users: Annotated[tuple[Id, ...] | None, now("Ids of those who may speak.")] = None
    roles: Annotated[tuple[Id, ...] | None, now("Ids of roles whose members may speak.")] = None
    auto_thread: Annotated[bool, now("Whether answers open a thread of their own.")] = False


class GuildSettings(Section, frozen=True, kw_only=True):
    """One guild in the original's spelling, or ``*`` for all others."""

    slug: Annotated[str, now("A name for people; nothing is compared with it.")] = ""
    require_mention: Annotated[bool | None, now("Whether the assistant must be addressed.")] = None
    users: Annotated[tuple[Id, ...] | None, now("Ids of those who may speak.")] = None
    roles: Annotated[tuple[Id, ...] | None, now("Ids of roles whose members may speak.")] = None
    channels: Annotated[
        dict[str, GuildChannel],
        now("Its channels by id or name; if any is listed, the others are shut out."),
    ] = field(default_factory=dict)


class DiscordSettings(ChannelSettings, frozen=True, kw_only=True):
    """One bot account on Discord."""

    token: Annotated[Secret | None, now("The bot's token, from the Developer Portal.")] = None
    api_url: Annotated[str, now("Root of the REST API, before ``/v10``.")] = API_URL
    application_id: Annotated[str, now("The application's id; Discord tells it if absent.")] = ""
    public_key: Annotated[
        str,
        Meta(pattern=r"^([0-9a-fA-F]{64})?$"),
        now("The application's public key, 64 hex digits, if interactions come by webhook."),
    ] = ""
    intents: Annotated[
        tuple[IntentName, ...] | IntentSwitches | None, now("Which events Discord sends.")
    ] = None
    commands: Annotated[
        tuple[SlashCommand, ...] | NativeCommands | None,
        now("Slash commands; a few usual ones if absent, none for an empty list."),
    ] = None
    guilds: Annotated[
        dict[str, GuildSettings], now("Guilds by id, ``*`` for all others: who may speak there.")
    ] = field(default_factory=dict)
    dm: Annotated[DirectSettings | None, now("Direct messages, the older spelling.")] = None
    suppress_embeds: Annotated[bool, now("Whether links in answers show no preview.")] = False
    history_limit: Annotated[
        int, Meta(ge=0, le=1000), now("Messages of a channel that are kept as context.")
    ] = 20

    def __post_init__(self) -> None:
        """Put the older spelling of direct messages where everybody looks for it."""
        if self.dm is not None:
            self.dm.put_into(self)

    def access(self) -> Mapping[str, GroupSettings]:
        """See :meth:`ChannelSettings.access`; keys are ids, or :func:`by_name`."""
        known = dict(_guild_groups(self.guilds))
        known.update(self.groups)
        return known

    def intent_bits(self) -> int:
        """The intents as Discord wants them."""
        names: set[str] = set(DEFAULT_INTENTS)
        if isinstance(self.intents, tuple):
            names = set(self.intents)
        elif self.intents is not None:
            names.update(("guildMembers",) if self.intents.guild_members else ())
            names.difference_update(() if self.intents.message_content else ("messageContent",))
        return sum(INTENTS[name] for name in names)

    def slash_commands(self) -> tuple[SlashCommand, ...] | None:
        """What is to be registered; ``None`` to leave alone whatever is registered."""
        if isinstance(self.commands, NativeCommands):
            return None if self.commands.native is False else USUAL_COMMANDS
        return USUAL_COMMANDS if self.commands is None else self.commands

    def opens_threads(self, guild_id: str, channel_id: str, name: str = "") -> bool:
        """Whether an answer in that channel opens a thread."""
        for key in (guild_id, "*"):
            guild = self.guilds.get(key)
            if guild is not None:
                named = {slug(one): channel for one, channel in guild.channels.items()}
                channels = (guild.channels.get(channel_id), named.get(slug(name)), named.get("*"))
                channel = next((one for one in channels if one is not None), None)
                return channel is not None and channel.auto_thread
        return False


def slug(name: str) -> str:
    """A channel's name as the original compares it: ``#My Room`` is ``my-room``."""
    return name if name == "*" else re.sub(r"[\W_]+", "-", name.lower()).strip("-")


def by_name(guild_id: str, name: str) -> str:
    """How a channel of a guild is known by its name; empty for one without."""
    return f"{guild_id}#{slug(name)}" if guild_id and slug(name) else ""


def _guild_groups(guilds: Mapping[str, GuildSettings]) -> Iterator[tuple[str, GroupSettings]]:
    """Say the same in ids of places: what a channel leaves open is what its guild says."""
    for guild_id, guild in guilds.items():
        if not guild.channels:
            yield guild_id, _group(guild, GuildChannel())
            continue
        others = guild.channels.get("*", GuildChannel(allow=False))
        yield guild_id, _group(guild, others)
        for channel_id, channel in guild.channels.items():
            if channel_id != "*":
                is_id = channel_id.isdecimal()  # One that is called 2026 is ``#2026``.
                yield channel_id if is_id else by_name(guild_id, channel_id), _group(guild, channel)


def _group(guild: GuildSettings, channel: GuildChannel) -> GroupSettings:
    own = (channel.users, channel.roles)
    users, roles = own if own != (None, None) else (guild.users, guild.roles)
    asked = channel.require_mention
    listed = (*(users or ()), *(f"role:{role}" for role in roles or ()))
    return GroupSettings(
        enabled=channel.allow and channel.enabled,
        require_mention=guild.require_mention if asked is None else asked,
        allow_from=None if users is None and roles is None else listed,
    )
