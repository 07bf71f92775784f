"""The messages of a chat completion, as programs send them, and the turns they are."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from openclaw.http.openai.prompt import image_of
from openclaw.http.openai.shape import Shape
from openclaw.interfaces.agents import Turn
from openclaw.interfaces.tools import Image, ToolCall


class TextPart(Shape, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """Words."""

    text: str


class RefusalPart(Shape, frozen=True, kw_only=True, tag_field="type", tag="refusal"):
    """Words with which a model declined."""

    refusal: str


class ImageUrl(Shape, frozen=True, kw_only=True):
    """Where an image is; here always a ``data:`` address."""

    url: str
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(Shape, frozen=True, kw_only=True, tag_field="type", tag="image_url"):
    """A picture."""

    image_url: ImageUrl


class FunctionCall(Shape, frozen=True, kw_only=True):
    """Which tool, with which arguments (JSON text)."""

    name: str
    arguments: str


class MessageCall(Shape, frozen=True, kw_only=True):
    """A call that an earlier answer asked for."""

    id: Annotated[str, Meta(min_length=1, max_length=256)]
    function: FunctionCall
    type: Literal["function"] = "function"


class SystemMessage(Shape, frozen=True, kw_only=True, tag_field="role", tag="system"):
    """Words for the model that nobody said."""

    content: str | list[TextPart]
    name: str | None = None


class DeveloperMessage(Shape, frozen=True, kw_only=True, tag_field="role", tag="developer"):
    """The newer name of a system message."""

    content: str | list[TextPart]
    name: str | None = None


class UserMessage(Shape, frozen=True, kw_only=True, tag_field="role", tag="user"):
    """What somebody said."""

    content: str | list[TextPart | ImagePart]
    name: str | None = None


class AssistantMessage(Shape, frozen=True, kw_only=True, tag_field="role", tag="assistant"):
    """What was answered."""

    content: str | list[TextPart | RefusalPart] | None = None
    refusal: str | None = None
    tool_calls: list[MessageCall] | None = None
    name: str | None = None


class ToolMessage(Shape, frozen=True, kw_only=True, tag_field="role", tag="tool"):
    """What one of the program's tools found."""

    content: str | list[TextPart]
    tool_call_id: str


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage


def system_of(messages: Sequence[Message]) -> str:
    """The words that nobody said, wherever they stand."""
    found = [
        _words(one.content) for one in messages if isinstance(one, SystemMessage | DeveloperMessage)
    ]
    return "\n\n".join(words for words in found if words)


def turns_of(messages: Sequence[Message]) -> list[Turn]:
    """What was said.

    :raises Refused: an image is not one.
    """
    found = []
    for place, message in enumerate(messages):
        if isinstance(message, UserMessage):
            found.append(_user(message, f"messages[{place}].content"))
        elif isinstance(message, AssistantMessage):
            found.append(_assistant(message))
        elif isinstance(message, ToolMessage):
            found.append(Turn("tool", _words(message.content), call_id=message.tool_call_id))
    return found


def _user(message: UserMessage, param: str) -> Turn:
    images: tuple[Image, ...] = ()
    if not isinstance(message.content, str):
        pictures = (part for part in message.content if isinstance(part, ImagePart))
        images = tuple(image_of(part.image_url.url, param) for part in pictures)
    words = _words(message.content)
    # Models have no place for a name; several people are told apart by it.
    return Turn("user", f"{message.name}: {words}" if message.name and words else words, images)


def _assistant(message: AssistantMessage) -> Turn:
    calls = tuple(
        ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
        for call in message.tool_calls or ()
    )
    return Turn("assistant", _words(message.content) or message.refusal or "", calls=calls)


def _words(content: str | Sequence[TextPart | RefusalPart | ImagePart] | None) -> str:
    """The words of a content, however they were wrapped."""
    if content is None or isinstance(content, str):
        return content or ""
    found = []
    for part in content:
        if isinstance(part, TextPart):
            found.append(part.text)
        elif isinstance(part, RefusalPart):
            found.append(part.refusal)
    return "\n".join(found)
