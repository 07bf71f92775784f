"""What an API is to a stand-in: how a request is read, how a behaviour is written."""

import json
from collections.abc import Iterator
from typing import Any, Protocol

from tests.standins.behaviour import Asked, Behaviour

GARBAGE = b"data: {this is no JSON\n\n"
Body = dict[str, Any]


class Shape(Protocol):
    """One API."""

    def asked(self, body: Body) -> Asked:
        """Read a request."""

    def frames(self, behaviour: Behaviour) -> Iterator[bytes]:
        """The events of one streamed answer, a fault included; the broken ones have no end."""

    def whole(self, behaviour: Behaviour) -> Body:
        """The answer as one document."""

    def refusal(self, status: int) -> Body:
        """The document of an error."""


def sse(value: Body) -> bytes:
    """One event without a name."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def named(value: Body) -> bytes:
    """One event that says its type twice, as typed streams do."""
    return f"event: {value['type']}\n".encode() + sse(value)


def halves(text: str) -> Iterator[str]:
    """A text in two pieces."""
    middle = len(text) // 2
    yield from (part for part in (text[:middle], text[middle:]) if part)


def text_of(content: Any, kind: str = "text") -> str:
    """The text of a content that may be a list of parts."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.get("text", "") for part in content if kind in part.get("type", kind))
