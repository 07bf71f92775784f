"""Reads messages: typed events, or the whole object; only the fields that are used are named.

The events: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from typing import Any

import msgspec
from attrs import define

from openclaw.agents.runtimes.completions.answer import reported
from openclaw.agents.runtimes.dialect import NotAnAnswer
from openclaw.agents.runtimes.draft import BrokenAnswer, Draft
from openclaw.agents.runtimes.handed_back import write_thinking
from openclaw.agents.runtimes.layout import CALL, TEXT, THOUGHT, Step
from openclaw.agents.runtimes.provider import MESSAGES
from openclaw.interfaces.agents import ModelInfo, Usage

STOP_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}
"""The API's words in the gateway's; an unknown one stays as it is."""

MAX_BLOCKS = 4096


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the message cost so far; what is absent has not changed."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A block of content, as it begins or whole."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """What is added to a block, or to the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The message, as it begins or whole."""

    type: str = ""
    content: list[Block] | None = None
    stop_reason: str | None = None
    usage: Tokens | None = None
    error: msgspec.Raw = msgspec.Raw()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event."""

    type: str = ""
    index: int = 0
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: Tokens | None = None
    error: msgspec.Raw = msgspec.Raw()


_events = msgspec.json.Decoder(Event)
_messages = msgspec.json.Decoder(Message)
_STARTED = frozenset({"message_start", "content_block_start", "content_block_delta"})


@define
class _Open:
    """A block that is being read."""

    block: Block
    step: Step
    pieces: list[str]
    signature: str = ""


class MessagesAnswer:
    """Reads one answer."""

    def __init__(self, draft: Draft, model: ModelInfo) -> None:
        self._draft = draft
        self._model = model
        self._open: dict[int, _Open] = {}
        self._counts: dict[str, int] = {}

    def event(self, data: bytes) -> None:
        """Read one event's data; see :class:`Answer`."""
        if data == b"[DONE]":  # Some servers end every API so.
            self._finish()
        elif data:
            self._event(_decode(_events, data))

    def document(self, data: bytes) -> None:
        """Read a whole message; see :class:`Answer`."""
        message = _decode(_messages, data)
        if bytes(message.error) not in (b"", b"null"):
            raise reported(bytes(message.error))
        if message.content is None:
            raise NotAnAnswer("no message")
        self._draft.seen = True
        self._count(message.usage)
        for index, block in enumerate(message.content):
            self._begin(index, block, whole=True)
        self._stop(message.stop_reason)
        self._finish()

    def _event(self, event: Event) -> None:
        kind = event.type
        self._draft.seen = self._draft.seen or kind in _STARTED
        if kind == "content_block_delta" and event.delta is not None:
            self._more(event.index, event.delta)
        elif kind == "content_block_start" and event.content_block is not None:
            self._begin(event.index, event.content_block)
        elif kind == "message_start" and event.message is not None:
            self._count(event.message.usage)
        elif kind == "message_delta":
            self._count(event.usage)
            self._stop(event.delta.stop_reason if event.delta is not None else None)
        elif kind == "message_stop":
            self._finish()
        elif kind == "error" or (not kind and bytes(event.error)):
            raise reported(bytes(event.error))

    def _begin(self, index: int, block: Block, whole: bool = False) -> None:
        if not 0 <= index < MAX_BLOCKS:
            raise BrokenAnswer(f"the message has more than {MAX_BLOCKS} blocks")
        opened = self._open[index] = _Open(block, {}, [])
        if block.type == "tool_use":
            opened.step[CALL] = block.id or ""
            given = block.input if isinstance(block.input, dict) else {}
            text = msgspec.json.encode(given).decode() if given or whole else ""
            self._draft.call(index, block.id or "", block.name or "", text)
        elif block.type == "redacted_thinking":
            self._draft.grow(len(block.data or ""))
        self._more(
            index, Delta(text=block.text, thinking=block.thinking, signature=block.signature)
        )

    def _more(self, index: int, delta: Delta) -> None:
        opened = self._open.get(index)
        if opened is None:
            # A server that forgets to begin its blocks still says what is in them.
            if delta.text:
                self._begin(index, Block(type="text"))
                self._more(index, delta)
            return
        if delta.text:
            opened.step[TEXT] = opened.step.get(TEXT, 0) + len(delta.text)
            self._draft.text(delta.text)
        elif delta.partial_json:
            self._draft.call(index, arguments=delta.partial_json)
        elif delta.thinking:
            opened.pieces.append(delta.thinking)
            self._draft.thought(delta.thinking)
        if delta.signature:
            self._draft.grow(len(delta.signature))
            opened.signature += delta.signature

    def _count(self, tokens: Tokens | None) -> None:
        """Later figures stand in for earlier ones: they are sums."""
        if tokens is None:
            return
        counted = msgspec.structs.asdict(tokens)
        self._counts.update({name: count for name, count in counted.items() if count is not None})
        count = self._counts.get
        self._draft.usage = Usage(
            input=count("input_tokens", 0),
            output=count("output_tokens", 0),
            cache_read=count("cache_read_input_tokens", 0),
            cache_write=count("cache_creation_input_tokens", 0),
        )

    def _stop(self, reason: str | None) -> None:
        if reason:
            self._draft.stop_reason = STOP_REASONS.get(reason, reason)
            self._keep_thoughts()

    def _finish(self) -> None:
        self._keep_thoughts()
        self._draft.done = True

    def _keep_thoughts(self) -> None:
        """Keep what is signed, and the order of everything: both are checked when handed back."""
        layout = [step for index in sorted(self._open) if (step := _step(self._open[index]))]
        if any(THOUGHT in step for step in layout):
            self._draft.thinking = write_thinking(MESSAGES, self._model, {"layout": layout})


def _step(opened: _Open) -> Step:
    block = opened.block
    if block.type == "redacted_thinking" and block.data:
        return {THOUGHT: {"type": "redacted_thinking", "data": block.data}}
    if block.type == "thinking" and opened.signature:
        text = "".join(opened.pieces)
        return {THOUGHT: {"type": "thinking", "thinking": text, "signature": opened.signature}}
    return opened.step


def _decode(decoder: Any, data: bytes) -> Any:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAnAnswer(str(error)) from None
