"""An answer while it grows: text, thoughts and calls go in, an outcome comes out; knows no wire."""

import hashlib
from collections.abc import Callable, Hashable

import msgspec
from attrs import define, field, frozen

from openclaw.interfaces.agents import RunOutcome, RunRequest, Usage
from openclaw.interfaces.tools import ToolCall

MAX_CONTENT = 8 * 1024 * 1024
"""Characters of text, thoughts and calls together; more is a server that does not stop."""

MAX_CALLS = 256

CUT = frozenset({"length"})
"""Endings after which the last call may be half a call."""


WORDLESS = {
    "length": (
        ": the longest answer was used up before; raise the model's maxTokens, or let it think less"
    ),
    "content_filter": ": the provider's filter kept it back",
    "refusal": ": it refused to answer",
}
"""What it means that there is no text, by the reason why the model stopped."""


class BrokenAnswer(Exception):
    """The answer cannot be completed; the message says why, in the upstream's words if any.

    :ivar kind: of :class:`openclaw.errors.ModelError`.
    :ivar reason: its ``failover_reason``, where the kind does not say it.
    """

    def __init__(self, message: str, kind: str = "stream", reason: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.reason = reason


@frozen
class Hearing:
    """Who hears the answer grow; never an empty piece."""

    text: Callable[[str], None]
    thought: Callable[[str], None] = lambda _: None


@define
class _Call:
    id: str = ""
    name: str = ""
    pieces: list[str] = field(factory=list)

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    @property
    def is_whole(self) -> bool:
        return is_object(self.arguments)


class Draft:
    """Collects one answer.

    :param make_id: makes the id of the call of that number, for servers that name none.
    :ivar stop_reason: why the model stopped, in the gateway's words; empty until it did.
    :ivar done: the server said that this was all.
    :ivar seen: something that belongs to an answer was read.
    :ivar thinking: what is to be handed back beside the text: see :attr:`Turn.thinking`.
    """

    def __init__(self, hearing: Hearing, make_id: Callable[[int], str] = "call_{}".format) -> None:
        self._hearing = hearing
        self._make_id = make_id
        self._text: list[str] = []
        self._calls: dict[Hashable, _Call] = {}
        self._size = 0
        self._closed = False
        self.characters = 0
        self.usage = Usage()
        self.stop_reason = ""
        self.thinking = ""
        self.done = False
        self.seen = False

    @property
    def answered(self) -> bool:
        """Whether the model has said its last word, even if the server may add figures."""
        return self.done or bool(self.stop_reason)

    @property
    def closed(self) -> bool:
        """Whether nobody listens any more."""
        return self._closed

    def close(self) -> None:
        """Pass nothing on any more."""
        self._closed = True

    def text(self, text: str) -> None:
        """More of the answer."""
        if text and not self._closed:
            self.grow(len(text))
            self.characters += len(text)
            self._text.append(text)
            self._hearing.text(text)

    def thought(self, text: str) -> None:
        """More of what the model thinks."""
        if text and not self._closed:
            self.grow(len(text))
            self._hearing.thought(text)

    def call(self, key: Hashable, id: str = "", name: str = "", arguments: str = "") -> None:
        """More of a call; what is empty was not said.

        :param key: tells the calls of an answer apart; a new one begins a call.
        """
        found = self._calls.get(key)
        if found is None:
            if len(self._calls) >= MAX_CALLS:
                raise BrokenAnswer(f"the model asks for more than {MAX_CALLS} tools at once")
            found = self._calls[key] = _Call()
        found.id = found.id or id
        found.name = found.name or name
        if arguments:
            self.grow(len(arguments))
            found.pieces.append(arguments)

    def replace_arguments(self, key: Hashable, arguments: str) -> None:
        """The whole of a call's arguments, which wins over its pieces."""
        found = self._calls.get(key)
        if found is not None and arguments:
            found.pieces[:] = [arguments]

    def call_at(self, key: Hashable) -> tuple[str, str, bool] | None:
        """Id and name of a call, and whether its arguments are whole; ``None`` if unknown."""
        found = self._calls.get(key)
        return None if found is None else (found.id, found.name, found.is_whole)

    def outcome(self) -> RunOutcome:
        """Say how it ended.

        :raises BrokenAnswer: if the answer is not complete.
        """
        if not self.answered:
            raise BrokenAnswer(self._why_unfinished())
        text, reason = "".join(self._text), self.stop_reason or "stop"
        calls = self._finished_calls(reason)
        if calls:
            reason = "tool_calls"
        elif reason == "tool_calls":
            reason = "stop"  # Some say so without asking for anything.
        if not text and not calls and reason != "stop":
            # To ask again would cost the same and end the same, so these are no broken stream.
            words = WORDLESS.get(reason, "")
            raise BrokenAnswer(
                f"the model ended without any text ({reason}){words}",
                "unknown" if words else "stream",
            )
        return RunOutcome(text, reason, self.usage, calls, self.thinking)

    def _finished_calls(self, reason: str) -> tuple[ToolCall, ...]:
        """The calls to carry out: none of an answer that was cut, where half a call looks whole."""
        if reason in CUT:
            return ()
        found: dict[str, ToolCall] = {}
        named = [call for call in self._calls.values() if call.name]
        for number, call in enumerate(named):
            # Some servers give all calls of an answer one id; results could not be told apart.
            id = call.id if call.id and call.id not in found else self._make_id(number)
            found[id] = ToolCall(id=id, name=call.name, arguments=call.arguments.strip() or "{}")
        return tuple(found.values())

    def grow(self, size: int) -> None:
        """Count what is kept of the answer, in characters.

        :raises BrokenAnswer: if it is more than any answer has.
        """
        self._size += size
        if self._size > MAX_CONTENT:
            raise BrokenAnswer(f"the answer is longer than {MAX_CONTENT} characters")

    def _why_unfinished(self) -> str:
        if not self.seen:
            return STRANGE
        return f"the answer broke off after {self.characters} characters"


STRANGE = "the server sent something that is no answer; is its base URL right?"


def call_ids(request: RunRequest) -> Callable[[int], str]:
    """Make ids for the calls of one answer: none twice in a conversation."""

    def make(number: int) -> str:
        text = f"{request.run_id}:{len(request.turns)}:{number}"
        return "call_" + hashlib.sha256(text.encode()).hexdigest()[:24]

    return make


def is_object(text: str) -> bool:
    """Whether a text is a JSON object."""
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
