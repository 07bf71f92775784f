"""After a start: which inputs run again, and which are told to have been interrupted. Pure.

An input of whose answer nothing was seen runs (again). One whose answer had begun to show, or that
has been tried too often, is not run again: its session is told that it was interrupted. Neither is
one whose session was deleted or started over under it. One that had ended, and whose answer is owed
to where it came from, is answered from its record.
"""

from collections.abc import Collection, Iterable

from attrs import frozen

from openclaw.interfaces.conversations import Ending, Input
from openclaw.sessions.rows import StoredRun

MAX_ATTEMPTS = 5
"""Starts of one input, its first one included; the end of the process may have come so early that
the model never saw it, so that two or three of them can be nobody's fault."""


@frozen
class Recovery:
    """What is to be done with the inputs that had not ended."""

    run: tuple[Input, ...]
    interrupted: tuple[Input, ...]
    owed: tuple[StoredRun, ...] = ()


def plan(unfinished: Iterable[StoredRun], session_ids: Collection[str]) -> Recovery:
    """Decide for every input that had not ended, in order.

    :param session_ids: of the sessions there are.
    """
    run: list[Input] = []
    interrupted: list[Input] = []
    owed: list[StoredRun] = []
    for one in unfinished:
        if one.state == "answered":
            owed.append(one)
            continue
        possible = one.state == "accepted" and one.entry.session_id in session_ids
        again = possible and one.entry.attempt < MAX_ATTEMPTS
        (run if again else interrupted).append(one.entry)
    return Recovery(tuple(run), tuple(interrupted), tuple(owed))


def interruption(entry: Input, now_ms: int) -> Ending:
    """How a run ends that the stop of the gateway cut off."""
    return Ending(
        state="interrupted",
        text="",
        started_at_ms=entry.accepted_at_ms,
        ended_at_ms=now_ms,
        stop_reason="interrupted",
        error="The gateway stopped while this was being answered. Ask again to get an answer.",
        error_kind="interrupted",
    )
