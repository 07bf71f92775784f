"""The tool ``session_status``: where the agent is, and what time it is. It changes nothing."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from openclaw.agents.tools.schemas import Arguments
from openclaw.interfaces.conversations import IConversations
from openclaw.interfaces.tools import Authority, Effect, ITool, ToolResult, ToolUse
from openclaw.protocol.base import UNSET, UnsetType, Wire, encode


class SessionStatusArguments(Arguments, frozen=True, kw_only=True):
    """It takes none."""


class _Status(Wire, frozen=True, kw_only=True):
    """What the tool says."""

    now: str
    session_key: str
    agent_id: str
    channel: str | UnsetType = UNSET
    model: str | UnsetType = UNSET


@implementer(ITool)
class SessionStatus:
    """Says which session this is, of which agent, with which model, and the time."""

    name = "session_status"
    description = "Tells the current date and time, this session, its agent, channel and model."
    arguments = SessionStatusArguments
    effect: Effect = "none"

    def __init__(self, conversations: IConversations, now_ms: Callable[[], int]) -> None:
        self._conversations = conversations
        self._now_ms = now_ms

    def allowed(self, authority: Authority, agent_id: str) -> bool:
        """Anybody's run may know where it is."""
        return True

    def use(self, arguments: Any, use: ToolUse) -> Deferred[ToolResult]:
        """See :meth:`ITool.use`."""
        row = self._conversations.row(use.session_key)
        origin = use.authority.origin
        moment = datetime.fromtimestamp(self._now_ms() / 1000, UTC)
        said = _Status(
            now=moment.isoformat(timespec="seconds"),
            session_key=use.session_key,
            agent_id=use.agent_id,
            channel=UNSET if origin is None else origin.target.channel,
            model=UNSET if row is None else row.model,
        )
        return succeed(ToolResult(text=encode(said).decode(), title="looked at the session"))
