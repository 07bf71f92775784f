"""The body of ``POST /chat/completions``; what servers want otherwise, their ``compat`` says.

The API: https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from openclaw.agents.runtimes.completions.extras import EXTRAS
from openclaw.agents.runtimes.dialect import Question
from openclaw.agents.runtimes.handed_back import read_thinking
from openclaw.agents.runtimes.params import effort, extra_params
from openclaw.agents.runtimes.provider import COMPLETIONS
from openclaw.agents.runtimes.turns import blind, call_name, data_url, wire_arguments, wire_id
from openclaw.agents.runtimes.wanted import completions_wanted
from openclaw.interfaces.agents import Turn
from openclaw.interfaces.tools import Image, ToolCall, ToolSpec

SEEN = "What the tool showed:"
GO_ON = "I have read the results."


def encode_request(question: Question) -> bytes:
    """Write the body for one run."""
    request, compat = question.request, question.how.compat
    body: dict[str, Any] = {
        "model": request.model.id,
        "messages": list(_messages(question)),
        "stream": True,
    }
    if compat.supports_usage_in_streaming:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = [_tool(spec) for spec in request.tools]
    if question.max_tokens:
        body[_max_tokens_field(question)] = question.max_tokens
    body.update(completions_wanted(request))
    body.update(_thinking(question))
    body.update(extra_params(question))
    return msgspec.json.encode(body)


def _messages(question: Question) -> Iterator[dict[str, Any]]:
    request = question.request
    if request.system:
        role = "developer" if question.how.compat.supports_developer_role else "system"
        yield {"role": role, "content": request.system}
    turns = request.turns if question.sees else [blind(turn) for turn in request.turns]
    begin = _last_words_of_user(turns)
    for number, turn in enumerate(turns):
        if turn.role == "tool":
            yield from _tool_messages(question, turns, number)
        elif turn.role == "assistant":
            yield _assistant(question, turn, in_this_run=number > begin)
        else:
            yield {"role": turn.role, "content": _content(turn.text, turn.images)}


def _last_words_of_user(turns: Sequence[Turn]) -> int:
    for number in range(len(turns) - 1, -1, -1):
        if turns[number].role == "user":
            return number
    return -1


def _assistant(question: Question, turn: Turn, in_this_run: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": turn.text}
    if turn.calls:
        kept = read_thinking(turn.thinking, COMPLETIONS, question.request.model)
        extras = kept.pop(EXTRAS, {})
        message["content"] = turn.text or None
        message["tool_calls"] = [_call(call, extras.get(call.id)) for call in turn.calls]
        if in_this_run:  # Some want to go on from their thoughts; of older ones none has any use.
            message.update(kept)
    return message


def _call(call: ToolCall, extra: Any) -> dict[str, Any]:
    function = {"name": call.name, "arguments": wire_arguments(call)}
    found: dict[str, Any] = {"id": wire_id(call.id), "type": "function", "function": function}
    return {**found, "extra_content": extra} if extra else found


def _tool_messages(
    question: Question, turns: Sequence[Turn], number: int
) -> Iterator[dict[str, Any]]:
    """A tool's result; what it shows follows the last one, as only users can show images."""
    turn, compat = turns[number], question.how.compat
    message = {"role": "tool", "tool_call_id": wire_id(turn.call_id), "content": turn.text}
    if compat.requires_tool_result_name:
        message["name"] = call_name(turns[:number], turn.call_id)
    yield message
    following = turns[number + 1] if number + 1 < len(turns) else None
    if following is not None and following.role == "tool":
        return
    shown = _images_before(turns, number)
    if compat.requires_assistant_after_tool_result and (
        shown or (following is not None and following.role == "user")
    ):
        yield {"role": "assistant", "content": GO_ON}
    if shown:
        yield {"role": "user", "content": _content(SEEN, shown)}


def _images_before(turns: Sequence[Turn], number: int) -> tuple[Image, ...]:
    """The images of the results that end here."""
    images: list[Image] = []
    while number >= 0 and turns[number].role == "tool":
        images[:0] = turns[number].images
        number -= 1
    return tuple(images)


def _content(text: str, images: Sequence[Image]) -> Any:
    if not images:
        return text
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    return [*parts, *({"type": "image_url", "image_url": {"url": data_url(i)}} for i in images)]


def _tool(spec: ToolSpec) -> dict[str, Any]:
    function = {"name": spec.name, "description": spec.description, "parameters": spec.parameters}
    return {"type": "function", "function": function}


def _max_tokens_field(question: Question) -> str:
    """The API renamed the field; only its own servers can be trusted to know both names."""
    chosen = question.how.compat.max_tokens_field
    at_home = "://api.openai.com" in question.base_url
    return chosen or ("max_completion_tokens" if at_home else "max_tokens")


def _thinking(question: Question) -> dict[str, Any]:
    compat, level = question.how.compat, question.request.thinking
    word = effort(question)
    wanted = {"reasoning_effort": word} if word and compat.supports_reasoning_effort else {}
    if not level or not question.request.model.reasoning or compat.thinking_format == "openai":
        return wanted
    on = level != "off"
    match compat.thinking_format:
        case "openrouter":
            return {"reasoning": {"effort": word} if word else {"enabled": on}}
        case "zai":
            return {"thinking": {"type": "enabled" if on else "disabled"}}
        case "deepseek":
            return {"thinking": {"type": "enabled" if on else "disabled"}, **wanted}
        case "qwen":
            return {"enable_thinking": on}
        case "qwen-chat-template":
            return {"chat_template_kwargs": {"enable_thinking": on}}
    return wanted
