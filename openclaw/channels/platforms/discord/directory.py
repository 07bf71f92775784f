"""What the gateway told of guilds, channels and roles: names and kinds; asks nobody itself."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

DM = 1
GROUP_DM = 3
THREADS = frozenset({10, 11, 12})
FORUMS = frozenset({15, 16})
UNSEEN = -1
"""The kind of a channel that Discord would not show to us."""

MOST_PEOPLE = 10_000


@frozen(kw_only=True)
class Channel:
    """A channel or a thread.

    :ivar kind: Discord's channel type, or :data:`UNSEEN`.
    :ivar parent_id: for a thread the channel it hangs under; for a channel its category.
    """

    id: str
    kind: int
    name: str = ""
    guild_id: str = ""
    parent_id: str = ""
    recipient_id: str = ""

    @property
    def is_thread(self) -> bool:
        """Whether it hangs under another channel."""
        return self.kind in THREADS


@frozen(kw_only=True)
class Guild:
    """A guild's name, the names of its roles, and which of them is the bot's own."""

    id: str
    name: str = ""
    roles: Mapping[str, str] = field(factory=dict)
    bot_roles: Mapping[str, str] = field(factory=dict)
    """The bot's user id by the role that Discord made for it."""


def channel_of(data: Mapping[str, Any], guild_id: str = "") -> Channel:
    """Read a channel object."""
    recipients = data.get("recipients") or ()
    return Channel(
        id=str(data.get("id") or ""),
        kind=int(data.get("type") or 0),
        name=data.get("name") or "",
        guild_id=str(data.get("guild_id") or guild_id or ""),
        parent_id=str(data.get("parent_id") or ""),
        recipient_id=str(recipients[0].get("id") or "") if recipients else "",
    )


def guild_of(data: Mapping[str, Any]) -> Guild:
    """Read a guild object."""
    roles = [role for role in data.get("roles") or () if role.get("id")]
    return Guild(
        id=str(data.get("id") or ""),
        name=data.get("name") or "",
        roles={str(role["id"]): role.get("name") or "" for role in roles},
        bot_roles={
            str(role["id"]): str(role["tags"]["bot_id"])
            for role in roles
            if (role.get("tags") or {}).get("bot_id")
        },
    )


class Directory:
    """Guilds and channels by id, and whom the bot has met.

    :ivar direct: the direct channel of a person, by the person's id.
    :ivar people: ids of those who were seen lately, so that only they are ever mentioned.
    """

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.guilds: dict[str, Guild] = {}
        self.direct: dict[str, str] = {}
        self.people: OrderedDict[str, str] = OrderedDict()

    def learn(self, event: str, data: Mapping[str, Any]) -> None:
        """Take in what an event says of places; events about other things say nothing."""
        if event in ("GUILD_CREATE", "GUILD_UPDATE"):
            self._guild(data)
        elif event in ("CHANNEL_CREATE", "CHANNEL_UPDATE", "THREAD_CREATE", "THREAD_UPDATE"):
            self.add(channel_of(data))
        elif event in ("CHANNEL_DELETE", "THREAD_DELETE"):
            self.channels.pop(str(data.get("id")), None)
        elif event == "THREAD_LIST_SYNC":
            self._add_all(data.get("threads"), str(data.get("guild_id") or ""))
        elif event in ("GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE"):
            # Asked for again when somebody mentions a role.
            self.guilds.pop(str(data.get("guild_id")), None)

    def add(self, channel: Channel) -> None:
        """Remember a channel."""
        self.channels[channel.id] = channel
        if channel.kind == DM and channel.recipient_id:
            self.direct[channel.recipient_id] = channel.id

    def meet(self, user_id: str, name: str) -> None:
        """Remember a person."""
        self.people[user_id] = name
        self.people.move_to_end(user_id)
        if len(self.people) > MOST_PEOPLE:
            self.people.popitem(last=False)

    def is_own_role(self, guild_id: str, role_id: str, own_id: str) -> bool:
        """Whether a role is the one that Discord made for the bot ``own_id``."""
        guild = self.guilds.get(guild_id)
        return guild is not None and guild.bot_roles.get(role_id) == own_id

    def role_name(self, guild_id: str, role_id: str) -> str:
        """A role's name, empty if it is not known."""
        guild = self.guilds.get(guild_id)
        return "" if guild is None else guild.roles.get(role_id, "")

    def _guild(self, data: Mapping[str, Any]) -> None:
        if data.get("unavailable"):
            return
        guild = guild_of(data)
        self.guilds[guild.id] = guild
        self._add_all(data.get("channels"), guild.id)
        self._add_all(data.get("threads"), guild.id)

    def _add_all(self, channels: Any, guild_id: str) -> None:
        for channel in channels or ():
            self.add(channel_of(channel, guild_id))
