"""Lets a person decide about uses of tools that the configuration calls dangerous."""

from collections.abc import Callable
from typing import Any

import msgspec

from openclaw.agents.tools.rules import LayeredRules
from openclaw.errors import GatewayError
from openclaw.interfaces.approvals import Danger, IApprovals
from openclaw.interfaces.tools import ToolFailed, ToolPlace, ToolUse

NODE = "gateway"
_WORDS = {
    "deny": "a person refused it: do not try it again, say what you wanted to do",
    "expired": "nobody decided about it in time: say what you wanted to do, and wait to be asked",
}


class ApprovalGate:
    """Stands before the tools; what passes was allowed for exactly these arguments, once.

    :param rules: what configuration and session say of the tools used at a place.
    """

    def __init__(self, approvals: IApprovals, rules: Callable[[ToolPlace], LayeredRules]) -> None:
        self._approvals = approvals
        self._rules = rules

    async def passed(self, name: str, arguments: Any, use: ToolUse) -> None:
        """Return if the tool may be used.

        :param arguments: checked; the very object that the tool is given afterwards.
        :raises ToolFailed: it may not.
        """
        if not self._rules(use.place).needs_approval(name):
            return
        danger = Danger(
            node=NODE,
            command=name,
            argv=(msgspec.json.encode(arguments, order="sorted").decode(),),
            session_key=use.session_key,
            agent_id=use.agent_id,
            run_id=use.run_id,
        )
        try:
            verdict = await self._approvals.ask(danger)
        except GatewayError as error:
            raise ToolFailed(f"{name} needs a person's approval: {error.message}") from None
        if verdict != "allow-once":
            raise ToolFailed(f"{name} was not done: {_WORDS[verdict]}")
