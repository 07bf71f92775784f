"""What the stand-in of Discord holds: guild, channels, people, messages; and who gets told."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.channels.discord import objects, sockets
from tests.channels.discord.objects import Object

BOT_ID = "900000000000000001"
APPLICATION_ID = "900000000000000002"
GUILD_ID = "500000000000000001"
BOT_ROLE_ID = "500000000000000009"
MODERATORS_ID = "500000000000000008"
GENERAL_ID = "600000000000000001"
FORUM_ID = "600000000000000002"
OWNER_ID = "700000000000000001"

Read = Callable[[Object], None]


class World:
    """Everything there is."""

    def __init__(self, gateway: sockets.Gateway, now_ms: Callable[[], int], base: str) -> None:
        self.gateway = gateway
        self.now_ms = now_ms
        self.base = base
        self.snowflakes = objects.Snowflakes(now_ms)
        self.me = objects.me(BOT_ID, "assistant")
        self.users: dict[str, Object] = {BOT_ID: self.me}
        self.channels: dict[str, Object] = {}
        self.messages: dict[str, Object] = {}
        self.files: dict[str, bytes] = {}
        self.direct_of: dict[str, str] = {}
        self.hidden: set[str] = set()
        self.roles_of: dict[str, tuple[str, ...]] = {}
        for kind, channel_id, name in ((0, GENERAL_ID, "general"), (15, FORUM_ID, "questions")):
            self.channels[channel_id] = objects.channel(channel_id, name, GUILD_ID, kind)

    # -- people and places -------------------------------------------------------------------------

    def person(self, user_id: str, name: str = "") -> Object:
        """Somebody, by id; new people are made."""
        return self.users.setdefault(user_id, objects.user(user_id, name or f"user{user_id}"))

    def ready(self, session_id: str) -> Sequence[tuple[str, Any]]:
        """What a new session is told first."""
        guild = self.guild()
        payload = {
            "v": 10,
            "user": self.me,
            "guilds": [{"id": GUILD_ID, "unavailable": True}],
            "session_id": session_id,
            "session_type": "normal",
            "resume_gateway_url": self.base,
            "application": {"id": APPLICATION_ID, "flags": 0},
            "user_settings": {},
            "relationships": [],
            "private_channels": [],
            "presences": [],
            "guild_join_requests": [],
            "geo_ordered_rtc_regions": [],
            "_trace": ["stand-in"],
        }
        return [("READY", payload), ("GUILD_CREATE", guild)]

    def guild(self) -> Object:
        """The one guild."""
        roles = [
            objects.role(GUILD_ID, "@everyone"),
            objects.role(BOT_ROLE_ID, "assistant", bot_id=BOT_ID),
            objects.role(MODERATORS_ID, "moderators"),
        ]
        here = [one for one in self.channels.values() if one.get("guild_id") == GUILD_ID]
        threads = [one for one in here if one["type"] == 11]
        plain = [one for one in here if one["type"] != 11]
        guild = objects.guild(GUILD_ID, "Test guild", OWNER_ID, roles, plain)
        guild["threads"] = threads
        guild["members"] = [{**objects.member((BOT_ROLE_ID,)), "user": self.me}]
        return guild

    def place(self, channel_id: str) -> Object:
        """A guild's channel by id; new ones are made, and told of."""
        if channel_id not in self.channels:
            made = objects.channel(channel_id, f"room-{channel_id}", GUILD_ID, 0, 1)
            self.channels[channel_id] = made
            self.gateway.dispatch("CHANNEL_CREATE", made, 1)
        return self.channels[channel_id]

    def direct(self, user_id: str) -> Object:
        """The direct channel with somebody."""
        if user_id not in self.direct_of:
            channel_id = self.snowflakes.next()
            self.direct_of[user_id] = channel_id
            self.channels[channel_id] = objects.direct(channel_id, self.person(user_id))
        return self.channels[self.direct_of[user_id]]

    def thread(self, name: str, parent_id: str, owner_id: str, thread_id: str = "") -> Object:
        """A new thread, or a forum's new post, and everybody is told."""
        made = objects.thread(
            thread_id or self.snowflakes.next(), name, self.channels[parent_id], owner_id
        )
        self.channels[made["id"]] = made
        self.gateway.dispatch("THREAD_CREATE", {**made, "newly_created": True}, 1)
        return made

    # -- messages ----------------------------------------------------------------------------------

    def write(
        self, channel_id: str, author: Object, content: str, more: Mapping[str, Any] | None = None
    ) -> Object:
        """Somebody writes; everybody who may know is told."""
        message_id = (more or {}).get("id") or self.snowflakes.next()
        made = objects.message(message_id, channel_id, author, content, self.now_ms())
        made["mentions"] = [
            {**one, "member": objects.member()}
            for one in self.users.values()
            if f"<@{one['id']}>" in content or f"<@!{one['id']}>" in content
        ]
        made.update(more or {})
        self.messages[message_id] = made
        self.channels[channel_id]["last_message_id"] = message_id
        self.tell("MESSAGE_CREATE", made)
        return made

    def tell(self, name: str, message: Object) -> None:
        """Dispatch a message's event, cut to what each session may see."""
        guild_id = self.channels[message["channel_id"]].get("guild_id")
        told = {**message, "channel_type": self.channels[message["channel_id"]]["type"]}
        if guild_id:
            told["guild_id"] = guild_id
            told["member"] = objects.member(self.roles_of.get(message["author"]["id"], ()))
        needs = sockets.GUILD_MESSAGES if guild_id else sockets.DIRECT
        self.gateway.dispatch(name, lambda intents: visible(told, intents), needs)

    def edit(self, message_id: str, content: str) -> None:
        """Somebody changes their words."""
        message = self.messages[message_id]
        message["content"] = content
        message["edited_timestamp"] = objects.iso(self.now_ms())
        self.tell("MESSAGE_UPDATE", message)

    def react(self, message_id: str, user_id: str, emoji: str, *, added: bool = True) -> None:
        """Somebody reacts."""
        message = self.messages[message_id]
        guild_id = self.channels[message["channel_id"]].get("guild_id")
        data: Object = {
            "user_id": user_id,
            "channel_id": message["channel_id"],
            "message_id": message_id,
            "emoji": {"id": None, "name": emoji},
            "burst": False,
            "type": 0,
        }
        if guild_id:
            data["guild_id"] = guild_id
            if added:
                data["member"] = {**objects.member(), "user": self.person(user_id)}
        needs = sockets.REACTIONS if guild_id else sockets.DIRECT_REACTIONS
        name = "MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE"
        self.gateway.dispatch(name, data, needs)

    def attachment(self, name: str, content: bytes, mime: str) -> Object:
        """A file on the stand-in's own file server."""
        file_id = self.snowflakes.next()
        self.files[f"{file_id}/{name}"] = content
        return {
            "id": file_id,
            "filename": name,
            "content_type": mime,
            "size": len(content),
            "url": f"{self.files_root}/attachments/{file_id}/{name}",
            "proxy_url": f"{self.files_root}/attachments/{file_id}/{name}",
        }

    files_root = ""


def visible(message: Object, intents: int) -> Object:
    """A message as a bot with these intents sees it."""
    own = message["author"]["id"] == BOT_ID
    addressed = any(one["id"] == BOT_ID for one in message["mentions"])
    if intents & sockets.CONTENT or own or addressed or "guild_id" not in message:
        return message
    return {**message, "content": "", "attachments": [], "embeds": [], "components": []}
