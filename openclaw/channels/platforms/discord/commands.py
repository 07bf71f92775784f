"""Slash commands: what is registered, and what somebody chose, as an event. Pure."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from openclaw.channels.platforms.discord.directory import channel_of
from openclaw.channels.platforms.discord.settings import SlashCommand
from openclaw.channels.platforms.discord.wire import Own, Scene, person, scene_of, time_of
from openclaw.interfaces.messages import Inbound

PING = 1
COMMAND = 2
COMPONENT = 3
AUTOCOMPLETE = 4

_CHAT_INPUT = 1
_STRING = 3
_SUBCOMMANDS = (1, 2)
MOST_COMMANDS = 100


def registration(commands: Sequence[SlashCommand]) -> list[dict[str, Any]]:
    """The commands as Discord registers them."""
    return [
        {
            "type": _CHAT_INPUT,
            "name": command.name.lower(),
            "description": command.description,
            "options": [
                {
                    "type": _STRING,
                    "name": option.name.lower(),
                    "description": option.description,
                    "required": option.required,
                }
                # Discord wants those that are required first.
                for option in sorted(command.options, key=lambda option: not option.required)
            ],
        }
        for command in commands[:MOST_COMMANDS]
    ]


def fingerprint(application_id: str, registered: Sequence[Mapping[str, Any]]) -> str:
    """What tells whether a registration has changed."""
    encoded = msgspec.json.encode([application_id, registered], order="sorted")
    return sha256(encoded).hexdigest()


def interaction_scene(data: Mapping[str, Any], directory: Any) -> Scene:
    """Where somebody chose a command; the event brings the channel along."""
    user = _user(data)
    guild_id = str(data.get("guild_id") or "")
    channel_id = str(data.get("channel_id") or (data.get("channel") or {}).get("id") or "")
    known = directory.channels.get(channel_id)
    if known is None and data.get("channel"):
        known = channel_of({**data["channel"], "id": channel_id}, guild_id)
    if known is None and guild_id:
        known = channel_of({"id": channel_id}, guild_id)
    return scene_of(guild_id, known, str(user.get("id") or ""), directory)


def event_of(data: Mapping[str, Any], scene: Scene, own: Own) -> Inbound:
    """Read an INTERACTION_CREATE: a command, or a pressed button."""
    chosen = data.get("data") or {}
    is_command = data.get("type") == COMMAND
    name = str(chosen.get("name") or "")
    words = [f"/{name}", *_values(chosen.get("options"))]
    picked = [str(chosen.get("custom_id") or ""), *map(str, chosen.get("values") or ())]
    interaction_id = str(data["id"])
    return Inbound(
        channel=own.channel,
        account=own.account,
        kind="command" if is_command else "button",
        chat_type=scene.chat_type,
        chat_id=scene.chat_id,
        chat_name=scene.chat_name,
        space_id=scene.guild_id,
        parent_id=scene.named,
        thread_id=scene.thread_id,
        sender=person(_user(data), data.get("member")),
        message_id=interaction_id,
        dedupe_id=interaction_id,
        timestamp_ms=time_of(interaction_id),
        text=" ".join(words if is_command else picked).strip() or "<button>",
        mention="command",
        command=name if is_command else "",
    )


def _user(data: Mapping[str, Any]) -> Mapping[str, Any]:
    found = data.get("user") or (data.get("member") or {}).get("user") or {}
    return found if isinstance(found, dict) else {}


def _values(options: Any) -> list[str]:
    """The words after the command; a subcommand is one of them, and brings its own."""
    words: list[str] = []
    for option in options or ():
        if option.get("type") in _SUBCOMMANDS:
            words += [str(option.get("name")), *_values(option.get("options"))]
        elif option.get("value") is not None:
            words.append(str(option["value"]))
    return words
