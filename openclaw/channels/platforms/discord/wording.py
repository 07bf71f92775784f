"""The text of a message as a model should read it: ids become names. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from openclaw.channels.platforms.discord.directory import Directory

_CODE = re.compile(
    r"<@!?(?P<user>\d+)>|<@&(?P<role>\d+)>|<#(?P<channel>\d+)>|<a?:(?P<emoji>\w+):\d+>"
)

_QUOTED = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_PERSON = re.compile(r"<@!?(\d+)>")


class Names:
    """Whom and what the ids in one message stand for."""

    def __init__(self, message: Mapping[str, Any], directory: Directory, guild_id: str) -> None:
        self._directory = directory
        self._guild_id = guild_id
        self._people = {
            str(user.get("id")): display_name(user) for user in message.get("mentions") or ()
        }
        self._channels = {
            str(one.get("id")): one.get("name") or ""
            for one in message.get("mention_channels") or ()
        }

    def readable(self, text: str) -> str:
        """Replace every id that has a name; the others stay as they are."""
        return _CODE.sub(self._name, text)

    def _name(self, match: re.Match[str]) -> str:
        if match["emoji"]:
            return f":{match['emoji']}:"
        if match["user"]:
            known = self._directory.people
            name = self._people.get(match["user"]) or known.get(match["user"], "")
            return f"@{name}" if name else match[0]
        if match["role"]:
            name = self._directory.role_name(self._guild_id, match["role"])
            return f"@{name}" if name else match[0]
        channel = self._directory.channels.get(match["channel"])
        name = self._channels.get(match["channel"]) or (channel.name if channel else "")
        return f"#{name}" if name else match[0]


def mentions_of(text: str) -> set[str]:
    """The ids of people whom a text addresses; in code nobody is addressed."""
    return set(_PERSON.findall(_QUOTED.sub(" ", text)))


def without_address(text: str, own_id: str) -> str:
    """Take away the bot's own mention where a text begins with it."""
    return re.sub(rf"^\s*(<@!?{re.escape(own_id)}>[\s,:]*)+", "", text) if own_id else text


def display_name(user: Mapping[str, Any], member: Mapping[str, Any] | None = None) -> str:
    """What people see somebody called."""
    nick = (member or {}).get("nick")
    return str(nick or user.get("global_name") or user.get("username") or "")


def poll_text(message: Mapping[str, Any]) -> str:
    """A poll's question and answers, as one line."""
    poll = message.get("poll")
    if not isinstance(poll, dict):
        return ""
    question = (poll.get("question") or {}).get("text") or ""
    answers = [
        (answer.get("poll_media") or {}).get("text") or "" for answer in poll.get("answers") or ()
    ]
    return f"<poll: {question} / {' / '.join(answers)}>"
