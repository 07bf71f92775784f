"""The order in which an answer's parts came: some APIs want thoughts back exactly where they were.

Text and calls are in the turn itself; the layout holds the thoughts, and says where the rest goes.
"""

from collections.abc import Iterator
from typing import Any

from openclaw.interfaces.agents import Turn

THOUGHT = "thought"
TEXT = "text"
CALL = "call"

Step = dict[str, Any]
"""``{"thought": {...}}``, ``{"text": characters}`` or ``{"call": id}``."""


def walk(turn: Turn, layout: Any) -> Iterator[tuple[str, Any]]:
    """Go through the parts of an assistant's turn in their order.

    A layout that does not fit the turn (somebody cut it) is followed only for its thoughts.

    :param layout: a list of steps; anything else is none.
    :return: ``thought`` and what it is, ``text`` and a piece of it, ``call`` and the
        :class:`ToolCall`.
    """
    steps = [step for step in layout if isinstance(step, dict)] if isinstance(layout, list) else []
    if not _fits(turn, steps):
        steps = [
            *(step for step in steps if THOUGHT in step),
            {TEXT: len(turn.text)},
            *({CALL: call.id} for call in turn.calls),
        ]
    calls = {call.id: call for call in turn.calls}
    at = 0
    for step in steps:
        if THOUGHT in step:
            yield THOUGHT, step[THOUGHT]
        elif CALL in step:
            yield CALL, calls[step[CALL]]
        elif step[TEXT]:
            yield TEXT, turn.text[at : at + step[TEXT]]
            at += step[TEXT]


def _fits(turn: Turn, steps: list[Step]) -> bool:
    lengths = [step[TEXT] for step in steps if TEXT in step]
    ids = [step[CALL] for step in steps if CALL in step]
    return (
        all(isinstance(length, int) for length in lengths)
        and sum(lengths) == len(turn.text)
        and ids == [call.id for call in turn.calls]
        and all(THOUGHT in step or TEXT in step or CALL in step for step in steps)
    )
