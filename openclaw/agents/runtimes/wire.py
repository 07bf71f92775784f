"""The OpenAI-compatible wire: what is sent, what is read of the answers; no I/O and no policy.

Only the fields that are used are named; everything else a server sends is ignored. The API:
https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from openclaw.interfaces.agents import RunRequest, Usage

MAX_WORDS = 500
"""Characters of an upstream's words that are passed on."""

STOP_REASONS = {
    "end_turn": "stop",
    "eos": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
}
"""What some servers say in place of the API's own words."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a content that is sent as a list; text is all that is read."""

    text: str = ""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A ``delta`` or a ``message``."""

    content: str | list[Part] | None = None
    refusal: str | None = None

    @property
    def text(self) -> str:
        """The text, however it was wrapped; a refusal is the model's answer too."""
        content = self.content
        if isinstance(content, list):
            content = "".join(part.text for part in content)
        return content or self.refusal or ""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of the answers; only the first is ever asked for."""

    delta: Content | None = None
    message: Content | None = None
    finish_reason: str | None = None

    @property
    def text(self) -> str:
        """The text of whichever of the two forms it came in."""
        said = self.delta or self.message
        return said.text if said is not None else ""


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the call cost."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def usage(self) -> Usage:
        """As the gateway counts it."""
        return Usage(input=self.prompt_tokens or 0, output=self.completion_tokens or 0)


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a stream, or a whole answer: the two differ in ``delta`` and ``message``."""

    choices: list[Choice] | None = None
    usage: Tokens | None = None
    error: msgspec.Raw = msgspec.Raw()


class NotAChunk(ValueError):
    """Bytes that are no answer of this API."""


_chunks = msgspec.json.Decoder(Chunk)
_anything = msgspec.json.Decoder()


def decode_chunk(data: bytes) -> Chunk:
    """Read one event's data, or a whole answer.

    :raises NotAChunk: for anything else.
    """
    try:
        return _chunks.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotAChunk(str(error)) from None


def encode_request(request: RunRequest) -> bytes:
    """Write the body of ``POST /chat/completions`` for one run."""
    turns: list[Mapping[str, str]] = []
    if request.system:
        turns.append({"role": "system", "content": request.system})
    turns.extend({"role": turn.role, "content": turn.text} for turn in request.turns)
    return msgspec.json.encode(
        {
            "model": request.model.id,
            "messages": turns,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    )


def stop_reason(finish_reason: str) -> str:
    """The gateway's word for a ``finish_reason``; an unknown one stays as it is."""
    return STOP_REASONS.get(finish_reason, finish_reason)


def error_words(body: bytes) -> str:
    """Find an upstream's own words in the body of an error, or in an ``error`` member.

    :return: one line, or an empty text if there are none that a person could read.
    """
    try:
        found = _search(_anything.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = body.decode("utf-8", "replace").strip()
        # A page of HTML is for browsers, and says nothing about the model.
        found = "" if text.startswith("<") else text
    return " ".join(found.split())


def _search(value: Any, depth: int = 4) -> str:
    """Look through the places where servers put their words, the likeliest first."""
    if isinstance(value, str):
        return value
    if depth == 0 or not value:
        return ""
    if isinstance(value, list):
        return _search(value[0], depth - 1)
    if not isinstance(value, dict):
        return ""
    for key in ("error", "message", "detail", "msg", "reason", "code", "type"):
        found = _search(value.get(key), depth - 1)
        if found:
            return found
    return ""
