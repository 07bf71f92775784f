"""What the journal does when the disk is full or fails: refuse, say so, and come back."""

import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.internet.utils import getProcessOutputAndValue
from twisted.logger import ILogObserver, LogEvent, capturedLogs, globalLogPublisher
from twisted.trial.unittest import TestCase

import tests
from openclaw.errors import StoreError
from openclaw.interfaces.storage import ITransaction
from openclaw.storage.engine import WriteEngine, check_library
from openclaw.storage.migrations import MIGRATIONS
from openclaw.storage.sqlite import SQLiteStore
from tests.contracts.store import names, put

ROOT = Path(tests.__file__).absolute().parent.parent
BIG = b"x" * 20_000
PAGES = 128  # 512 KiB, of which the empty schema takes a third.


def fill(tx: ITransaction, name: str) -> None:
    """Insert more than the file may hold."""
    for number in range(100):
        put(tx, f"{name}{number}", BIG)


class DiskFullTests(TestCase):
    timeout = 120

    async def opened(self, **options: Any) -> SQLiteStore:
        self.path = Path(self.mktemp()).absolute() / "journal.sqlite"
        store = SQLiteStore(
            self.path, cast(IReactorFromThreads, reactor), Clock(), max_pages=PAGES, **options
        )
        store.startService()
        self.addCleanup(store.stopService)
        await store.when_open()
        return store

    async def lost(self, waiting: Deferred[Any]) -> None:
        """Check that it failed as a batch does that a full disk took with it."""
        caught: list[Any] = []
        await waiting.addBoth(caught.append)
        self.assertTrue(caught[0].check(StoreError), caught)
        self.assertIn("full", str(caught[0].value))

    async def test_whole_batch_fails_and_the_next_works(self) -> None:
        store = await self.opened()
        await store.run(put, name="before", value=b"")
        # One function, hence one batch for sure.
        await self.lost(store.run(fill, name="a"))
        health = store.health()
        self.assertEqual((health.ok, health.last_error), (False, "database or disk is full"))
        self.assertEqual(await store.read(names), ["before"])
        self.assertEqual(await store.run(put, name="after", value=b""), 1)
        health = store.health()
        self.assertEqual((health.ok, health.last_error), (True, "database or disk is full"))
        self.assertEqual(health.transactions, 2)
        self.assertEqual(await store.read(names), ["before", "after"])

    async def test_neighbours_in_the_batch_are_refused_not_half_kept(self) -> None:
        store = await self.opened()
        running = [store.run(put, name=str(number), value=b"") for number in range(10)]
        running += [cast("Deferred[int]", store.run(fill, name="a"))]
        running += [store.run(put, name=str(number), value=b"") for number in range(10, 20)]
        lost = running.pop(10)
        kept = [
            waiting.addCallbacks(lambda _: True, lambda failure: failure.trap(StoreError) is None)
            for waiting in running
        ]
        await self.lost(lost)
        told = [str(number) for number, is_kept in enumerate(await gatherResults(kept)) if is_kept]
        self.assertEqual(await store.read(names), told)

    async def test_function_cannot_go_on_in_a_lost_transaction(self) -> None:
        def swallow(tx: ITransaction) -> str:
            try:
                fill(tx, "a")
            except sqlite3.Error:
                try:
                    put(tx, "outside of any transaction", b"")
                except sqlite3.Error:
                    return "refused"
            return "accepted"

        store = await self.opened()
        await self.lost(store.run(swallow))
        self.assertEqual(await store.read(names), [])

    async def test_room_is_noticed_without_a_writer(self) -> None:
        store = await self.opened(probe_seconds=0.01)
        # Fill it so far that a probe cannot succeed either.
        while store.health().ok:
            waiting = store.run(put, name=str(store.health().transactions), value=BIG)
            await waiting.addErrback(lambda failure: failure.trap(StoreError))
        recovered = self.logged("works again")
        other = sqlite3.connect(self.path)
        self.addCleanup(other.close)
        other.execute("delete from setting")
        other.commit()
        await recovered
        self.assertTrue(store.health().ok)

    async def test_fault_is_logged_once_while_it_lasts(self) -> None:
        store = await self.opened()
        with capturedLogs() as events:
            for number in range(3):
                await self.lost(store.run(fill, name=str(number)))
        said = [one["problem"] for one in events if one.get("name") == "writer"]
        self.assertEqual(said, ["database or disk is full"])

    def logged(self, words: str) -> Deferred[None]:
        """Wait for an event that says so."""
        waiting: Deferred[None] = Deferred()

        def observe(event: LogEvent) -> None:
            if words in (event.get("log_format") or "") and not waiting.called:
                waiting.callback(None)

        observer = cast(ILogObserver, observe)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        return waiting


class BadDiskTests(TestCase):
    timeout = 120

    async def test_writer_survives_io_errors(self) -> None:
        path = Path(self.mktemp()).absolute() / "journal.sqlite"
        out, err, code = await getProcessOutputAndValue(
            sys.executable,
            ["-m", "tests.storage.bad_disk", str(path)],
            {**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.assertEqual((code, err), (0, b""))
        self.assertEqual(
            json.loads(out),
            {
                "before": ["ok", True],
                "during": [["StoreError", False], ["StoreError", False], ["StoreError", False]],
                "read during": ["a"],
                "last error": "disk I/O error",
                "after": ["ok", True],
                "read after": ["a", "c"],
            },
        )
        database = sqlite3.connect(path)
        self.addCleanup(database.close)
        self.assertEqual(database.execute("pragma integrity_check").fetchall(), [("ok",)])
        self.assertEqual(
            database.execute("select name from setting order by rowid").fetchall(), [("a",), ("c",)]
        )


class EngineTests(TestCase):
    timeout = 120

    def test_vanished_file_is_an_error_not_an_empty_journal(self) -> None:
        path = Path(self.mktemp()).absolute() / "journal.sqlite"
        engine = WriteEngine(path, 0, MIGRATIONS, PAGES)
        engine.open()
        self.addCleanup(engine.close)
        path.unlink()
        self.assertRaises(sqlite3.Error, engine.run, [(fill, {"name": "a"})])
        self.assertRaises(sqlite3.OperationalError, engine.run, [(names, {})])
        self.assertFalse(path.exists())

    def test_old_library_is_refused(self) -> None:
        error = self.assertRaises(StoreError, check_library, (3, 34, 1))
        self.assertIn("3.34.1 is too old, 3.35.0", str(error))
        check_library((3, 35, 0))
