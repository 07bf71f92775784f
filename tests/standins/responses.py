"""``/v1/responses`` as a stand-in speaks it."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from tests.standins.behaviour import (
    CACHED_TOKENS,
    MODEL,
    OUTPUT_TOKENS,
    PROMPT_TOKENS,
    Asked,
    Behaviour,
    Call,
)
from tests.standins.shape import GARBAGE, Body, halves, named, text_of

USAGE = {
    "input_tokens": PROMPT_TOKENS,
    "input_tokens_details": {"cached_tokens": CACHED_TOKENS},
    "output_tokens": OUTPUT_TOKENS,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": PROMPT_TOKENS + OUTPUT_TOKENS,
}


class Responses:
    """The API; see :class:`Shape`."""

    def asked(self, body: Body) -> Asked:
        """Read a request."""
        given = body.get("input", [])
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        said, results = _said(items)
        return Asked(said, results, len(items), body.get("model"), bool(body.get("stream")))

    def frames(self, behaviour: Behaviour) -> Iterator[bytes]:
        """Typed, numbered events."""
        for number, event in zip(count(), _events(behaviour), strict=False):
            yield event if isinstance(event, bytes) else named({**event, "sequence_number": number})

    def whole(self, behaviour: Behaviour) -> Body:
        """One document."""
        return _response("completed", _output(behaviour))

    def refusal(self, status: int) -> Body:
        """An error."""
        kind = "rate_limit_exceeded" if status == 429 else "server_error"
        return {"error": {"message": f"mock failure {status}", "type": kind, "code": kind}}


def _events(behaviour: Behaviour) -> Iterator[Body | bytes]:
    yield {"type": "response.created", "response": _response("in_progress", [])}
    index = 0
    if behaviour.thoughts:
        yield from _thoughts(behaviour)
        index = 1
    yield _added(index, {**_message(""), "content": [], "status": "in_progress"})
    where = {"item_id": "msg_mock", "output_index": index, "content_index": 0}
    yield {"type": "response.content_part.added", **where, "part": _text("")}
    for piece in behaviour.pieces:
        yield {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
        if behaviour.fault == "garbage":
            yield GARBAGE
            return
    if behaviour.fault:
        return
    text = behaviour.text
    yield {"type": "response.output_text.done", **where, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **where, "part": _text(text)}
    yield _done(index, _message(text))
    for number, call in enumerate(behaviour.calls, index + 1):
        yield from _call_events(number, call)
    yield {"type": "response.completed", "response": _response("completed", _output(behaviour))}


def _thoughts(behaviour: Behaviour) -> Iterator[Body]:
    where = {"item_id": "rs_mock", "output_index": 0, "summary_index": 0}
    text = "".join(behaviour.thoughts)
    yield _added(0, {"type": "reasoning", "id": "rs_mock", "summary": []})
    part = {"type": "summary_text", "text": ""}
    yield {"type": "response.reasoning_summary_part.added", **where, "part": part}
    for thought in behaviour.thoughts:
        yield {"type": "response.reasoning_summary_text.delta", **where, "delta": thought}
    yield {"type": "response.reasoning_summary_text.done", **where, "text": text}
    yield _done(0, _reasoning(text))


def _call_events(index: int, call: Call) -> Iterator[Body]:
    where = {"item_id": f"fc_{call.id}", "output_index": index}
    yield _added(index, {**_call(call), "arguments": "", "status": "in_progress"})
    for part in halves(call.arguments):
        yield {"type": "response.function_call_arguments.delta", **where, "delta": part}
    whole = {"name": call.name, "arguments": call.arguments}
    yield {"type": "response.function_call_arguments.done", **where, **whole}
    yield _done(index, _call(call))


def _added(index: int, item: Body) -> Body:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def _done(index: int, item: Body) -> Body:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def _output(behaviour: Behaviour) -> list[Body]:
    thoughts = "".join(behaviour.thoughts)
    first = [_reasoning(thoughts)] if thoughts else []
    return [*first, _message(behaviour.text), *map(_call, behaviour.calls)]


def _reasoning(text: str) -> Body:
    return {
        "type": "reasoning",
        "id": "rs_mock",
        "summary": [{"type": "summary_text", "text": text}],
        "encrypted_content": "ZW5jcnlwdGVk",
    }


def _message(text: str) -> Body:
    return {
        "type": "message",
        "id": "msg_mock",
        "role": "assistant",
        "status": "completed",
        "content": [_text(text)],
    }


def _text(text: str) -> Body:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _call(call: Call) -> Body:
    return {
        "type": "function_call",
        "id": f"fc_{call.id}",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "status": "completed",
    }


def _response(status: str, output: list[Body]) -> Body:
    return {
        "id": "resp_mock",
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": MODEL,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": USAGE if status == "completed" else None,
    }


def _said(items: list[dict[str, Any]]) -> tuple[str, tuple[str, ...]]:
    """What the user said last, and what tools said after it."""
    results: list[str] = []
    for item in reversed(items):
        if item.get("type") == "function_call_output":
            results.insert(0, text_of(item.get("output")))
        elif item.get("role") == "user" and text_of(item.get("content")):
            return text_of(item["content"]), tuple(results)
        elif item.get("role") == "assistant" and not results:
            break
    return "", tuple(results)
