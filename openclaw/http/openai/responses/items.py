"""The items of a response's input, as programs send them, and the turns they are."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from openclaw.http.openai.errors import Refused
from openclaw.http.openai.prompt import image_of, joined
from openclaw.http.openai.shape import Shape
from openclaw.interfaces.agents import Turn
from openclaw.interfaces.tools import Image, ToolCall

CallId = Annotated[str, Meta(min_length=1, max_length=256)]


class InputText(Shape, frozen=True, kw_only=True, tag_field="type", tag="input_text"):
    """Words that came in."""

    text: str


class SpokenText(Shape, frozen=True, kw_only=True, tag_field="type", tag="output_text"):
    """Words that were answered."""

    text: str


class RefusalText(Shape, frozen=True, kw_only=True, tag_field="type", tag="refusal"):
    """Words with which a model declined."""

    refusal: str


class InputImage(Shape, frozen=True, kw_only=True, tag_field="type", tag="input_image"):
    """A picture; always a ``data:`` address."""

    image_url: str
    detail: Literal["auto", "low", "high"] | None = None


Part = InputText | SpokenText | RefusalText | InputImage


class MessageItem(Shape, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """What somebody said; ``type`` may be left out."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Part]


class CallItem(Shape, frozen=True, kw_only=True, tag_field="type", tag="function_call"):
    """A call that an earlier answer asked for."""

    call_id: CallId
    name: str
    arguments: str


class CallOutput(Shape, frozen=True, kw_only=True, tag_field="type", tag="function_call_output"):
    """What one of the program's tools found."""

    call_id: CallId
    output: str | list[InputText]


class ReasoningItem(Shape, frozen=True, kw_only=True, tag_field="type", tag="reasoning"):
    """What a model thought; no agent is shown it."""


Item = MessageItem | CallItem | CallOutput | ReasoningItem


def read_items(given: str | Sequence[dict[str, Any]]) -> list[Item]:
    """Read an input.

    :raises Refused: one is no item.
    """
    if isinstance(given, str):
        return [MessageItem(role="user", content=given)]
    items: list[Item] = []
    for place, one in enumerate(given):
        try:
            items.append(msgspec.convert({"type": "message", **one}, Item))
        except msgspec.ValidationError as error:
            words, _, inside = str(error).partition(" - at `$")
            raise Refused(words, param=f"input[{place}]{inside.rstrip('`')}") from None
    return items


def system_of(items: Sequence[Item]) -> list[str]:
    """The words that nobody said."""
    found = (
        _words(one.content)
        for one in items
        if isinstance(one, MessageItem) and one.role in ("system", "developer")
    )
    return [words for words in found if words]


def turns_of(items: Sequence[Item]) -> list[Turn]:
    """What was said.

    :raises Refused: an image is not one.
    """
    turns = []
    for place, item in enumerate(items):
        if isinstance(item, CallOutput):
            turns.append(Turn("tool", _words(item.output), call_id=item.call_id))
        elif isinstance(item, CallItem):
            call = ToolCall(id=item.call_id, name=item.name, arguments=item.arguments)
            turns.append(Turn("assistant", "", calls=(call,)))
        elif isinstance(item, MessageItem) and item.role in ("user", "assistant"):
            images = _images(item, f"input[{place}].content") if item.role == "user" else ()
            turns.append(Turn(item.role, _words(item.content), images))
    return joined(turns)


def _images(item: MessageItem, param: str) -> tuple[Image, ...]:
    if isinstance(item.content, str):
        return ()
    pictures = (part for part in item.content if isinstance(part, InputImage))
    return tuple(image_of(part.image_url, param) for part in pictures)


def _words(content: str | Sequence[Part]) -> str:
    if isinstance(content, str):
        return content
    found = []
    for part in content:
        if isinstance(part, InputText | SpokenText):
            found.append(part.text)
        elif isinstance(part, RefusalText):
            found.append(part.refusal)
    return "\n".join(found)
