"""Session keys: one strict form, the spellings that mean it, and what they tell."""

import re
from typing import Literal

from attrs import frozen

from openclaw.errors import InvalidRequest

# A key names rows, never a path; the form is strict all the same, so that none can become one.
_PART = r"[A-Za-z0-9_.+@#=!$~*-]{1,200}"
_KEY = re.compile(rf"{_PART}(?::{_PART}){{0,9}}")
_AGENT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
MAX_LENGTH = 512

Classification = Literal["main", "direct", "group", "channel", "cron", "custom"]


@frozen
class SessionKey:
    """A parsed key, ``agent:<agent>:<rest>``.

    :ivar rest: what follows the agent, such as ``main`` or ``telegram:direct:42``.
    """

    agent_id: str
    rest: str

    def __str__(self) -> str:
        return f"agent:{self.agent_id}:{self.rest}"

    def classification(self, main_key: str) -> Classification:
        """What kind of conversation the key names."""
        if self.rest == main_key:
            return "main"
        first, *parts = self.rest.split(":")
        if "direct" in parts or (first == "direct" and parts):
            return "direct"
        if "group" in parts:
            return "group"
        if "channel" in parts:
            return "channel"
        return "cron" if first == "cron" else "custom"


class SessionKeys:
    """Reads keys as clients write them.

    :param default_agent: the agent of keys that name none.
    :param main_key: the last part of the main session's key.
    """

    def __init__(self, default_agent: str = "main", main_key: str = "main") -> None:
        self.default_agent = default_agent
        self.main_key = main_key

    @property
    def main(self) -> SessionKey:
        """The main session of the default agent."""
        return SessionKey(self.default_agent, self.main_key)

    def parse(self, text: str) -> SessionKey:
        """Read a key: ``main``, ``agent:main:main``, ``telegram:dm:42`` …; ``dm`` means ``direct``.

        :raises InvalidRequest: it is not a session key.
        """
        if len(text) > MAX_LENGTH or not _KEY.fullmatch(text) or ".." in text:
            raise InvalidRequest(
                "invalid session key: expected parts of letters, digits and _.+@#=!$~*- "
                "joined by colons, such as agent:main:main"
            )
        parts = text.split(":")
        if parts[0] != "agent":
            return SessionKey(self.default_agent, _normal(parts))
        if len(parts) < 3 or not _AGENT_ID.fullmatch(parts[1]):
            raise InvalidRequest("invalid session key: expected agent:<agent id>:<name>")
        return SessionKey(parts[1], _normal(parts[2:]))

    def canonical(self, text: str) -> str:
        """The one spelling of a key.

        :raises InvalidRequest: it is not a session key.
        """
        return str(self.parse(text))

    def main_of(self, agent_id: str) -> str:
        """The key of an agent's main session; of the default agent's for an empty id.

        :raises InvalidRequest: not an agent id.
        """
        if not agent_id:
            return str(self.main)
        if not _AGENT_ID.fullmatch(agent_id):
            raise InvalidRequest(f"unknown agent id: {agent_id[:64]!r}")
        return str(SessionKey(agent_id, self.main_key))


def _normal(parts: list[str]) -> str:
    """Both spellings of a direct conversation mean one session."""
    return ":".join("direct" if part == "dm" and at else part for at, part in enumerate(parts))
