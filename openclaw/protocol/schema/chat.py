"""The conversation as clients see it: history, sending, stopping, streamed answers."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from openclaw.protocol.base import UNSET, UnsetType, Wire
from openclaw.protocol.schema.agents import CommandRow, ModelRow
from openclaw.protocol.schema.common import Key, SessionKey
from openclaw.protocol.schema.sessions import SessionDefaults, SessionRow

HistoryLimit = Annotated[int, Meta(ge=1, le=10_000)]


SendStatus = Literal["started", "in_flight", "ok", "error", "timeout"]


class TextPart(Wire, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """A piece of text in a message."""

    text: str


class ToolCallPart(Wire, frozen=True, kw_only=True, tag_field="type", tag="toolCall"):
    """A model's wish to use a tool.

    :ivar arguments: an object, or the text that the model wrote where it is none.
    """

    id: str
    name: str
    arguments: Any


class MessageUsage(Wire, frozen=True, kw_only=True):
    """Tokens that one answer took."""

    input: int
    output: int
    total_tokens: int


class MessageMark(Wire, frozen=True, kw_only=True):
    """What the gateway knows of a message: its stable id, its place, its run."""

    id: str
    seq: int
    run_id: str | UnsetType = UNSET
    idempotency_key: str | UnsetType = UNSET


class Message(Wire, frozen=True, kw_only=True):
    """One message of a transcript.

    :ivar timestamp: Unix milliseconds.
    :ivar tool_call_id: for a ``toolResult``, the wish that it answers.
    :ivar thinking: opaque, for the model that wrote it.
    """

    role: Literal["user", "assistant", "system", "toolResult"]
    content: str | list[TextPart | ToolCallPart]
    timestamp: int
    provider: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    usage: MessageUsage | UnsetType = UNSET
    stop_reason: str | UnsetType = UNSET
    error_message: str | UnsetType = UNSET
    idempotency_key: str | UnsetType = UNSET
    tool_call_id: str | UnsetType = UNSET
    tool_name: str | UnsetType = UNSET
    is_error: bool | UnsetType = UNSET
    thinking: str | UnsetType = UNSET
    mark: MessageMark | UnsetType = field(default=UNSET, name="__openclaw")


class HistoryParams(Wire, frozen=True, kw_only=True):
    """Params of ``chat.history`` and ``chat.startup``; the latest ``limit`` messages.

    :ivar cursor: ``deltaCursor`` of an earlier answer: only what came after it.
    :ivar before_seq: only messages before this place, to page backwards.
    """

    session_key: SessionKey
    limit: HistoryLimit = 200
    cursor: str | UnsetType = UNSET
    max_bytes: Annotated[int, Meta(ge=1024)] | UnsetType = UNSET
    before_seq: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    offset: Annotated[int, Meta(ge=0)] | UnsetType = UNSET


class PendingInputs(Wire, frozen=True, kw_only=True):
    """Inputs that are known but not in the transcript yet.

    There is none here: an input enters the transcript in the same commit that acknowledges it.
    """

    items: list[Any] = field(default_factory=list)
    total: int = 0


class History(Wire, frozen=True, kw_only=True):
    """Result of ``chat.history`` and ``chat.startup``; an unknown session is simply empty."""

    session_key: str
    messages: list[Message]
    pending_inputs: PendingInputs
    has_more: bool
    total_messages: int
    defaults: SessionDefaults
    session_info: SessionRow
    session_id: str | UnsetType = UNSET
    next_offset: int | UnsetType = UNSET
    delta_cursor: str | UnsetType = UNSET


class HistoryDelta(Wire, frozen=True, kw_only=True):
    """Result of ``chat.history`` with a cursor we know: what came after it."""

    messages: list["SessionMessage"]
    delta_cursor: str
    pending_inputs: PendingInputs
    session_info: SessionRow
    kind: Literal["delta"] = "delta"


class MetadataParams(Wire, frozen=True, kw_only=True):
    """Params of ``chat.metadata``."""

    session_key: str | UnsetType = UNSET
    agent_id: str | UnsetType = UNSET


class Metadata(Wire, frozen=True, kw_only=True):
    """Result of ``chat.metadata``: what a composer offers."""

    models: list[ModelRow]
    commands: list[CommandRow]


class SendParams(Wire, frozen=True, kw_only=True):
    """Params of ``chat.send``; the key names the run and makes a repeat harmless."""

    session_key: SessionKey
    message: Annotated[str, Meta(min_length=1)]
    idempotency_key: Key
    session_id: str | UnsetType = UNSET
    agent_id: str | UnsetType = UNSET
    deliver: bool = False
    thinking: str | UnsetType = UNSET
    timeout_ms: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    attachments: list[Any] | UnsetType = UNSET


class SendResult(Wire, frozen=True, kw_only=True):
    """Result of ``chat.send``: ``started`` means on disk.

    :ivar message_seq: the input's place in the transcript.
    """

    run_id: str
    status: SendStatus
    message_seq: int | UnsetType = UNSET


class AbortParams(Wire, frozen=True, kw_only=True):
    """Params of ``chat.abort``; without ``run_id`` whatever runs in the session."""

    session_key: SessionKey
    run_id: str | UnsetType = UNSET
    preserve_side_runs: bool | UnsetType = UNSET


class AbortResult(Wire, frozen=True, kw_only=True):
    """Result of ``chat.abort``; comes after the ``aborted`` event."""

    ok: bool
    aborted: bool
    run_ids: list[str]


class ChatEvent(Wire, frozen=True, kw_only=True):
    """Payload of ``chat``."""

    run_id: str
    session_key: str
    agent_id: str
    seq: int
    state: Literal["status", "delta", "final", "aborted", "error"]
    phase: str | UnsetType = UNSET
    delta_text: str | UnsetType = UNSET
    message: Message | UnsetType = UNSET
    stop_reason: str | UnsetType = UNSET
    usage: MessageUsage | UnsetType = UNSET
    error_message: str | UnsetType = UNSET
    error_kind: str | UnsetType = UNSET
    error_detail: dict[str, str] | UnsetType = UNSET


class SessionMessage(Wire, frozen=True, kw_only=True):
    """Payload of ``session.message``, for those who follow the session."""

    session_key: str
    agent_id: str
    message: Message
    message_id: str
    message_seq: int
    session: SessionRow
    run_id: str | UnsetType = UNSET
