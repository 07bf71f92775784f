"""A process that writes numbered rows until it is killed, and prints what was acknowledged."""

import os
import sys
from typing import Any

from twisted.internet import reactor

from openclaw.interfaces.storage import ITransaction
from openclaw.storage.sqlite import SQLiteStore

IN_FLIGHT = 64
FAILS_EVERY = 7


def last(tx: ITransaction) -> int:
    """Return the highest number, committed or not acknowledged."""
    ((number,),) = tx.rows("select coalesce(max(seq), 0) from message")
    return int(number)


def write(tx: ITransaction, number: int) -> None:
    """Insert the number in two tables; then fail for some, which must undo both."""
    tx.execute(
        """insert into message(session_id, seq, message_id, body, at)
           values ('s', :number, :name, :body, 0)""",
        number=number,
        name=f"m{number}",
        body=b"x" * (number % 2000),
    )
    tx.execute(
        "insert into input(run_id, position) values (:name, :n)", name=f"r{number}", n=number
    )
    if number % FAILS_EVERY == 0:
        raise ValueError(number)


class Writer:
    """Keeps a fixed number of transactions in flight."""

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store
        self._number = 0

    def begin(self, number: int) -> None:
        """Go on behind what is there."""
        self._number = number
        for _ in range(IN_FLIGHT):
            self._next()

    def _next(self) -> None:
        self._number += 1
        number = self._number
        running = self._store.run(write, number=number)
        running.addCallbacks(
            lambda _: os.write(1, b"%d\n" % number), lambda failure: failure.trap(ValueError)
        )
        running.addCallback(lambda _: self._next())
        running.addErrback(fail)


def fail(failure: Any) -> None:
    """End with a status that the test does not expect."""
    failure.printTraceback()
    os._exit(3)


def main(path: str) -> None:
    """Write for ever."""
    threaded: Any = reactor
    store = SQLiteStore(path, threaded, threaded)
    writer = Writer(store)
    os.write(1, b"0\n")
    store.startService()
    store.run(last).addCallback(writer.begin).addErrback(fail)
    threaded.run(installSignalHandlers=False)


if __name__ == "__main__":
    main(sys.argv[1])
