"""A chat completion, whole or in chunks: the objects, and how a run's end reads in them."""

from collections.abc import Sequence
from typing import Literal

from openclaw.http.openai.chat.messages import FunctionCall
from openclaw.http.openai.shape import Shape
from openclaw.interfaces.conversations import RunRecord
from openclaw.interfaces.tools import ToolCall
from openclaw.protocol.base import UNSET

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
_REASONS: dict[str, FinishReason] = {
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
}


class Call(Shape, frozen=True, kw_only=True):
    """A tool of the program's that it has to use."""

    id: str
    function: FunctionCall
    type: Literal["function"] = "function"


class Answered(Shape, frozen=True, kw_only=True):
    """What the agent said."""

    content: str | None
    role: Literal["assistant"] = "assistant"
    refusal: str | None = None
    tool_calls: list[Call] | None = None


class Choice(Shape, frozen=True, kw_only=True):
    """The one answer."""

    message: Answered
    finish_reason: FinishReason
    index: int = 0
    logprobs: None = None


class Usage(Shape, frozen=True, kw_only=True):
    """What it cost, in tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(Shape, frozen=True, kw_only=True):
    """A whole answer.

    :ivar created: Unix seconds.
    """

    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    object: Literal["chat.completion"] = "chat.completion"


class ChunkCall(Shape, frozen=True, kw_only=True):
    """A call within a stream; it comes whole."""

    index: int
    id: str
    function: FunctionCall
    type: Literal["function"] = "function"


class Delta(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """What is new."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    tool_calls: list[ChunkCall] | None = None


class ChunkChoice(Shape, frozen=True, kw_only=True):
    """The one answer, a piece of it."""

    delta: Delta
    finish_reason: FinishReason | None = None
    index: int = 0
    logprobs: None = None


class ChatChunk(Shape, frozen=True, kw_only=True):
    """One event of a stream.

    :ivar usage: in the last one, where it was asked for.
    """

    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"


def text_of(record: RunRecord) -> str:
    """The whole answer."""
    result = record.final.result
    return "" if result is UNSET else "".join(part.text for part in result.payloads)


def finish_reason(record: RunRecord) -> FinishReason:
    """Why the answer ended; words that clients do not know are an ordinary end to them."""
    return "tool_calls" if record.calls else _REASONS.get(record.stop_reason, "stop")


def usage_of(record: RunRecord) -> Usage:
    """What the answer cost."""
    result = record.final.result
    if result is UNSET:
        return Usage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
    known = result.meta.agent_meta.usage
    return Usage(
        prompt_tokens=known.input,
        completion_tokens=known.output,
        total_tokens=known.input + known.output,
    )


def function_of(call: ToolCall) -> FunctionCall:
    """The function of a call."""
    return FunctionCall(name=call.name, arguments=call.arguments)


def chunk_calls(calls: Sequence[ToolCall]) -> list[ChunkCall]:
    """Calls for a chunk."""
    return [
        ChunkCall(index=place, id=call.id, function=function_of(call))
        for place, call in enumerate(calls)
    ]


def completion(record: RunRecord, id: str, created: int, model: str) -> ChatCompletion:
    """A whole answer for a run that went well."""
    text = text_of(record)
    calls = [Call(id=call.id, function=function_of(call)) for call in record.calls]
    message = Answered(content=text if text or not calls else None, tool_calls=calls or None)
    return ChatCompletion(
        id=id,
        created=created,
        model=model,
        choices=[Choice(message=message, finish_reason=finish_reason(record))],
        usage=usage_of(record),
    )
