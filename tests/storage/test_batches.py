"""Random interleavings of good and failing functions leave exactly what a plain dict would hold."""

from pathlib import Path
from queue import SimpleQueue
from sqlite3 import IntegrityError
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from openclaw.interfaces.storage import ITransaction, SQLValue
from openclaw.storage.memory import MemoryStore
from openclaw.storage.sqlite import SQLiteStore

Step = tuple[str, int, int]
Content = dict[str, int]

STEPS = st.tuples(
    st.sampled_from(
        ("set", "set all", "insert", "insert all", "try insert", "delete", "read", "raise")
    ),
    st.integers(0, 4),
    st.integers(0, 9),
)
FUNCTIONS = st.lists(STEPS, max_size=5)
# Functions of one burst are queued together; between bursts everything is waited for.
BURSTS = st.lists(st.lists(FUNCTIONS, min_size=1, max_size=8), max_size=5)

SET = """insert into setting(name, value) values (:k, :v)
         on conflict (name) do update set value = excluded.value"""
INSERT = "insert into setting(name, value) values (:k, :v)"
DELETE = "delete from setting where name = :k"


def content(tx: ITransaction) -> Content:
    """Return all settings."""
    return dict(cast("list[tuple[str, int]]", tx.rows("select name, value from setting")))


def perform(tx: ITransaction, steps: list[Step]) -> list[object]:
    """Do the steps in the database; return what was seen on the way."""
    seen: list[object] = []
    for what, key, value in steps:
        name = str(key)
        if what == "set":
            seen.append(tx.execute(SET, k=name, v=value))
        elif what.endswith(" all"):
            each: list[dict[str, SQLValue]] = [
                {"k": name, "v": value},
                {"k": f"{name} too", "v": value},
            ]
            seen.append(tx.execute_each(SET if what == "set all" else INSERT, each))
        elif what == "insert":
            seen.append(tx.execute(INSERT, k=name, v=value))
        elif what == "try insert":
            try:
                seen.append(tx.execute(INSERT, k=name, v=value))
            except IntegrityError:
                seen.append("there")
        elif what == "delete":
            seen.append(tx.execute(DELETE, k=name))
        elif what == "read":
            seen.append(content(tx))
        else:
            raise KeyError(name)
    return seen


def imagine(before: Content, steps: list[Step]) -> tuple[Content, list[object] | None]:
    """Do the steps in a dict; return it with what is seen, or as it was with None."""
    now, seen = dict(before), list[object]()
    for what, key, value in steps:
        name, there = str(key), str(key) in now
        there_too = f"{name} too" in now
        if what == "raise" or (what == "insert" and there):
            return before, None
        if what == "insert all" and (there or there_too):
            return before, None
        if what == "read":
            seen.append(dict(now))
        elif what == "delete":
            seen.append(int(there))
            now.pop(name, None)
        elif what == "try insert" and there:
            seen.append("there")
        elif what.endswith(" all"):
            seen.append(2)
            now[name] = now[f"{name} too"] = value
        else:
            seen.append(1)
            now[name] = value
    return now, seen


class Pump:
    """A reactor's ear for threads, drained by hand."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Any] = SimpleQueue()

    def callFromThread(self, function: Any, *args: object, **kwargs: object) -> None:
        """Keep the call for until()."""
        self._calls.put((function, args, kwargs))

    def until(self, waiting: Deferred[Any]) -> object:
        """Make calls until the Deferred has fired; return what it fired with."""
        ended: list[object] = []
        waiting.addBoth(ended.append)
        while not ended:
            function, args, kwargs = self._calls.get(timeout=60)
            function(*args, **kwargs)
        return ended[0]


class InterleavingTests(SynchronousTestCase):
    def check(self, store: MemoryStore | SQLiteStore, pump: Pump, bursts: Any) -> None:
        """Run the bursts; compare every answer and every state with the dict's."""
        pump.until(store.run(lambda tx: tx.execute("delete from setting")))
        state: Content = {}
        for burst in bursts:
            reading = store.read(content)
            running = [store.run(perform, steps=steps) for steps in burst]
            states = [state]
            for steps, waiting in zip(burst, running, strict=True):
                state, seen = imagine(state, steps)
                states.append(state)
                result = pump.until(waiting)
                if seen is None:
                    self.assertIsInstance(result, Failure)
                else:
                    self.assertEqual(result, seen)
            self.assertEqual(pump.until(store.read(content)), state)
            # A reader beside them saw the state between two functions, never inside one.
            self.assertIn(pump.until(reading), states)

    def interleave(self, store: MemoryStore | SQLiteStore, pump: Pump) -> None:
        store.startService()
        pump.until(store.when_open())

        @settings(max_examples=100, deadline=None, database=None)
        @given(BURSTS)
        def run(bursts: Any) -> None:
            self.check(store, pump, bursts)

        try:
            run()
        finally:
            pump.until(store.stopService())

    def test_on_disk(self) -> None:
        pump = Pump()
        path = Path(self.mktemp()).absolute() / "journal.sqlite"
        self.interleave(SQLiteStore(path, cast(IReactorFromThreads, pump), Clock()), pump)

    def test_in_memory(self) -> None:
        self.interleave(MemoryStore(Clock()), Pump())
