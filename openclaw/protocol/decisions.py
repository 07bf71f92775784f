"""The methods by which people decide what programs may not: approvals and questions."""

from typing import Any

from openclaw.protocol import scopes
from openclaw.protocol.method import Method
from openclaw.protocol.schema import approvals, automation
from openclaw.protocol.schema.common import NoParams, Ok

DECISIONS = (
    Method(
        "exec.approval.list",
        NoParams,
        list[approvals.ApprovalRow],
        scopes.APPROVALS,
        "What waits for a person's approval.",
    ),
    Method(
        "exec.approval.request",
        approvals.ApprovalRequestParams,
        approvals.ApprovalAnswer,
        scopes.APPROVALS,
        "Ask a person about one dangerous thing.",
    ),
    Method(
        "exec.approval.waitDecision",
        approvals.ApprovalWaitParams,
        approvals.ApprovalAnswer,
        scopes.APPROVALS,
        "Wait until somebody has decided, or nobody has in time.",
    ),
    Method(
        "exec.approval.resolve",
        approvals.ApprovalResolveParams,
        Ok,
        scopes.APPROVALS,
        "Decide; the first decision counts, and is good for one use.",
    ),
    Method(
        "exec.approvals.get",
        NoParams,
        approvals.ApprovalsFile,
        scopes.ADMIN,
        "What is allowed beforehand: nothing.",
    ),
    Method("plugin.approval.list", NoParams, list[Any], scopes.APPROVALS, "Open approvals."),
    Method("question.list", NoParams, automation.QuestionList, scopes.QUESTIONS, "Open questions."),
)
