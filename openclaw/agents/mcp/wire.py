"""The words of the Model Context Protocol: messages as bytes, tools and results as structs. Pure.

The specification: https://modelcontextprotocol.io/specification/2025-11-25
"""

from typing import Any

import msgspec

VERSION = "2025-11-25"
VERSIONS = frozenset({"2024-11-05", "2025-03-26", "2025-06-18", VERSION})
"""Every version that a server may choose; what is used of them is the same in all."""
METHOD_NOT_FOUND = -32601
MOST_BYTES = 4 << 20
"""The longest message that is read."""


class McpError(Exception):
    """A server refused something, or there is no answer; the words are for people and models."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ToolInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A tool as its server describes it."""

    name: str
    description: str | None = None
    title: str | None = None
    input_schema: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "object"})


class ToolPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Result of ``tools/list``."""

    tools: list[dict[str, Any]]
    next_cursor: str | None = None


class CallResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Result of ``tools/call``."""

    content: list[dict[str, Any]] = msgspec.field(default_factory=list)
    structured_content: Any = None
    is_error: bool = False


class Greeting(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Result of ``initialize``."""

    protocol_version: str
    capabilities: dict[str, Any] = msgspec.field(default_factory=dict)


def request(number: int, method: str, params: dict[str, Any]) -> bytes:
    """A request; its answer carries the same number."""
    return _text({"id": number, "method": method, "params": params})


def notification(method: str, params: dict[str, Any] | None = None) -> bytes:
    """A message that wants no answer."""
    return _text({"method": method} if params is None else {"method": method, "params": params})


def answer(number: Any, result: dict[str, Any]) -> bytes:
    """The answer to a request of the server."""
    return _text({"id": number, "result": result})


def refusal(number: Any, code: int, message: str) -> bytes:
    """The answer to a request of the server that is not served."""
    return _text({"id": number, "error": {"code": code, "message": message}})


def read(text: bytes) -> list[dict[str, Any]]:
    """The messages of a text: one, or those of a batch; none if it is nothing of the kind."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return []
    every = found if isinstance(found, list) else [found]
    return [one for one in every if isinstance(one, dict) and one.get("jsonrpc") == "2.0"]


def text_of(result: CallResult) -> str:
    """What a tool said, for a model: text as it is, everything else named."""
    parts = [part for one in result.content if (part := _part(one))]
    if not parts and result.structured_content is not None:
        return msgspec.json.encode(result.structured_content).decode()
    return "\n".join(parts)


def _part(part: dict[str, Any]) -> str:
    kind = part.get("type")
    if kind == "text":
        return str(part.get("text", ""))
    if kind in ("image", "audio"):
        size = len(str(part.get("data", ""))) * 3 // 4
        return f"[{kind} {part.get('mimeType', '')}, {size} bytes, not shown]"
    resource = part.get("resource")
    if isinstance(resource, dict):
        return str(resource.get("text") or f"[resource {resource.get('uri', '')}]")
    return f"[{kind} {part.get('uri', '')}]"


def _text(message: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", **message})
