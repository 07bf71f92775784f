"""Reads responses: typed events, or the whole object; only the fields that are used are named.

The events: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from typing import Any

import msgspec

from openclaw.agents.runtimes.completions.answer import reported
from openclaw.agents.runtimes.dialect import NotAnAnswer
from openclaw.agents.runtimes.draft import BrokenAnswer, Draft
from openclaw.agents.runtimes.handed_back import write_thinking
from openclaw.agents.runtimes.layout import CALL, TEXT, THOUGHT, Step
from openclaw.agents.runtimes.provider import RESPONSES
from openclaw.interfaces.agents import ModelInfo, Usage

_DONE = b"[DONE]"
_TEXTS = frozenset({"response.output_text.delta", "response.refusal.delta"})
_THOUGHTS = frozenset({"response.reasoning_summary_text.delta", "response.reasoning_text.delta"})
_ENDS = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}
)
MAX_ITEMS = 4096

INCOMPLETE = {"max_output_tokens": "length"}
"""Why a response is not complete, in the gateway's words; others stay as they are."""


class InputDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What the input's tokens were."""

    cached_tokens: int | None = None


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the response cost."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None

    def usage(self) -> Usage:
        """As the gateway counts it."""
        details = self.input_tokens_details
        cached = (details.cached_tokens if details else None) or 0
        return Usage(
            input=max(0, (self.input_tokens or 0) - cached),
            output=self.output_tokens or 0,
            cache_read=cached,
        )


class Incomplete(msgspec.Struct, frozen=True, kw_only=True):
    """Why it is not complete."""

    reason: str | None = None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """The whole object, as it comes last, or alone."""

    status: str | None = None
    output: list[dict[str, Any]] | None = None
    usage: Tokens | None = None
    error: msgspec.Raw = msgspec.Raw()
    incomplete_details: Incomplete | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event."""

    type: str = ""
    delta: str | dict[str, Any] | None = None
    arguments: str | None = None
    output_index: int = 0
    summary_index: int = 0
    item: dict[str, Any] | None = None
    response: Response | None = None
    error: msgspec.Raw = msgspec.Raw()


_events = msgspec.json.Decoder(Event)
_responses = msgspec.json.Decoder(Response)


class ResponsesAnswer:
    """Reads one answer."""

    def __init__(self, draft: Draft, model: ModelInfo) -> None:
        self._draft = draft
        self._model = model
        self._layout: list[Step] = []
        self._told: set[tuple[int, str]] = set()  # Whose words came piece by piece.
        self._items: set[int] = set()

    def event(self, data: bytes) -> None:
        """Read one event's data; see :class:`Answer`."""
        if data == _DONE:
            self._draft.done = True
        elif data:
            self._event(_decode(_events, data), data)

    def document(self, data: bytes) -> None:
        """Read a whole answer; see :class:`Answer`."""
        response = _decode(_responses, data)
        if response.output is None and bytes(response.error) in (b"", b"null"):
            raise NotAnAnswer("no response")
        self._end(response)

    def _event(self, event: Event, data: bytes) -> None:
        kind, draft = event.type, self._draft
        if not 0 <= event.output_index < MAX_ITEMS:
            raise BrokenAnswer(f"the response has more than {MAX_ITEMS} items")
        draft.seen = draft.seen or kind.startswith("response.")
        if kind in _TEXTS and isinstance(event.delta, str):
            self._told.add((event.output_index, TEXT))
            self._text(event.delta)
        elif kind in _THOUGHTS and isinstance(event.delta, str):
            draft.thought(event.delta)
        elif kind == "response.reasoning_summary_part.added" and event.summary_index:
            draft.thought("\n\n")
        elif kind.startswith("response.function_call_arguments."):
            self._arguments(event)
        elif kind == "response.output_item.added" and event.item is not None:
            self._item(event.output_index, event.item)
        elif kind == "response.output_item.done" and event.item is not None:
            self._item_done(event.output_index, event.item)
        elif kind in _ENDS and event.response is not None:
            self._end(event.response)
        elif kind == "error" or (not kind and bytes(event.error) not in (b"", b"null")):
            raise reported(bytes(event.error) if bytes(event.error) not in (b"", b"null") else data)

    def _text(self, text: str) -> None:
        if self._layout and TEXT in self._layout[-1]:
            self._layout[-1][TEXT] += len(text)
        else:
            self._layout.append({TEXT: len(text)})
        self._draft.text(text)

    def _arguments(self, event: Event) -> None:
        if isinstance(event.delta, str):
            self._draft.call(event.output_index, arguments=event.delta)
        elif event.arguments:
            self._draft.replace_arguments(event.output_index, event.arguments)

    def _item(self, index: int, item: dict[str, Any]) -> None:
        if item.get("type") == "function_call":
            id, name = _word(item, "call_id") or _word(item, "id"), _word(item, "name")
            self._draft.call(index, id, name, "")

    def _item_done(self, index: int, item: dict[str, Any]) -> None:
        """Take an item as it is in the end, which wins over its pieces."""
        if index in self._items:
            return
        self._items.add(index)
        kind = item.get("type")
        if kind == "function_call":
            self._item(index, item)
            self._draft.replace_arguments(index, _word(item, "arguments"))
            self._layout.append({CALL: _word(item, "call_id") or _word(item, "id")})
        elif kind == "message" and (index, TEXT) not in self._told:
            self._text(_message_text(item))
        elif kind == "reasoning" and item.get("encrypted_content"):
            kept = {name: item[name] for name in _REASONING if name in item}
            self._draft.grow(len(str(kept)))
            self._layout.append({THOUGHT: kept})

    def _end(self, response: Response) -> None:
        draft = self._draft
        draft.seen = True
        if response.usage is not None:
            draft.usage = response.usage.usage()
        error = bytes(response.error)
        if error not in (b"", b"null"):
            raise reported(error)
        if response.status in ("failed", "cancelled"):
            raise BrokenAnswer(f"the response ended without an answer ({response.status})")
        for index, item in enumerate(response.output or ()):
            self._item_done(index, item)
        reason = response.incomplete_details and response.incomplete_details.reason
        draft.stop_reason = INCOMPLETE.get(reason, reason) if reason else "stop"
        if any(THOUGHT in step for step in self._layout):
            content = {"layout": self._layout}
            draft.thinking = write_thinking(RESPONSES, self._model, content)
        draft.done = True


_REASONING = ("type", "id", "summary", "encrypted_content")


def _decode(decoder: Any, data: bytes) -> Any:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAnAnswer(str(error)) from None


def _word(item: dict[str, Any], name: str) -> str:
    found = item.get(name)
    return found if isinstance(found, str) else ""


def _message_text(item: dict[str, Any]) -> str:
    content = item.get("content")
    parts = (
        [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    )
    return "".join(_word(part, "text") or _word(part, "refusal") for part in parts)
