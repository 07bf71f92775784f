"""``/v1/messages`` as a stand-in speaks it."""

import json
from collections.abc import Iterator
from typing import Any

from tests.standins.behaviour import (
    CACHED_TOKENS,
    MODEL,
    OUTPUT_TOKENS,
    PROMPT_TOKENS,
    Asked,
    Behaviour,
)
from tests.standins.shape import GARBAGE, Body, halves, named, text_of

SIGNATURE = "c2lnbmF0dXJl"
USAGE = {
    "input_tokens": PROMPT_TOKENS,
    "output_tokens": OUTPUT_TOKENS,
    "cache_read_input_tokens": CACHED_TOKENS,
    "cache_creation_input_tokens": 0,
}
KINDS = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}


class Messages:
    """The API; see :class:`Shape`."""

    def asked(self, body: Body) -> Asked:
        """Read a request."""
        messages = body.get("messages", [])
        said, results = _said(messages)
        return Asked(said, results, len(messages), body.get("model"), bool(body.get("stream")))

    def frames(self, behaviour: Behaviour) -> Iterator[bytes]:
        """Typed events."""
        start = {**_message([]), "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}
        yield named({"type": "message_start", "message": start})
        yield named({"type": "ping"})
        index = 0
        if behaviour.thoughts:
            yield from _thoughts(behaviour)
            index = 1
        yield _begin(index, {"type": "text", "text": ""})
        for piece in behaviour.pieces:
            yield _delta(index, {"type": "text_delta", "text": piece})
            if behaviour.fault == "garbage":
                yield b"event: content_block_delta\n" + GARBAGE
                return
        if behaviour.fault:
            return
        yield _end(index)
        for number, call in enumerate(behaviour.calls, index + 1):
            block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            yield _begin(number, block)
            for part in halves(call.arguments):
                yield _delta(number, {"type": "input_json_delta", "partial_json": part})
            yield _end(number)
        last = {"stop_reason": _finish(behaviour), "stop_sequence": None}
        usage = {"output_tokens": OUTPUT_TOKENS}
        yield named({"type": "message_delta", "delta": last, "usage": usage})
        yield named({"type": "message_stop"})

    def whole(self, behaviour: Behaviour) -> Body:
        """One document."""
        content: list[Body] = [{"type": "text", "text": behaviour.text}]
        if behaviour.thoughts:
            thinking = "".join(behaviour.thoughts)
            content.insert(0, {"type": "thinking", "thinking": thinking, "signature": SIGNATURE})
        for call in behaviour.calls:
            given = json.loads(call.arguments)
            content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": given})
        return {**_message(content), "stop_reason": _finish(behaviour), "usage": USAGE}

    def refusal(self, status: int) -> Body:
        """An error."""
        error = {"type": KINDS.get(status, "api_error"), "message": f"mock failure {status}"}
        return {"type": "error", "error": error, "request_id": "req_mock"}


def _said(messages: list[dict[str, Any]]) -> tuple[str, tuple[str, ...]]:
    """What the user said last, and what tools said after it."""
    results: tuple[str, ...] = ()
    for message in reversed(messages):
        if message.get("role") != "user":
            continue
        content = message["content"]
        parts = [] if isinstance(content, str) else content
        told = [part for part in parts if part.get("type") == "tool_result"]
        if told and not results:
            results = tuple(text_of(part.get("content")) for part in told)
        if text_of(content):
            return text_of(content), results
    return "", results


def _thoughts(behaviour: Behaviour) -> Iterator[bytes]:
    yield _begin(0, {"type": "thinking", "thinking": "", "signature": ""})
    for thought in behaviour.thoughts:
        yield _delta(0, {"type": "thinking_delta", "thinking": thought})
    yield _delta(0, {"type": "signature_delta", "signature": SIGNATURE})
    yield _end(0)


def _message(content: list[Body]) -> Body:
    return {
        "id": "msg_mock",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": content,
        "stop_sequence": None,
    }


def _finish(behaviour: Behaviour) -> str:
    return "tool_use" if behaviour.calls else "end_turn"


def _begin(index: int, block: Body) -> bytes:
    return named({"type": "content_block_start", "index": index, "content_block": block})


def _delta(index: int, delta: Body) -> bytes:
    return named({"type": "content_block_delta", "index": index, "delta": delta})


def _end(index: int) -> bytes:
    return named({"type": "content_block_stop", "index": index})
