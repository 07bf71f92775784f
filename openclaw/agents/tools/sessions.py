"""The tools ``sessions_list``, ``sessions_history`` and ``sessions_send``: other conversations.

An agent sees its own sessions alone, and those only in a run that is the owner's and that nobody
else hears; any other run sees the session it is in.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openclaw.agents.tools.schemas import Arguments
from openclaw.agents.tools.visibility import is_private
from openclaw.deferreds import deferred
from openclaw.errors import GatewayError
from openclaw.interfaces.conversations import IConversations, NewInput
from openclaw.interfaces.tools import Authority, Effect, ITool, ToolFailed, ToolResult, ToolUse
from openclaw.protocol.base import UNSET, UnsetType, Wire, encode
from openclaw.protocol.schema.chat import History, HistoryParams, Message, TextPart
from openclaw.protocol.schema.sessions import SessionRow, SessionsList, SessionsListParams

MOST_HOPS = 3
LONGEST_MESSAGE = 4_000
SEND_SECONDS = 330.0
_HOPS = re.compile(r"hop-(\d)-")
Key = Annotated[str, Meta(description="Session key, as sessions_list tells it.", max_length=512)]


class ListSessionsArguments(Arguments, frozen=True, kw_only=True):
    """What ``sessions_list`` takes."""

    limit: Annotated[int, Meta(description="Most sessions; the latest first.", ge=1, le=200)] = 20
    search: Annotated[str, Meta(description="Only those with this in key or title.")] = ""


class HistoryArguments(Arguments, frozen=True, kw_only=True):
    """What ``sessions_history`` takes."""

    session_key: Key = ""
    limit: Annotated[int, Meta(description="Most messages; the latest ones.", ge=1, le=100)] = 20


class SendArguments(Arguments, frozen=True, kw_only=True):
    """What ``sessions_send`` takes."""

    session_key: Annotated[str, Meta(description="Session key.", min_length=1, max_length=512)]
    message: Annotated[str, Meta(description="What to say there.", min_length=1)]
    timeout_seconds: Annotated[
        int, Meta(description="How long to wait for the answer; 0: not at all.", ge=0, le=300)
    ] = 30


class _Row(Wire, frozen=True, kw_only=True):
    """One session, as a model needs it."""

    key: str
    updated_at: int | None
    title: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    last_message: str | UnsetType = UNSET
    running: bool = False


class _Said(Wire, frozen=True, kw_only=True):
    """One message, as a model needs it."""

    role: str
    text: str
    timestamp: int


class _SessionTool:
    """What the three have in common.

    :param canonical: the one spelling of a session key; raises ``InvalidRequest``.
    """

    def __init__(self, conversations: IConversations, canonical: Callable[[str], str]) -> None:
        self._conversations = conversations
        self._canonical = canonical

    def allowed(self, authority: Authority, agent_id: str) -> bool:
        """A run may always look at the session it is in."""
        return True

    def _seen(self, text: str, use: ToolUse) -> str:
        """The key of a session that this run may see.

        :raises ToolFailed: it may not, or there is none; the words are the same for both.
        """
        try:
            key = self._canonical(text) if text else use.session_key
        except GatewayError as error:
            raise ToolFailed(error.message) from None
        if key == use.session_key:
            return key
        row = self._conversations.row(key) if is_private(use.authority) else None
        if row is None or row.agent_id != use.agent_id:
            raise ToolFailed(
                f"there is no session {key} that you can see; sessions_list shows them"
            )
        return key


@implementer(ITool)
class ListSessions(_SessionTool):
    """Lists sessions."""

    name = "sessions_list"
    description = "Lists your conversations, the latest first."
    arguments = ListSessionsArguments
    effect: Effect = "none"

    @deferred
    async def use(self, arguments: Any, use: ToolUse) -> ToolResult:
        """See :meth:`ITool.use`."""
        rows = self._rows(arguments, use)
        text = encode([_row(one) for one in rows]).decode()
        return ToolResult(text=text, title=f"listed {len(rows)} sessions")

    def _rows(self, arguments: ListSessionsArguments, use: ToolUse) -> list[SessionRow]:
        if not is_private(use.authority):
            row = self._conversations.row(use.session_key)
            return [] if row is None else [row]
        params = SessionsListParams(
            limit=arguments.limit, agent_id=use.agent_id, search=arguments.search or UNSET
        )
        page = msgspec.json.decode(self._conversations.page(params), type=SessionsList)
        # Judged once more: what is told must not hang on how a filter reads its words.
        return [row for row in page.sessions if row.agent_id == use.agent_id]


@implementer(ITool)
class SessionsHistory(_SessionTool):
    """Reads a transcript."""

    name = "sessions_history"
    description = "Reads the latest messages of one of your conversations."
    arguments = HistoryArguments
    effect: Effect = "none"

    @deferred
    async def use(self, arguments: Any, use: ToolUse) -> ToolResult:
        """See :meth:`ITool.use`."""
        key = self._seen(arguments.session_key, use)
        params = HistoryParams(session_key=key, limit=arguments.limit)
        history = await self._conversations.history(params)
        messages = history.messages if isinstance(history, History) else []
        text = encode([_said(one) for one in messages]).decode()
        return ToolResult(text=text, title=f"read {key}")


@implementer(ITool)
class SessionsSend(_SessionTool):
    """Says something in another session, and waits for what is answered there.

    The run there has the authority of this one, and its answer goes nowhere but here.

    :param make_id: names the run that is started.
    """

    name = "sessions_send"
    description = "Says something in another of your conversations and tells what is answered."
    arguments = SendArguments
    effect: Effect = "external"

    def __init__(
        self,
        conversations: IConversations,
        canonical: Callable[[str], str],
        make_id: Callable[[], str],
        clock: IReactorTime,
    ) -> None:
        super().__init__(conversations, canonical)
        self._make_id = make_id
        self._clock = clock

    def allowed(self, authority: Authority, agent_id: str) -> bool:
        """Whoever sees one session alone has no other to speak to."""
        return is_private(authority)

    @deferred
    async def use(self, arguments: Any, use: ToolUse) -> ToolResult:
        """See :meth:`ITool.use`."""
        key = self._seen(arguments.session_key, use)
        if key == use.session_key:
            raise ToolFailed("that is the session you are in: just answer")
        run_id = f"hop-{_next_hop(use.run_id)}-{self._make_id()}"
        try:
            await self._conversations.accept(
                NewInput(
                    run_id=run_id,
                    kind="agent",
                    session_key=key,
                    text=arguments.message,
                    owner=use.authority.owner,
                    scopes=tuple(sorted(use.authority.scopes)),
                )
            )
        except GatewayError as error:
            raise ToolFailed(error.message) from None
        return await self._answer(run_id, key, arguments.timeout_seconds)

    async def _answer(self, run_id: str, key: str, seconds: int) -> ToolResult:
        title = f"spoke to {key}"
        if not seconds:
            return ToolResult(text=f"said in {key}; nobody waits for the answer", title=title)
        try:
            record = await self._conversations.ended(run_id).addTimeout(seconds, self._clock)
        except TooLate:
            words = f"said in {key}; no answer within {seconds} s, sessions_history tells it later"
            return ToolResult(text=words, title=title)
        if record.error:
            raise ToolFailed(f"the run in {key} failed: {record.error}")
        result = record.final.result
        payloads = [] if result is UNSET else result.payloads
        text = "\n".join(one.text for one in payloads) or record.final.summary
        return ToolResult(text=text, title=title)


def _next_hop(run_id: str) -> int:
    """How many sessions this goes through; two that talk to each other must come to an end."""
    found = _HOPS.match(run_id)
    hop = int(found[1]) + 1 if found else 1
    if hop > MOST_HOPS:
        raise ToolFailed(f"this came through {MOST_HOPS} sessions already: answer here")
    return hop


def _row(row: SessionRow) -> _Row:
    title = next(
        (one for one in (row.label, row.display_name, row.derived_title) if one is not UNSET), UNSET
    )
    return _Row(
        key=row.key,
        updated_at=row.updated_at,
        title=title,
        model=row.model or UNSET,
        last_message=row.last_message_preview,
        running=row.has_active_run,
    )


def _said(message: Message) -> _Said:
    content = message.content
    text = content if isinstance(content, str) else _joined(content)
    if len(text) > LONGEST_MESSAGE:
        text = f"{text[:LONGEST_MESSAGE]}… [{len(text) - LONGEST_MESSAGE} more characters]"
    return _Said(role=message.role, text=text, timestamp=message.timestamp)


def _joined(parts: Any) -> str:
    """The text of a message; other parts, such as pictures and calls, are left out."""
    return "\n".join(part.text for part in parts if isinstance(part, TextPart))
