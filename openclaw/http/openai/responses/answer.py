"""A response: the objects, and how a run's end reads in them."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field
from msgspec.structs import replace

from openclaw.http.openai.chat.answer import text_of, usage_of
from openclaw.http.openai.errors import ErrorBody
from openclaw.http.openai.shape import Shape
from openclaw.interfaces.conversations import RunRecord

PREFIX = "resp_"

Status = Literal["in_progress", "completed", "incomplete", "failed"]


class OutputText(Shape, frozen=True, kw_only=True):
    """What the agent said."""

    text: str
    type: Literal["output_text"] = "output_text"
    annotations: tuple[Any, ...] = ()
    logprobs: tuple[Any, ...] = ()


class OutputMessage(Shape, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """A message of the agent's."""

    id: str
    status: Status
    content: tuple[OutputText, ...]
    role: Literal["assistant"] = "assistant"


class OutputCall(Shape, frozen=True, kw_only=True, tag_field="type", tag="function_call"):
    """A tool of the program's that it has to use."""

    id: str
    status: Status
    call_id: str
    name: str
    arguments: str


Output = OutputMessage | OutputCall


class Details(Shape, frozen=True, kw_only=True):
    """Of what the tokens were; the gateway counts only their sum."""

    cached_tokens: int = 0


class OutputDetails(Shape, frozen=True, kw_only=True):
    """The same for the answer."""

    reasoning_tokens: int = 0


class ResponseUsage(Shape, frozen=True, kw_only=True):
    """What it cost, in tokens."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: Details = Details()
    output_tokens_details: OutputDetails = OutputDetails()


class Problem(Shape, frozen=True, kw_only=True):
    """Why there is no answer."""

    code: str
    message: str


class Incomplete(Shape, frozen=True, kw_only=True):
    """Why the answer ends early."""

    reason: Literal["max_output_tokens", "content_filter"]


class Response(Shape, frozen=True, kw_only=True):
    """An answer.

    :ivar created_at: Unix seconds.
    """

    id: Annotated[str, Meta(pattern=f"^{PREFIX}")]
    created_at: int
    model: str
    status: Status
    output: tuple[Output, ...] = ()
    error: Problem | None = None
    incomplete_details: Incomplete | None = None
    instructions: str | None = None
    previous_response_id: str | None = None
    usage: ResponseUsage | None = None
    tools: tuple[Any, ...] = ()
    tool_choice: Any = "auto"
    parallel_tool_calls: bool = True
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    object: Literal["response"] = "response"


def message_item(id: str, text: str, status: Status) -> OutputMessage:
    """The message of an answer."""
    return OutputMessage(id=f"msg_{id}", status=status, content=(OutputText(text=text),))


def outputs(record: RunRecord, id: str, status: Status) -> tuple[Output, ...]:
    """The items of an answer."""
    text = text_of(record)
    found: list[Output] = []
    if text or not record.calls:
        found.append(message_item(id, text, status))
    for place, call in enumerate(record.calls):
        found.append(
            OutputCall(
                id=f"fc_{id}_{place}",
                status="completed",
                call_id=call.id,
                name=call.name,
                arguments=call.arguments,
            )
        )
    return tuple(found)


def incomplete(record: RunRecord) -> Incomplete | None:
    """Why the answer of a run that went well ends early; ``None`` if it does not."""
    if record.stop_reason == "length":
        return Incomplete(reason="max_output_tokens")
    if record.stop_reason == "content_filter":
        return Incomplete(reason="content_filter")
    return None


def id_of(response: Response) -> str:
    """What names the items of an answer."""
    return response.id.removeprefix(PREFIX)


def ended(begun: Response, record: RunRecord) -> Response:
    """An answer that has come to its end."""
    early = incomplete(record)
    status: Status = "completed" if early is None else "incomplete"
    return replace(
        begun,
        status=status,
        incomplete_details=early,
        output=outputs(record, id_of(begun), status),
        usage=usage(record),
    )


def usage(record: RunRecord) -> ResponseUsage:
    """What the answer cost."""
    known = usage_of(record)
    return ResponseUsage(
        input_tokens=known.prompt_tokens,
        output_tokens=known.completion_tokens,
        total_tokens=known.total_tokens,
    )


def problem(body: ErrorBody) -> Problem:
    """An error within a response."""
    return Problem(code=body.error.code or body.error.type, message=body.error.message)
