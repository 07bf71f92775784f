"""What the operator, and the run, want of every request, in no API's words yet."""

from typing import Any

from openclaw.agents.runtimes.dialect import Question

OWN_PARAMS = frozenset({"maxTokens", "cacheRetention"})
"""Parameters that are ours, and translated; all others go into the request as they are."""


def extra_params(question: Question) -> dict[str, Any]:
    """What the operator wants in every request, as it is."""
    return {name: one for name, one in question.how.params.items() if name not in OWN_PARAMS}


def effort(question: Question) -> str:
    """How much to think, in the server's word; empty to leave it to the server."""
    level, compat = question.request.thinking, question.how.compat
    if not level or not question.request.model.reasoning:
        return ""
    if level in compat.reasoning_effort_map:
        return compat.reasoning_effort_map[level]
    return "" if level == "off" else level
