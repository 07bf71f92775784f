"""What was done on the way to an answer, as messages of the transcript and as turns. Pure."""

import msgspec

from openclaw.interfaces.agents import Turn
from openclaw.interfaces.tools import ToolCall
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.chat import Message, TextPart, ToolCallPart


def messages_of(steps: tuple[Turn, ...], now_ms: int) -> list[Message]:
    """Steps as a transcript has them.

    Wishes that were not answered are left out: a model would not understand its own words. What
    was said beside a wish stands in the answer, which has everything that was said.
    """
    answered = {step.call_id for step in steps if step.role == "tool"}
    names: dict[str, str] = {}
    found = []
    for step in steps:
        if step.role == "tool":
            found.append(_result(step, names.get(step.call_id, ""), now_ms))
            continue
        calls = [call for call in step.calls if call.id in answered]
        names |= {call.id: call.name for call in calls}
        if calls:
            found.append(_wish(step, calls, now_ms))
    return found


def turn_of(message: Message) -> Turn | None:
    """A message as a model sees it; ``None`` for one that says nothing."""
    text = text_of(message)
    if message.role == "toolResult":
        call_id = "" if message.tool_call_id is UNSET else message.tool_call_id
        return Turn("tool", text, call_id=call_id, is_error=message.is_error is True)
    calls = tuple(_call(part) for part in _parts(message) if isinstance(part, ToolCallPart))
    if not text and not calls:
        return None
    # Only beside calls is it wanted back: some servers refuse what was thought for an answer.
    kept = message.thinking if calls else UNSET
    return Turn(message.role, text, calls=calls, thinking="" if kept is UNSET else kept)


def text_of(message: Message) -> str:
    """The words of a message."""
    if isinstance(message.content, str):
        return message.content
    return "".join(part.text for part in message.content if isinstance(part, TextPart))


def _parts(message: Message) -> list[TextPart | ToolCallPart]:
    return [] if isinstance(message.content, str) else message.content


def _call(part: ToolCallPart) -> ToolCall:
    given = part.arguments
    text = given if isinstance(given, str) else msgspec.json.encode(given).decode()
    return ToolCall(id=part.id, name=part.name, arguments=text)


def _wish(step: Turn, calls: list[ToolCall], now_ms: int) -> Message:
    parts: list[TextPart | ToolCallPart] = [
        ToolCallPart(id=call.id, name=call.name, arguments=_arguments(call.arguments))
        for call in calls
    ]
    return Message(
        role="assistant",
        content=parts,
        timestamp=now_ms,
        stop_reason="toolUse",
        thinking=step.thinking or UNSET,
    )


def _arguments(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _result(step: Turn, name: str, now_ms: int) -> Message:
    return Message(
        role="toolResult",
        content=[TextPart(text=step.text)],
        timestamp=now_ms,
        tool_call_id=step.call_id,
        tool_name=name or UNSET,
        is_error=step.is_error,
    )
