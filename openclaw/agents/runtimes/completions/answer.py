"""Reads chat completions, streamed or whole; only the fields that are used are named."""

from collections.abc import Hashable
from contextlib import suppress
from typing import Any

import msgspec

from openclaw.agents.runtimes.completions.extras import EXTRAS
from openclaw.agents.runtimes.completions.think_tag import ThinkTag
from openclaw.agents.runtimes.dialect import NotAnAnswer
from openclaw.agents.runtimes.draft import CUT, BrokenAnswer, Draft
from openclaw.agents.runtimes.handed_back import write_thinking
from openclaw.agents.runtimes.provider import COMPLETIONS
from openclaw.agents.runtimes.words import (
    error_labels,
    error_words,
    kind_of_code,
    kind_of_labels,
    reason_of_labels,
)
from openclaw.interfaces.agents import ModelInfo, Usage

STOP_REASONS = {
    "end_turn": "stop",
    "eos": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
}
"""What some servers say in place of the API's own words."""

_DONE = b"[DONE]"
_NO_ERROR = (b"", b"null", b"false", b"{}", b'""')


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a content that is sent as a list; text is all that is read."""

    text: str = ""


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """The tool of a call, or a piece of it; arguments are text, but some send the object."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class CallPiece(msgspec.Struct, frozen=True, kw_only=True):
    """A call, or a piece of one.

    :ivar extra_content: what has to be handed back beside the call, as Gemini's thoughts:
        https://ai.google.dev/gemini-api/docs/thought-signatures
    """

    index: int | None = None
    id: str | None = None
    function: Function | None = None
    extra_content: Any = None


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A ``delta`` or a ``message``.

    :ivar reasoning_content: thoughts, as DeepSeek, llama.cpp and older vLLM call them.
    :ivar reasoning: thoughts, as Ollama, OpenRouter and newer vLLM call them.
    """

    content: str | list[Part] | None = None
    refusal: str | None = None
    tool_calls: list[CallPiece] | None = None
    reasoning_content: str | None = None
    reasoning: msgspec.Raw = msgspec.Raw()

    @property
    def text(self) -> str:
        """The text, however it was wrapped; a refusal is the model's answer too."""
        content = self.content
        if isinstance(content, list):
            content = "".join(part.text for part in content)
        return content or self.refusal or ""

    @property
    def thought(self) -> tuple[str, str]:
        """The name of the field that has thoughts, and the thoughts."""
        if self.reasoning_content:
            return "reasoning_content", self.reasoning_content
        if bytes(self.reasoning)[:1] == b'"':  # Elsewhere the field holds settings.
            return "reasoning", msgspec.json.decode(self.reasoning, type=str)
        return "", ""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of the answers; only the first is ever asked for."""

    delta: Content | None = None
    message: Content | None = None
    finish_reason: str | None = None


class PromptDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What the input's tokens were."""

    cached_tokens: int | None = None


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the call cost; some proxies count in floating point.

    :ivar prompt_cache_hit_tokens: DeepSeek's word for ``cached_tokens``.
    """

    prompt_tokens: int | float | None = None
    completion_tokens: int | float | None = None
    prompt_tokens_details: PromptDetails | None = None
    prompt_cache_hit_tokens: int | None = None

    def usage(self) -> Usage:
        """As the gateway counts it."""
        details = self.prompt_tokens_details
        cached = (details.cached_tokens if details else None) or self.prompt_cache_hit_tokens or 0
        return Usage(
            input=max(0, int(self.prompt_tokens or 0) - cached),
            output=int(self.completion_tokens or 0),
            cache_read=cached,
        )


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a stream, or a whole answer: the two differ in ``delta`` and ``message``.

    :ivar message: an error's words where they stand alone: older vLLM within a good answer, and
        servers whose event is called ``error``.
    """

    choices: list[Choice] | None = None
    usage: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()
    message: msgspec.Raw = msgspec.Raw()


_chunks = msgspec.json.Decoder(Chunk)
_tokens = msgspec.json.Decoder(Tokens | None)


class CompletionsAnswer:
    """Reads one answer."""

    def __init__(self, draft: Draft, model: ModelInfo) -> None:
        self._draft = draft
        self._model = model
        self._thoughts: dict[str, list[str]] = {}
        self._tag = ThinkTag()
        self._extras: dict[Hashable, dict[str, Any]] = {}
        self._last: object = None

    def event(self, data: bytes) -> None:
        """Read one event's data; see :class:`Answer`."""
        if data == _DONE:
            self._finish()
            self._draft.done = True
        elif data:
            self._chunk(decode_chunk(data), data)

    def document(self, data: bytes) -> None:
        """Read a whole answer; see :class:`Answer`."""
        chunk = decode_chunk(data)
        self._chunk(chunk, data)
        self._finish()
        self._draft.seen = bool(chunk.choices)

    def _chunk(self, chunk: Chunk, data: bytes) -> None:
        draft = self._draft
        draft.seen = True
        error = bytes(chunk.error)
        if error not in _NO_ERROR:
            raise reported(error)
        if chunk.choices is None and bytes(chunk.message)[:1] == b'"':
            raise reported(data)
        if bytes(chunk.usage):
            self._count(bytes(chunk.usage))
        if chunk.choices:
            self._choice(chunk.choices[0])

    def _choice(self, choice: Choice) -> None:
        said = choice.delta or choice.message
        if said is not None:
            field, thought = said.thought
            if thought:
                self._thoughts.setdefault(field, []).append(thought)
                self._draft.thought(thought)
            self._say(said.text)
            for piece in said.tool_calls or ():
                self._call(piece)
        if choice.finish_reason:
            reason = choice.finish_reason
            self._draft.stop_reason = STOP_REASONS.get(reason, reason)
            self._finish()

    def _say(self, text: str) -> None:
        thought, text = self._tag.feed(text)
        self._draft.thought(thought)
        self._draft.text(text)

    def _count(self, usage: bytes) -> None:
        """Take the figures, if they are any; a good answer is worth more than they are."""
        with suppress(msgspec.DecodeError, ValueError, OverflowError):
            tokens = _tokens.decode(usage)
            if tokens is not None:
                self._draft.usage = tokens.usage()

    def _call(self, piece: CallPiece) -> None:
        function = piece.function or Function()
        name, id = function.name or "", piece.id or ""
        arguments = function.arguments or ""
        if isinstance(arguments, dict):
            arguments = msgspec.json.encode(arguments).decode()
        key = self._last = self._key(piece.index, id, name)
        self._draft.call(key, id, name, arguments)
        if piece.extra_content and isinstance(piece.extra_content, dict):
            self._draft.grow(len(str(piece.extra_content)))
            self._extras[key] = piece.extra_content

    def _key(self, index: int | None, id: str, name: str) -> object:
        """Tell which call a piece belongs to.

        Some servers number no calls, or give all of them the number 0; whole calls then follow
        one another, each with an id or at least a name of its own.
        """
        key = self._last if index is None else (index, 0)
        if index is not None and isinstance(self._last, tuple) and self._last[0] == index:
            key = self._last
        known = self._draft.call_at(key)
        if known is None:
            return key if key is not None else (-1, 0)
        known_id, known_name, is_whole = known
        other_id = id and known_id and id != known_id
        again = not id and name and known_name and is_whole
        if not other_id and not again:
            return key
        assert isinstance(key, tuple)
        return (key[0], key[1] + 1)

    def _finish(self) -> None:
        """Let out what was held back; keep the thoughts under the name they came by."""
        if not (self._tag.thinking and self._draft.stop_reason in CUT):
            self._draft.text(self._tag.finish())
        extras = {}
        for key, extra in self._extras.items():
            known = self._draft.call_at(key)
            if known is not None and known[0]:
                extras[known[0]] = extra
        if (self._thoughts or extras) and not self._draft.thinking:
            content: dict[str, Any] = {
                field: "".join(pieces) for field, pieces in self._thoughts.items()
            }
            if extras:
                content[EXTRAS] = extras
            self._draft.thinking = write_thinking(COMPLETIONS, self._model, content)


def decode_chunk(data: bytes) -> Chunk:
    """Read one event's data, or a whole answer.

    :raises NotAnAnswer: for anything else.
    """
    try:
        return _chunks.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAnAnswer(str(error)) from None


def reported(error: bytes) -> BrokenAnswer:
    """An error that a server reports within its answer."""
    labels = error_labels(error)
    return BrokenAnswer(
        error_words(error) or "the server reported an error without words",
        kind_of_labels(labels) or kind_of_code(error) or "stream",
        reason_of_labels(labels),
    )
