"""A gateway that kills itself at a boundary: the product as it is, but for the functions named.

``python -m tests.faults.crashing PLACE MOMENT N DEFECT ...`` and the options of the gateway; an
empty ``PLACE`` for one that lives on, an empty ``DEFECT`` for one that is not broken on purpose.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

from twisted.internet.defer import Deferred

from openclaw.__main__ import main
from openclaw.storage.sqlite import SQLiteStore
from tests.faults.boundaries import CALLS, JOURNAL, Moment
from tests.faults.defects import DEFECTS

Strike = Callable[[], None]


def striking(number: int) -> Strike:
    """A call that does nothing, but kills the process at its ``number``-th time."""
    left = number

    def strike() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
            while True:  # The signal is on its way; nothing else may happen in this thread.
                time.sleep(1)

    return strike


def in_journal(place: str, moment: Moment, strike: Strike) -> None:
    """Strike at the transactions of one kind."""
    name, queue = JOURNAL[place]
    original = SQLiteStore.run

    def run(store: Any, function: Any, /, **arguments: Any) -> Deferred[Any]:
        if function.__name__ != name or not _queue_of(arguments).startswith(queue):
            return original(store, function, **arguments)

        def watched(tx: Any, **given: Any) -> Any:
            result = function(tx, **given)
            if moment == "inside" and (name != "claim" or result):
                strike()
            return result

        def committed(result: Any) -> Any:
            if name != "claim" or result:
                strike()
            return result

        if moment == "before":
            strike()
        done: Deferred[Any] = original(store, watched, **arguments)
        return done.addCallback(committed) if moment == "after" else done

    SQLiteStore.run = run  # type: ignore[method-assign]  # This process is made to die.


def _queue_of(arguments: dict[str, Any]) -> str:
    named = arguments.get("delivery") or arguments.get("message")
    return str(getattr(named, "queue", arguments.get("queue", "")))


def at_call(place: str, moment: Moment, strike: Strike) -> None:
    """Strike at the calls of one function."""
    module, _, path = CALLS[place].partition(":")
    owner_name, _, name = path.partition(".")
    owner = getattr(import_module(module), owner_name)
    original = getattr(owner, name)

    def ended(result: Any) -> Any:
        strike()
        return result

    @wraps(original)
    def call(*given: Any, **named: Any) -> Any:
        if moment == "before":
            strike()
            return original(*given, **named)
        result = original(*given, **named)
        if hasattr(result, "__await__") and not isinstance(result, Deferred):
            result = Deferred.fromCoroutine(result)
        if isinstance(result, Deferred):
            return result.addCallback(ended)
        return ended(result)

    setattr(owner, name, call)


def crash(place: str, moment: Moment, number: int) -> None:
    """Arrange for the end of this process."""
    arrange = in_journal if place in JOURNAL else at_call
    arrange(place, moment, striking(number))


if __name__ == "__main__":
    place, moment, number, defect = sys.argv[1:5]
    if defect:
        DEFECTS[defect]()
    if place:
        crash(place, moment, int(number))  # type: ignore[arg-type]  # One of the three words.
    sys.exit(main(sys.argv[5:]))
