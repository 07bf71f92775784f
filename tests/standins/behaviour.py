"""What a stand-in for a model answers: chosen by directives in what the user said last.

See :mod:`tests.standins.model` for the directives.
"""

import re
from typing import Any

import attrs

MODEL = "mock-1"
REPLY = "Hello from the mock model."
PROMPT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS = 10, 0, 5

_DIRECTIVE = re.compile(
    r"\[(?:(?P<plain>slow|echo|reset|truncate|garbage|hang)"
    r"|chunks=(?P<chunks>\d+)(?: delay=(?P<delay>\d+))?"
    r"|error=(?P<error>\d{3})(?P<retry> retry-after)?)\]"
)
_CALL = re.compile(r"\[call=(?P<name>\w+)(?: (?P<arguments>\{[^\]]*\}))?\]")
_THINK = re.compile(r"\[think=(?P<words>[^\]]+)\]")
_CHUNKS_BEFORE_FAULT = 3


@attrs.frozen
class Call:
    """A tool that the stand-in asks for."""

    id: str
    name: str
    arguments: str


@attrs.frozen
class Behaviour:
    """What one answer does: its pieces of text, their pace, and how it goes wrong."""

    pieces: tuple[str, ...] = (REPLY,)
    delay_seconds: float = 0.0
    fault: str = ""
    status: int = 200
    retry_after: bool = False
    thoughts: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()

    @property
    def text(self) -> str:
        """The whole answer, the pieces joined."""
        return "".join(self.pieces)


@attrs.frozen
class Asked:
    """What a request says, whatever the API.

    :ivar said: what the user said since the last answer that was no call.
    :ivar results: what tools said since then.
    """

    said: str
    results: tuple[str, ...] = ()
    messages: int = 0
    model: Any = None
    stream: bool = False


def words(count: int) -> tuple[str, ...]:
    """``count`` pieces that join to ``w1 w2 w3 ...``."""
    return tuple(f"w{n}" if n == 1 else f" w{n}" for n in range(1, count + 1))


def behaviour_to(asked: Asked) -> Behaviour:
    """Answer a request: once the tools have spoken, they are quoted."""
    if asked.results:
        return Behaviour(("The tool said: ", "; ".join(asked.results)))
    return behaviour_for(asked.said)


def behaviour_for(text: str) -> Behaviour:
    """Read the directives in the last user message.

    :param text: the message as the gateway sent it, wrapped in whatever words it adds.
    """
    thinking = _THINK.search(text)
    calls = tuple(
        Call(f"call_{number}", match["name"], match["arguments"] or "{}")
        for number, match in enumerate(_CALL.finditer(text), 1)
    )
    behaviour = _plain(text)
    if calls:
        behaviour = attrs.evolve(behaviour, pieces=("Let me ", "see."), calls=calls)
    if thinking:
        behaviour = attrs.evolve(behaviour, thoughts=tuple(_pieces(thinking["words"])))
    return behaviour


def _plain(text: str) -> Behaviour:
    match = _DIRECTIVE.search(text)
    if match is None:
        return Behaviour()
    if match["error"]:
        return Behaviour(status=int(match["error"]), retry_after=bool(match["retry"]))
    if match["chunks"]:
        return Behaviour(words(int(match["chunks"])), int(match["delay"] or 0) / 1000)
    if match["plain"] == "slow":
        return Behaviour(words(30), 0.2)
    if match["plain"] == "echo":
        return Behaviour((text[match.end() :].partition("\n")[0].strip(),))
    return Behaviour(words(_CHUNKS_BEFORE_FAULT), fault=match["plain"])


def _pieces(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)
