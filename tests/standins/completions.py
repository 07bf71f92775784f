"""``/v1/chat/completions`` as a stand-in speaks it."""

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
from tests.standins.shape import GARBAGE, Body, halves, sse, text_of

USAGE = {
    "prompt_tokens": PROMPT_TOKENS,
    "completion_tokens": OUTPUT_TOKENS,
    "total_tokens": PROMPT_TOKENS + OUTPUT_TOKENS,
    "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
}


class Completions:
    """The API; see :class:`Shape`."""

    def asked(self, body: Body) -> Asked:
        """Read a request."""
        messages = body.get("messages", [])
        return Asked(
            last_user_text(messages),
            tuple(_results(messages)),
            len(messages),
            body.get("model"),
            bool(body.get("stream")),
        )

    def frames(self, behaviour: Behaviour) -> Iterator[bytes]:
        """Chunks."""
        yield _chunk({"role": "assistant", "content": ""})
        for thought in behaviour.thoughts:
            yield _chunk({"reasoning_content": thought})
        for piece in behaviour.pieces:
            yield _chunk({"content": piece})
            if behaviour.fault == "garbage":
                yield GARBAGE
                return
        if behaviour.fault:
            return
        for index, call in enumerate(behaviour.calls):
            head = {"index": index, "id": call.id, "type": "function"}
            yield _chunk(
                {"tool_calls": [{**head, "function": {"name": call.name, "arguments": ""}}]}
            )
            for part in halves(call.arguments):
                yield _chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
        yield _chunk({}, _finish(behaviour))
        yield sse({**_head("chat.completion.chunk"), "choices": [], "usage": USAGE})
        yield b"data: [DONE]\n\n"

    def whole(self, behaviour: Behaviour) -> Body:
        """One document."""
        message: dict[str, Any] = {"role": "assistant", "content": behaviour.text}
        if behaviour.calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in behaviour.calls
            ]
        choice = {"index": 0, "message": message, "finish_reason": _finish(behaviour)}
        return {**_head("chat.completion"), "choices": [choice], "usage": USAGE}

    def refusal(self, status: int) -> Body:
        """An error."""
        kind = "rate_limit_error" if status == 429 else "server_error"
        return {"error": {"message": f"mock failure {status}", "type": kind, "code": kind}}


def last_user_text(messages: list[dict[str, Any]]) -> str:
    """What the user said since the last answer, one line for each message.

    A gateway may put messages of its own, in the user's role, after what the user wrote. An answer
    that only asked for tools is none.
    """
    texts: list[str] = []
    for message in reversed(messages):
        if message.get("role") == "assistant" and not message.get("tool_calls"):
            break
        if message.get("role") == "user":
            texts.insert(0, text_of(message.get("content")))
    return "\n".join(texts)


def _results(messages: list[dict[str, Any]]) -> list[str]:
    """What tools said after the user's last words."""
    found: list[str] = []
    for message in reversed(messages):
        if message.get("role") != "tool":
            break
        found.insert(0, text_of(message.get("content")))
    return found


def _finish(behaviour: Behaviour) -> str:
    return "tool_calls" if behaviour.calls else "stop"


def _head(kind: str) -> Body:
    return {"id": "chatcmpl-mock", "object": kind, "created": 1, "model": MODEL}


def _chunk(delta: Body, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return sse({**_head("chat.completion.chunk"), "choices": [choice]})
