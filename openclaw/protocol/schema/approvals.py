"""Approvals of single dangerous things: asked for, listed, decided."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from openclaw.protocol.base import UNSET, UnsetType, Wire

Decision = Literal["allow-once", "deny"]
"""There is no ``allow-always``: every permission is good for one use."""
ApprovalId = Annotated[str, Meta(min_length=1, max_length=100)]
Part = Annotated[str, Meta(max_length=20_000)]


class ApprovalAsked(Wire, frozen=True, kw_only=True):
    """What is to be done.

    :ivar command: all of it in one text; invisible characters are spelled.
    :ivar host: ``gateway`` for tools, ``node`` for commands of nodes.
    """

    command: str
    command_argv: list[str]
    host: str
    ask: str = "always"
    agent_id: str | UnsetType = UNSET
    session_key: str | UnsetType = UNSET
    node_id: str | UnsetType = UNSET
    cwd: str | UnsetType = UNSET


class ApprovalRow(Wire, frozen=True, kw_only=True):
    """One question to a person; times in Unix milliseconds."""

    id: str
    request: ApprovalAsked
    created_at_ms: int
    expires_at_ms: int


class ApprovalRequestParams(Wire, frozen=True, kw_only=True):
    """Params of ``exec.approval.request``.

    :ivar two_phase: answer when it is asked; without it, when it is decided.
    """

    command: Annotated[str, Meta(min_length=1, max_length=20_000)]
    command_argv: Annotated[list[Part], Meta(max_length=1000)] = field(default_factory=list)
    node_id: str | UnsetType | None = UNSET
    cwd: Part | UnsetType | None = UNSET
    agent_id: str | UnsetType | None = UNSET
    session_key: str | UnsetType | None = UNSET
    host: str | UnsetType | None = UNSET
    security: str | UnsetType | None = UNSET
    ask: str | UnsetType | None = UNSET
    resolved_path: str | UnsetType | None = UNSET
    id: str | UnsetType = UNSET
    timeout_ms: Annotated[int, Meta(ge=1000, le=600_000)] | UnsetType = UNSET
    two_phase: bool = False


class ApprovalAnswer(Wire, frozen=True, kw_only=True):
    """Result of ``exec.approval.request`` and ``exec.approval.waitDecision``.

    :ivar status: ``accepted`` while nobody has decided.
    :ivar decision: ``null`` if nobody did in time.
    """

    id: str
    created_at_ms: int
    expires_at_ms: int
    status: str | UnsetType = UNSET
    decision: Decision | UnsetType | None = UNSET


class ApprovalWaitParams(Wire, frozen=True, kw_only=True):
    """Params of ``exec.approval.waitDecision``."""

    id: ApprovalId


class ApprovalResolveParams(Wire, frozen=True, kw_only=True):
    """Params of ``exec.approval.resolve``."""

    id: ApprovalId
    decision: Decision


class ApprovalResolved(Wire, frozen=True, kw_only=True):
    """Payload of ``exec.approval.resolved``; ``decision`` is ``null`` for one that expired."""

    id: str
    decision: Decision | None
    ts: int
    request: ApprovalAsked
    resolved_by: str | UnsetType = UNSET


class ApprovalsFile(Wire, frozen=True, kw_only=True):
    """Result of ``exec.approvals.get``: nothing is allowed beforehand, so there is no file."""

    path: str
    exists: bool
    hash: str
    file: dict[str, Any]
