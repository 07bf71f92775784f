"""Approvals: a person's decisions about single dangerous things, and who may be told of them."""

from collections.abc import Callable, Mapping
from hashlib import sha256

from attrs import frozen

from openclaw.deferreds import deferred
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.approvals import Consent, Danger, IApprovals
from openclaw.interfaces.events import IEvents
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.approvals import (
    ApprovalAnswer,
    ApprovalAsked,
    ApprovalRequestParams,
    ApprovalResolved,
    ApprovalResolveParams,
    ApprovalRow,
    ApprovalsFile,
    ApprovalWaitParams,
    Decision,
)
from openclaw.protocol.schema.common import NoParams, Ok

GATEWAY = "gateway"
_DECISIONS: Mapping[str, Decision] = {
    "allowed": "allow-once",
    "used": "allow-once",
    "denied": "deny",
}
CommandLine = Callable[[Danger], str]


@frozen(kw_only=True)
class ApprovalMethods:
    """Every method about approvals.

    :ivar command_line: all of a question in one text that can be read.
    """

    approvals: IApprovals
    command_line: CommandLine

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            "exec.approval.list": self._list,
            "exec.approval.request": self._request,
            "exec.approval.resolve": self._resolve,
            "exec.approval.waitDecision": self._wait,
            "exec.approvals.get": self._get,
        }

    def _list(self, client: Client, params: NoParams) -> list[ApprovalRow]:
        return [row_of(one, self.command_line) for one in self.approvals.pending()]

    @deferred
    async def _request(self, client: Client, params: ApprovalRequestParams) -> ApprovalAnswer:
        danger = Danger(
            node=params.node_id or GATEWAY,
            command=params.command,
            argv=tuple(params.command_argv),
            session_key=params.session_key or "",
            agent_id=params.agent_id or "",
            cwd=params.cwd or "",
        )
        seconds = None if params.timeout_ms is UNSET else params.timeout_ms / 1000
        consent = await self.approvals.request(danger, seconds)
        if params.two_phase:
            return _answer(consent, status="accepted")
        return _decided(await self.approvals.wait(consent.id))

    @deferred
    async def _wait(self, client: Client, params: ApprovalWaitParams) -> ApprovalAnswer:
        return _decided(await self.approvals.wait(params.id))

    @deferred
    async def _resolve(self, client: Client, params: ApprovalResolveParams) -> Ok:
        by = client.admitted.device_id or client.conn_id
        await self.approvals.resolve(params.id, params.decision == "allow-once", by)
        return Ok(ok=True)

    def _get(self, client: Client, params: NoParams) -> ApprovalsFile:
        return ApprovalsFile(
            path="", exists=False, hash=sha256(b"").hexdigest(), file={"version": 1, "agents": {}}
        )


class ApprovalNews:
    """Tells clients that may decide what there is to decide."""

    def __init__(
        self, events: IEvents, command_line: CommandLine, now_ms: Callable[[], int]
    ) -> None:
        self._events = events
        self._command_line = command_line
        self._now_ms = now_ms

    def __call__(self, consent: Consent) -> None:
        """Tell of a question that was asked, or has ended."""
        if consent.state == "pending":
            self._events.publish("exec.approval.requested", row_of(consent, self._command_line))
            return
        self._events.publish(
            "exec.approval.resolved",
            ApprovalResolved(
                id=consent.id,
                decision=_DECISIONS.get(consent.state),
                resolved_by=consent.decided_by or UNSET,
                ts=self._now_ms(),
                request=row_of(consent, self._command_line).request,
            ),
        )


def row_of(consent: Consent, command_line: CommandLine) -> ApprovalRow:
    """A question as clients show it."""
    danger = consent.danger
    own = danger.node == GATEWAY
    asked = ApprovalAsked(
        command=command_line(danger),
        command_argv=[danger.command, *danger.argv],
        host=GATEWAY if own else "node",
        node_id=UNSET if own else danger.node,
        agent_id=danger.agent_id or UNSET,
        session_key=danger.session_key or UNSET,
        cwd=danger.cwd or UNSET,
    )
    return ApprovalRow(
        id=consent.id,
        request=asked,
        created_at_ms=consent.created_at_ms,
        expires_at_ms=consent.expires_at_ms,
    )


def _decided(consent: Consent) -> ApprovalAnswer:
    answer = _answer(consent)
    return ApprovalAnswer(
        id=answer.id,
        created_at_ms=answer.created_at_ms,
        expires_at_ms=answer.expires_at_ms,
        decision=_DECISIONS.get(consent.state),
    )


def _answer(consent: Consent, status: str | None = None) -> ApprovalAnswer:
    return ApprovalAnswer(
        id=consent.id,
        created_at_ms=consent.created_at_ms,
        expires_at_ms=consent.expires_at_ms,
        status=UNSET if status is None else status,
    )
