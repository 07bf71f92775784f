"""A conversation in the order that every API of models takes; changes no words, drops no text."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from attrs import evolve

from openclaw.agents.runtimes.draft import is_object
from openclaw.interfaces.agents import Turn
from openclaw.interfaces.tools import Image, ToolCall

NO_RESULT = "No result: the run ended before the tool did."
NO_EYES = "[an image, which this model cannot see]"

_GOOD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def mended(turns: Sequence[Turn]) -> list[Turn]:
    """Put every tool's result right behind its call, and one where there is none.

    Results whose call is not there (it was too long ago) become words of the user's.
    """
    found: list[Turn] = []
    waiting: dict[str, Turn | None] = {}
    after: list[Turn] = []
    for turn in turns:
        if turn.role == "assistant":
            found += _settled(waiting, after)
            waiting, after = {call.id: None for call in turn.calls}, []
            found.append(turn)
        elif turn.role == "tool" and turn.call_id in waiting:
            waiting[turn.call_id] = turn
        elif turn.role == "tool":
            after.append(_told(turn, ""))
        else:
            after.append(turn)
    return [*found, *_settled(waiting, after)]


def flattened(turns: Sequence[Turn]) -> list[Turn]:
    """Tell calls and results in words, for servers that know of no tools."""
    names = {call.id: call.name for turn in turns for call in turn.calls}
    found: list[Turn] = []
    for turn in turns:
        if turn.role == "tool":
            found.append(_told(turn, names.get(turn.call_id, "")))
        elif turn.calls:
            asked = [f"[used {call.name} with {call.arguments}]" for call in turn.calls]
            text = "\n".join([turn.text, *asked] if turn.text else asked)
            found.append(evolve(turn, text=text, calls=(), thinking=""))
        else:
            found.append(turn)
    return found


def call_name(turns: Sequence[Turn], call_id: str) -> str:
    """The tool behind the id of a call; empty if unknown."""
    for turn in reversed(turns):
        for call in turn.calls:
            if call.id == call_id:
                return call.name
    return ""


def wire_id(id: str) -> str:
    """An id of a call that every API takes; the same for the same id, whoever made it."""
    if _GOOD_ID.fullmatch(id):
        return id
    return "call_" + hashlib.sha256(id.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def wire_arguments(call: ToolCall) -> str:
    """A call's arguments as a JSON object in any case: some servers read them."""
    if is_object(call.arguments):
        return call.arguments
    return msgspec.json.encode({"unreadable": call.arguments}).decode()


def arguments_object(call: ToolCall) -> dict[str, Any]:
    """A call's arguments, decoded."""
    found: dict[str, Any] = msgspec.json.decode(wire_arguments(call))
    return found


def data_url(image: Image) -> str:
    """An image as an address that holds it."""
    return f"data:{image.mime};base64,{image.data}"


def blind(turn: Turn) -> Turn:
    """A turn for a model that sees no images."""
    if not turn.images:
        return turn
    text = "\n".join([turn.text, *[NO_EYES] * len(turn.images)]).strip()
    return evolve(turn, text=text, images=())


def _settled(waiting: dict[str, Turn | None], after: list[Turn]) -> Iterator[Turn]:
    for call_id, result in waiting.items():
        yield result or Turn("tool", NO_RESULT, call_id=call_id, is_error=True)
    yield from after


def _told(turn: Turn, name: str) -> Turn:
    """A tool's result as words; in the user's role, as no other can tell a model something."""
    what = f"Error of {name or 'a tool'}" if turn.is_error else f"Result of {name or 'a tool'}"
    return Turn("user", f"[{what}]\n{turn.text}", turn.images)
