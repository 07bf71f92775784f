"""How Anthropic's models are told to think: newer ones by effort, older ones by a budget of tokens.

https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
"""

import re
from typing import Any

from openclaw.agents.runtimes.dialect import Question
from openclaw.agents.runtimes.params import effort

BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384}
LEAST_BUDGET = 1024
ROOM = 1024
"""Tokens that must be left for the answer."""

_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
ADAPTIVE_SINCE = (4, 6)


def thinking(question: Question, max_tokens: int, thoughtless: bool = False) -> dict[str, Any]:
    """The parameters for a request's level of thinking; none where the model cannot think.

    :param thoughtless: the latest calls came without thoughts, maybe from another model; then a
        budget to think within is refused.
    """
    level = question.request.thinking
    if not level or not question.request.model.reasoning:
        return {}
    if level == "off":
        return {"thinking": {"type": "disabled"}}
    if _is_adaptive(question):
        word = effort(question)
        return {
            "thinking": {"type": "adaptive", "display": "summarized"},
            "output_config": {"effort": "low" if word == "minimal" else word},
        }
    budget = BUDGETS.get(level, BUDGETS["medium"])
    if thoughtless or max_tokens < LEAST_BUDGET + ROOM:
        return {}
    return {
        "thinking": {"type": "enabled", "budget_tokens": min(budget, max_tokens - ROOM)},
    }


def _is_adaptive(question: Question) -> bool:
    forced = question.how.compat.force_adaptive_thinking
    if forced is not None:
        return forced
    found = _VERSION.search(question.request.model.id)
    return found is not None and (int(found[1]), int(found[2] or 0)) >= ADAPTIVE_SINCE
