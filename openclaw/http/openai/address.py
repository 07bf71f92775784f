"""Which agent a request is for, and which session it belongs to."""

import hashlib
import re
from collections.abc import Callable, Collection

from attrs import frozen

from openclaw.errors import InvalidRequest
from openclaw.http.openai.errors import Refused
from openclaw.http.openai.exchange import Exchange

AGENT_HEADER = "x-openclaw-agent-id"
SESSION_HEADER = "x-openclaw-session-key"
MODEL_HEADER = "x-openclaw-model"
DEFAULT = "openclaw/default"

_PLAIN = re.compile(r"[A-Za-z0-9_.@-]{1,120}")
_HASHED = "sha256-"
# Sessions that parts of the gateway keep for themselves.
_RESERVED = ("subagent", "cron", "acp")


@frozen(kw_only=True)
class Addresses:
    """Reads where requests are to go.

    :ivar agents: the ids there are.
    :ivar default: the agent of requests that name none.
    :ivar canonical: the one spelling of a session key.
    :ivar make_id: names a session that nobody will name again.
    """

    agents: Collection[str]
    default: str
    canonical: Callable[[str], str]
    make_id: Callable[[], str]

    def models(self) -> list[str]:
        """What ``model`` may be."""
        return ["openclaw", DEFAULT, *(f"openclaw/{agent}" for agent in self.agents)]

    def agent(self, exchange: Exchange, model: str) -> str:
        """The agent that shall answer.

        :raises Refused: there is none of that name, or another than its own model is asked for.
        """
        if exchange.header(MODEL_HEADER):
            raise Refused(f"{MODEL_HEADER}: a run has the model of its agent or its session")
        named = self.find(model)
        if named is None:
            known = ", ".join(self.models())
            raise Refused(
                f"there is no model {model[:80]!r}; an agent answers here: {known}",
                param="model",
                code="model_not_found",
            )
        wanted = exchange.header(AGENT_HEADER)
        if not wanted:
            return named or self.default
        if wanted not in self.agents or named not in ("", wanted):
            raise Refused(f"{AGENT_HEADER}: not an agent, or not the one that model names")
        return wanted

    def find(self, model: str) -> str | None:
        """The agent of a ``model``; empty: the default one; ``None``: there is none."""
        if model in ("openclaw", DEFAULT):
            return ""
        for prefix in ("openclaw/", "openclaw:", "agent:"):
            id = model.removeprefix(prefix)
            if id != model and id in self.agents:
                return id
        return None

    def session(self, exchange: Exchange, agent: str, user: str | None) -> str:
        """The session's key: the one that is named, the user's own, or a fresh one.

        :raises Refused: the key is none, is reserved, or is another agent's.
        """
        named = exchange.header(SESSION_HEADER)
        if named:
            return self._named(named, agent)
        if user:
            return self.canonical(f"agent:{agent}:openai-user:{_part(user)}")
        return self.canonical(f"agent:{agent}:openai:{self.make_id()}")

    def _named(self, key: str, agent: str) -> str:
        if not key.startswith("agent:"):
            key = f"agent:{agent}:{key}"
        try:
            found = self.canonical(key)
        except InvalidRequest as error:
            raise Refused(f"{SESSION_HEADER}: {error.message}") from None
        _, owner, rest = found.split(":", 2)
        if rest.partition(":")[0] in _RESERVED:
            raise Refused(f"{SESSION_HEADER}: the gateway keeps such sessions for itself")
        if owner != agent:
            raise Refused(f"{SESSION_HEADER}: that session is not of agent {agent!r}")
        return found


def _part(user: str) -> str:
    """A part of a session key for whatever a program calls its user."""
    if _PLAIN.fullmatch(user) and ".." not in user and not user.startswith(_HASHED):
        return user
    return _HASHED + hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()[:32]
