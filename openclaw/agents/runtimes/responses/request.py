"""The body of ``POST /responses``: stateless, so everything is sent, thoughts too.

The API: https://platform.openai.com/docs/api-reference/responses
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from openclaw.agents.runtimes.dialect import Question
from openclaw.agents.runtimes.handed_back import read_thinking
from openclaw.agents.runtimes.layout import CALL, TEXT, walk
from openclaw.agents.runtimes.params import effort, extra_params
from openclaw.agents.runtimes.provider import RESPONSES
from openclaw.agents.runtimes.turns import blind, data_url, wire_arguments, wire_id
from openclaw.agents.runtimes.wanted import responses_wanted
from openclaw.interfaces.agents import Turn
from openclaw.interfaces.tools import Image, ToolSpec


def encode_request(question: Question) -> bytes:
    """Write the body for one run."""
    request = question.request
    body: dict[str, Any] = {
        "model": request.model.id,
        "input": list(_items(question)),
        "stream": True,
        "store": False,
    }
    if request.system:
        body["instructions"] = request.system
    if request.tools:
        body["tools"] = [_tool(spec) for spec in request.tools]
    if question.max_tokens:
        body["max_output_tokens"] = question.max_tokens
    body.update(responses_wanted(request))
    if request.model.reasoning:
        body["include"] = ["reasoning.encrypted_content"]
        body.update(_reasoning(question))
    body.update(extra_params(question))
    return msgspec.json.encode(body)


def _reasoning(question: Question) -> dict[str, Any]:
    word = effort(question) if question.how.compat.supports_reasoning_effort else ""
    if not question.request.thinking or not word:
        return {}
    return {"reasoning": {"effort": word, "summary": "auto"}}


def _items(question: Question) -> Iterator[dict[str, Any]]:
    for turn in question.request.turns:
        shown = turn if question.sees else blind(turn)
        if turn.role == "assistant":
            yield from _assistant(question, shown)
        elif turn.role == "tool":
            yield {
                "type": "function_call_output",
                "call_id": wire_id(turn.call_id),
                "output": _content(shown.text, shown.images),
            }
        else:
            yield {"role": shown.role, "content": _content(shown.text, shown.images)}


def _assistant(question: Question, turn: Turn) -> Iterator[dict[str, Any]]:
    kept = read_thinking(turn.thinking, RESPONSES, question.request.model)
    for kind, part in walk(turn, kept.get("layout")):
        if kind == TEXT:
            yield {"role": "assistant", "content": part}
        elif kind == CALL:
            yield {
                "type": "function_call",
                "call_id": wire_id(part.id),
                "name": part.name,
                "arguments": wire_arguments(part),
            }
        else:
            yield part


def _content(text: str, images: Sequence[Image]) -> Any:
    if not images:
        return text
    parts: list[dict[str, Any]] = [{"type": "input_text", "text": text}] if text else []
    return [*parts, *map(_image, images)]


def _image(image: Image) -> dict[str, Any]:
    return {"type": "input_image", "image_url": data_url(image), "detail": "auto"}


def _tool(spec: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "name": spec.name,
        "description": spec.description,
        "parameters": spec.parameters,
        "strict": False,  # Strict is this API's own wish, and refuses most schemas.
    }
