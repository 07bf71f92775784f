"""What an agent's process is told of a conversation, and what it need not be told again.

The gateway's transcript is the truth. A process that has followed a conversation from its start
needs only the new input; every other one starts afresh and gets what was said so far as text, for
its wire takes no foreign messages.
"""

from collections.abc import Sequence

from openclaw.interfaces.agents import MOST_TURNS, Turn

MOST_CHARACTERS = 200_000
"""Of what was said so far; the latest counts most."""

_NAMES = {"user": "User", "assistant": "Assistant", "system": "Note"}
_INTRODUCTION = "What was said in this conversation so far, oldest first:"
_LEFT_OUT = "(What came before is left out.)"
_NOW = "The user now says:"

Spoken = tuple[str, str]


class Knowledge:
    """What one process knows of its session."""

    def __init__(self) -> None:
        self._spoken: list[Spoken] | None = None
        self._system = ""

    def forget(self) -> None:
        """What it knows is not known any more."""
        self._spoken = None

    def follows(self, turns: Sequence[Turn]) -> bool:
        """Whether it knows everything before the last turn, and nothing else."""
        if self._spoken is None:
            return False
        before = spoken(turns[:-1])
        # Of a long conversation only the latest turns are ever handed over.
        whole = len(turns) < MOST_TURNS
        return before == (self._spoken if whole else self._spoken[-len(before) :])

    def message(self, turns: Sequence[Turn], system: str, afresh: bool) -> str:
        """What it has to be told for the next answer."""
        text = turns[-1].text if turns else ""
        parts = [system] if system and (afresh or system != self._system) else []
        before = spoken(turns[:-1]) if afresh else []
        if before:
            parts += [_INTRODUCTION, _script(before), _NOW]
        return "\n\n".join([*parts, text])

    def learned(self, turns: Sequence[Turn], system: str, answer: str) -> None:
        """It was told all of it and has answered."""
        self._spoken = [*spoken(turns), *([("assistant", answer)] if answer else [])]
        self._system = system


def spoken(turns: Sequence[Turn]) -> list[Spoken]:
    """Who said what; what tools said is a part of the answers."""
    return [(turn.role, turn.text) for turn in turns if turn.role != "tool" and turn.text]


def _script(before: Sequence[Spoken]) -> str:
    lines: list[str] = []
    room = MOST_CHARACTERS
    for role, text in reversed(before):
        line = f"{_NAMES.get(role, 'Note')}: {text}"
        room -= len(line)
        if room < 0:
            lines.append(_LEFT_OUT)
            break
        lines.append(line)
    return "\n\n".join(reversed(lines))
