"""The body of ``POST /v1/messages``; roles alternate, thoughts go back as they came.

The API: https://platform.claude.com/docs/en/api/messages
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from openclaw.agents.runtimes.dialect import Question
from openclaw.agents.runtimes.handed_back import read_thinking
from openclaw.agents.runtimes.layout import CALL, TEXT, walk
from openclaw.agents.runtimes.messages.thinking import thinking
from openclaw.agents.runtimes.params import extra_params
from openclaw.agents.runtimes.provider import MESSAGES
from openclaw.agents.runtimes.turns import arguments_object, blind, wire_id
from openclaw.agents.runtimes.wanted import messages_wanted
from openclaw.interfaces.agents import Turn
from openclaw.interfaces.tools import Image, ToolSpec

DEFAULT_MAX_TOKENS = 8192
"""The API wants a limit; every model that is still served can write that much."""

BEGIN = "(The conversation so far began earlier.)"
"""What the user is taken to have said where the turns begin with an answer."""

Block = dict[str, Any]


def encode_request(question: Question) -> bytes:
    """Write the body for one run."""
    request = question.request
    system, turns = _system(request.system, request.turns)
    messages = _messages(question, turns)
    body: dict[str, Any] = {
        "model": request.model.id,
        "max_tokens": question.max_tokens or DEFAULT_MAX_TOKENS,
        "messages": messages,
        "stream": True,
    }
    if system:
        body["system"] = [{"type": "text", "text": system}]
    if request.tools:
        body["tools"] = [_tool(spec) for spec in request.tools]
    body.update(thinking(question, body["max_tokens"], _mid_thought(messages)))
    body.update(messages_wanted(request, thinks="thinking" in body))
    body.update(extra_params(question))
    _cache(body, str(question.how.params.get("cacheRetention", "short")))
    return msgspec.json.encode(body)


def _mid_thought(messages: Sequence[dict[str, Any]]) -> bool:
    """Whether the model goes on from calls that it asked for without a thought."""
    if len(messages) < 2 or messages[-1]["content"][0]["type"] != "tool_result":
        return False
    return messages[-2]["content"][0]["type"] not in ("thinking", "redacted_thinking")


def _system(system: str, turns: Sequence[Turn]) -> tuple[str, Sequence[Turn]]:
    """What stands before the conversation is the system's; within it the API has no such role."""
    first = 0
    while first < len(turns) and turns[first].role == "system":
        first += 1
    parts = [system, *(turn.text for turn in turns[:first])]
    return "\n\n".join(part for part in parts if part.strip()), turns[first:]


def _messages(question: Question, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Join what one side said in a row: a tool's results belong into one message."""
    messages: list[dict[str, Any]] = []
    for turn in turns:
        role = "assistant" if turn.role == "assistant" else "user"
        shown = turn if question.sees else blind(turn)
        blocks = list(_said(question, shown) if role == "assistant" else _told(shown))
        if not messages and role == "assistant":
            messages.append({"role": "user", "content": [_text(BEGIN)]})
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"].extend(blocks)
        elif blocks:
            messages.append({"role": role, "content": blocks})
    return messages


def _said(question: Question, turn: Turn) -> Iterator[Block]:
    kept = read_thinking(turn.thinking, MESSAGES, question.request.model)
    for kind, part in walk(turn, kept.get("layout")):
        if kind == TEXT:
            if part.strip():  # A text of nothing but space is refused.
                yield _text(part)
        elif kind == CALL:
            yield {
                "type": "tool_use",
                "id": wire_id(part.id),
                "name": part.name,
                "input": arguments_object(part),
            }
        elif question.request.thinking != "off":
            yield part


def _told(turn: Turn) -> Iterator[Block]:
    if turn.role == "tool":
        content = [*_texts(turn.text), *map(_image, turn.images)]
        block: Block = {"type": "tool_result", "tool_use_id": wire_id(turn.call_id)}
        if content:
            block["content"] = content
        yield {**block, "is_error": True} if turn.is_error else block
        return
    text = f"[system] {turn.text}" if turn.role == "system" else turn.text
    yield from map(_image, turn.images)
    yield from _texts(text)


def _texts(text: str) -> list[Block]:
    return [_text(text)] if text.strip() else []


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _image(image: Image) -> Block:
    source = {"type": "base64", "media_type": image.mime, "data": image.data}
    return {"type": "image", "source": source}


def _tool(spec: ToolSpec) -> dict[str, Any]:
    return {"name": spec.name, "description": spec.description, "input_schema": spec.parameters}


def _cache(body: dict[str, Any], retention: str) -> None:
    """Mark how far the next request will be the same: tools, system, and the latest words."""
    if retention == "none":
        return
    mark = {"type": "ephemeral", "ttl": "1h"} if retention == "long" else {"type": "ephemeral"}
    marked: list[list[Block] | None] = [body.get("tools"), body.get("system")]
    for blocks in (*marked, _latest(body["messages"])):
        if blocks:
            blocks[-1] = {**blocks[-1], "cache_control": mark}


def _latest(messages: Sequence[dict[str, Any]]) -> list[Block]:
    if not messages or messages[-1]["role"] != "user":
        return []
    content: list[Block] = messages[-1]["content"]
    return content
