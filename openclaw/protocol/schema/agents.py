"""Agents, models, commands and runs."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from openclaw.protocol.base import UNSET, UnsetType, Wire
from openclaw.protocol.schema.common import Key, SessionKey, Text


class PrimaryModel(Wire, frozen=True, kw_only=True):
    """Which model an agent prefers: ``provider/model``."""

    primary: str


class AgentRow(Wire, frozen=True, kw_only=True):
    """One agent; without ``model`` the Control UI refuses to send."""

    id: str
    kind: str
    model: PrimaryModel
    name: str | UnsetType = UNSET
    workspace: str | UnsetType = UNSET


class AgentsList(Wire, frozen=True, kw_only=True):
    """Result of ``agents.list``."""

    default_id: str
    main_key: str
    scope: str
    agents: list[AgentRow]


class AgentIdentityParams(Wire, frozen=True, kw_only=True):
    """Params of ``agent.identity.get``."""

    agent_id: str | UnsetType = UNSET
    session_key: str | UnsetType = UNSET


class AgentIdentity(Wire, frozen=True, kw_only=True):
    """Result of ``agent.identity.get``."""

    agent_id: str
    name: str
    avatar: str


class ModelsListParams(Wire, frozen=True, kw_only=True):
    """Params of ``models.list``."""

    view: str | UnsetType = UNSET


class ModelRow(Wire, frozen=True, kw_only=True):
    """One model."""

    id: str
    name: str
    provider: str
    context_window: int
    input: list[str]
    reasoning: bool
    tags: list[str]
    available: bool


class ModelsList(Wire, frozen=True, kw_only=True):
    """Result of ``models.list``."""

    models: list[ModelRow]


class CommandsListParams(Wire, frozen=True, kw_only=True):
    """Params of ``commands.list``."""

    agent_id: str | UnsetType = UNSET
    scope: str | UnsetType = UNSET
    include_args: bool = True


class CommandArg(Wire, frozen=True, kw_only=True):
    """One argument of a chat command."""

    name: str
    description: str
    type: str = "string"
    required: bool = False


class CommandRow(Wire, frozen=True, kw_only=True):
    """One chat command."""

    name: str
    native_name: str
    text_aliases: list[str]
    description: str
    category: str
    source: str
    scope: str
    accepts_args: bool
    args: list[CommandArg] | UnsetType = UNSET


class CommandsList(Wire, frozen=True, kw_only=True):
    """Result of ``commands.list``."""

    commands: list[CommandRow]


class AgentParams(Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Params of ``agent``; the original refuses unknown properties here, so do we.

    :ivar timeout: seconds the run may take, 0 for no limit but the gateway's own.
    """

    message: Text
    idempotency_key: Key
    agent_id: str | UnsetType = UNSET
    session_key: SessionKey | UnsetType = UNSET
    session_id: str | UnsetType = UNSET
    to: str | UnsetType = UNSET
    thinking: str | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    account_id: str | UnsetType = UNSET
    reply_to: str | UnsetType = UNSET
    reply_channel: str | UnsetType = UNSET
    reply_account_id: str | UnsetType = UNSET
    thread_id: str | int | UnsetType = UNSET
    deliver: bool = False
    timeout: Annotated[int, Meta(ge=0, le=86_400)] | UnsetType = UNSET
    lane: str | UnsetType = UNSET
    extra_system_prompt: str | UnsetType = UNSET
    label: str | UnsetType = UNSET
    provider: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    best_effort_deliver: bool | UnsetType = UNSET
    attachments: list[Any] | UnsetType = UNSET
    internal_events: list[Any] | UnsetType = UNSET
    input_provenance: Any | UnsetType = UNSET
    prompt_mode: str | UnsetType = UNSET
    bootstrap_context_mode: str | UnsetType = UNSET
    group_id: str | UnsetType = UNSET
    group_channel: str | UnsetType = UNSET
    group_space: str | UnsetType = UNSET
    spawned_by: str | UnsetType = UNSET
    workspace_dir: str | UnsetType = UNSET
    client_run_id: str | UnsetType = UNSET
    origin: Any | UnsetType = UNSET


class UsageTotals(Wire, frozen=True, kw_only=True):
    """Tokens of one run."""

    input: int
    output: int
    total: int


class AgentMeta(Wire, frozen=True, kw_only=True):
    """Which model answered, and what it took."""

    session_id: str
    provider: str
    model: str
    usage: UsageTotals


class ResultMeta(Wire, frozen=True, kw_only=True):
    """Milliseconds from start to end, and the model's part."""

    duration_ms: int
    agent_meta: AgentMeta


class ReplyPayload(Wire, frozen=True, kw_only=True):
    """One part of an answer."""

    text: str
    media_url: str | None = None


class RunResult(Wire, frozen=True, kw_only=True):
    """What a run answered."""

    payloads: list[ReplyPayload]
    meta: ResultMeta


class AgentAccepted(Wire, frozen=True, kw_only=True):
    """First answer of ``agent``: the input is on disk."""

    run_id: str
    session_key: str
    agent_id: str
    status: Literal["accepted", "in_flight"]
    accepted_at: int | UnsetType = UNSET


class AgentFinal(Wire, frozen=True, kw_only=True):
    """Second answer of ``agent``, under the same request id; also what is kept for repeats."""

    run_id: str
    status: Literal["ok", "error", "timeout"]
    summary: str
    result: RunResult | UnsetType = UNSET
    stop_reason: str | UnsetType = UNSET
    timeout_phase: str | UnsetType = UNSET
    provider_started: bool | UnsetType = UNSET
    message: str | UnsetType = UNSET
    session_key: str | UnsetType = UNSET


class AgentWaitParams(Wire, frozen=True, kw_only=True):
    """Params of ``agent.wait``; milliseconds."""

    run_id: Text
    timeout_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 30_000


class AgentWait(Wire, frozen=True, kw_only=True):
    """Result of ``agent.wait``; an unknown run is a ``timeout``."""

    run_id: str
    status: Literal["ok", "error", "timeout"]
    ended_at: int | UnsetType = UNSET
    started_at: int | UnsetType = UNSET
    stop_reason: str | UnsetType = UNSET
    error: str | UnsetType = UNSET


class AgentEvent(Wire, frozen=True, kw_only=True):
    """Payload of ``agent``; ``seq`` counts per run from 1 and is shared with ``chat``."""

    run_id: str
    session_key: str
    session_id: str
    agent_id: str
    stream: str
    data: Any
    seq: int
    ts: int
    is_heartbeat: bool | UnsetType = UNSET


class AssistantData(Wire, frozen=True, kw_only=True):
    """``data`` of the stream ``assistant``: the text so far, and what is new of it."""

    text: str
    delta: str
    item_id: str
