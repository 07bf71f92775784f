"""Sessions: rows, lists, changes."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from openclaw.protocol.base import UNSET, UnsetType, Wire
from openclaw.protocol.schema.common import Count, SessionKey


class SessionDefaults(Wire, frozen=True, kw_only=True):
    """The model of a session that asks for none; without it the Control UI breaks."""

    model_provider: str
    model: str
    context_tokens: int


ToolName = Annotated[str, Meta(min_length=1, max_length=200)]
ToolNames = Annotated[list[ToolName], Meta(max_length=200)]


class ToolOverrides(Wire, frozen=True, kw_only=True):
    """What a session switches off: servers, tools of servers, skills, searching the web.

    It only takes away: ``true`` brings nothing back that the configuration does not allow.
    """

    mcp_servers: Annotated[dict[ToolName, bool], Meta(max_length=200)] | UnsetType = UNSET
    mcp_tools_deny: Annotated[dict[ToolName, ToolNames], Meta(max_length=200)] | UnsetType = UNSET
    skills: Annotated[dict[ToolName, bool], Meta(max_length=200)] | UnsetType = UNSET
    web_search: bool | UnsetType = UNSET


class SessionRow(Wire, frozen=True, kw_only=True):
    """One session; times in Unix milliseconds."""

    key: str
    kind: str
    classification: str
    agent_id: str
    is_main: bool
    updated_at: int | None
    archived: bool
    model_provider: str
    model: str
    context_tokens: int
    has_active_run: bool
    active_run_ids: list[str]
    is_background: bool = False
    pinned: bool = False
    unread: bool = False
    session_id: str | UnsetType = UNSET
    created_at: int | UnsetType = UNSET
    label: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    derived_title: str | UnsetType = UNSET
    last_message_preview: str | UnsetType = UNSET
    last_interaction_at: int | UnsetType = UNSET
    message_count: int | UnsetType = UNSET
    input_tokens: int | UnsetType = UNSET
    output_tokens: int | UnsetType = UNSET
    total_tokens: int | UnsetType = UNSET
    total_tokens_fresh: bool | UnsetType = UNSET
    status: Literal["running", "done", "failed", "aborted", "interrupted"] | UnsetType = UNSET
    started_at: int | UnsetType = UNSET
    ended_at: int | UnsetType = UNSET
    runtime_ms: int | UnsetType = UNSET
    last_run_id: str | UnsetType = UNSET
    aborted_last_run: bool | UnsetType = UNSET
    active_leaf_entry_id: str | None = None
    tool_overrides: ToolOverrides | UnsetType = UNSET
    inherited_tool_allow: list[str] | UnsetType = UNSET
    inherited_tool_deny: list[str] | UnsetType = UNSET


class SessionsListParams(Wire, frozen=True, kw_only=True):
    """Params of ``sessions.list``; the latest first."""

    limit: Annotated[int, Meta(ge=1, le=10_000)] = 100
    offset: Count = 0
    search: str | UnsetType = UNSET
    agent_id: str | UnsetType = UNSET
    archived: bool | Literal["all", "only", "exclude", "active"] | UnsetType = UNSET
    active_minutes: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    spawned_by: str | UnsetType = UNSET
    label: str | UnsetType = UNSET


class SessionsList(Wire, frozen=True, kw_only=True):
    """Result of ``sessions.list``."""

    ts: int
    count: int
    total_count: int
    limit_applied: int
    next_offset: int | None
    has_more: bool
    defaults: SessionDefaults
    sessions: list[SessionRow]


class SubscribeParams(Wire, frozen=True, kw_only=True):
    """Params of ``sessions.subscribe``."""


class Subscribed(Wire, frozen=True, kw_only=True):
    """Result of ``sessions.subscribe``."""

    subscribed: bool = True


class DescribeParams(Wire, frozen=True, kw_only=True):
    """Params of ``sessions.describe``."""

    key: SessionKey


class Described(Wire, frozen=True, kw_only=True):
    """Result of ``sessions.describe``; an unknown session is ``null``."""

    session: SessionRow | None


class PatchParams(Wire, frozen=True, kw_only=True):
    """Params of ``sessions.patch``; only what is named changes, ``null`` clears.

    :ivar expected_session_id: change nothing if the key means another session by now.
    :ivar tool_overrides: replaces what there was; this and the two lists need admin.
    :ivar inherited_tool_allow: the only tools of this session, as ``tools.allow`` names them; here
        for every session, at the original for those of subagents.
    :ivar inherited_tool_deny: tools that are never used in it.
    """

    key: SessionKey
    expected_session_id: str | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    label: Annotated[str, Meta(max_length=200)] | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    tool_overrides: ToolOverrides | UnsetType | None = UNSET
    inherited_tool_allow: ToolNames | UnsetType | None = UNSET
    inherited_tool_deny: ToolNames | UnsetType | None = UNSET


class Patched(Wire, frozen=True, kw_only=True):
    """Result of ``sessions.patch``."""

    ok: bool
    key: str
    entry: SessionRow


class ResetParams(Wire, frozen=True, kw_only=True):
    """Params of ``sessions.reset``: a new, empty session under the same key."""

    key: SessionKey
    reason: Literal["new", "reset"] = "reset"


class ResetResult(Wire, frozen=True, kw_only=True):
    """Result of ``sessions.reset``."""

    ok: bool
    key: str
    session_id: str
    entry: SessionRow


class DeleteParams(Wire, frozen=True, kw_only=True):
    """Params of ``sessions.delete``."""

    key: SessionKey
    expected_session_id: str | UnsetType = UNSET
    delete_transcript: bool = True


class Deleted(Wire, frozen=True, kw_only=True):
    """Result of ``sessions.delete``."""

    ok: bool
    key: str
    deleted: bool
    archived: list[str]


class CompactParams(Wire, frozen=True, kw_only=True):
    """Params of ``sessions.compact``."""

    key: SessionKey


class Compacted(Wire, frozen=True, kw_only=True):
    """Result of ``sessions.compact``."""

    ok: bool
    key: str
    compacted: bool
    reason: str | UnsetType = UNSET


class MessagesSubscribeParams(Wire, frozen=True, kw_only=True):
    """Params of ``sessions.messages.subscribe``."""

    key: SessionKey
    include_approvals: bool = False


class ApprovalReplay(Wire, frozen=True, kw_only=True):
    """Open approvals of a session at the moment of subscribing."""

    session_key: str
    updated_at_ms: int
    approvals: list[Any]
    truncated: bool


class MessagesSubscribed(Wire, frozen=True, kw_only=True):
    """Result of ``sessions.messages.subscribe``."""

    subscribed: bool
    key: str
    approval_replay: ApprovalReplay | UnsetType = UNSET


class SessionsChanged(Wire, frozen=True, kw_only=True):
    """Payload of ``sessions.changed``, for callers of ``sessions.subscribe``.

    :ivar reason: ``accepted``, ``patch``, ``reset``, ``delete`` …; ``phase`` is set for runs.
    """

    session_key: str
    ts: int
    reason: str | UnsetType = UNSET
    phase: str | UnsetType = UNSET
    run_id: str | UnsetType = UNSET
    session: SessionRow | UnsetType = UNSET
