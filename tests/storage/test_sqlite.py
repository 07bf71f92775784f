"""The store on disk: the contract, its threads, its files and its life."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.python.threadable import isInIOThread
from twisted.trial.unittest import TestCase

from openclaw.errors import StoreError
from openclaw.interfaces.storage import ITransaction
from openclaw.storage.migrations import MIGRATIONS, Migration
from openclaw.storage.sqlite import SQLiteStore
from tests.contracts.store import StoreContract, names, put

REACTOR = cast(IReactorFromThreads, reactor)


def threads() -> list[str]:
    """Return the names of the journal's threads that live."""
    return [one.name for one in threading.enumerate() if one.name.startswith("journal-")]


class SQLiteCase(TestCase):
    """A folder, and stores on a file in it."""

    timeout = 120

    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute() / "gateway" / "journal.sqlite"

    def make(self, **options: Any) -> SQLiteStore:
        return SQLiteStore(self.path, REACTOR, Clock(), **options)

    async def opened(self, **options: Any) -> SQLiteStore:
        store = self.make(**options)
        store.startService()
        await store.when_open()
        self.addCleanup(lambda: store.stopService() if store.running else None)
        return store


class SQLiteStoreContract(SQLiteCase, StoreContract):
    """The contract of all stores, on disk."""


class CountingReactor:
    """The reactor, counting how often a thread woke it."""

    def __init__(self) -> None:
        self.calls = 0

    def callFromThread(self, function: Any, *args: object, **kwargs: object) -> None:
        self.calls += 1
        REACTOR.callFromThread(function, *args, **kwargs)


class ThreadTests(SQLiteCase):
    async def test_functions_run_in_the_store_s_threads_and_answers_in_the_reactor_s(self) -> None:
        store = await self.opened()
        where: list[tuple[str, bool]] = []

        def name(tx: ITransaction) -> str:
            return threading.current_thread().name

        def note(got: str) -> None:
            where.append((got, isInIOThread()))

        await store.run(name).addCallback(note)
        await store.read(name).addCallback(note)
        self.assertEqual(where, [("journal-writer", True), ("journal-reader", True)])

    async def test_many_transactions_share_a_commit_and_a_wake_up(self) -> None:
        counting = CountingReactor()
        store = SQLiteStore(self.path, cast(IReactorFromThreads, counting), Clock())
        self.addCleanup(store.stopService)
        store.startService()
        await store.when_open()
        entered, held = threading.Event(), threading.Event()

        def hold(tx: ITransaction) -> bool:
            entered.set()
            return held.wait(4)

        holding = store.run(hold)
        self.assertTrue(await store.read(lambda tx: entered.wait(4)))
        running = [store.run(put, name=str(n), value=b"") for n in range(4 * 256 + 1)]
        woken = counting.calls
        held.set()
        self.assertTrue(await holding)
        await gatherResults(running)
        health = store.health()
        # The first was alone; what queued up behind it went in batches of at most 256.
        self.assertEqual((health.transactions, health.batches), (1 + 4 * 256 + 1, 1 + 5))
        self.assertEqual(counting.calls - woken, 6)

    async def test_slow_writer_does_not_hold_up_readers(self) -> None:
        store = await self.opened()
        await store.run(put, name="a", value=b"")
        held = threading.Event()

        def slow(tx: ITransaction) -> bool:
            put(tx, "b", b"")
            return held.wait(4)

        writing = store.run(slow)
        self.assertEqual(await store.read(names), ["a"])
        held.set()
        self.assertTrue(await writing)
        self.assertEqual(await store.read(names), ["a", "b"])

    async def test_read_is_one_snapshot(self) -> None:
        store = await self.opened()
        first, second = threading.Event(), threading.Event()

        def twice(tx: ITransaction) -> tuple[list[str], bool, list[str]]:
            before = names(tx)
            first.set()
            waited = second.wait(4)
            return before, waited, names(tx)

        def meanwhile(tx: ITransaction) -> bool:
            put(tx, "new", b"")
            return first.wait(4)

        reading = store.read(twice)
        self.assertTrue(await store.run(meanwhile))
        second.set()
        self.assertEqual(await reading, ([], True, []))

    async def test_fires_only_after_the_commit(self) -> None:
        store = await self.opened()
        seen: list[Any] = []
        held = threading.Event()
        holding = store.run(lambda tx: held.wait(4))

        async def acknowledge(number: int) -> None:
            await store.run(put, name=str(number), value=b"")
            # A second connection sees it: it is committed, not merely executed.
            seen.append(str(number) in await store.read(names))

        running = [Deferred.fromCoroutine(acknowledge(number)) for number in range(300)]
        held.set()
        await gatherResults(running)
        self.assertTrue(await holding)
        self.assertEqual(seen, [True] * 300)

    async def test_engine_is_set_to_sync_each_commit(self) -> None:
        store = await self.opened()

        def settings(tx: ITransaction) -> list[Any]:
            return [
                tx.rows(f"select * from pragma_{name}")[0][0]
                for name in ("journal_mode", "synchronous")
            ]

        self.assertEqual(await store.run(settings), ["wal", 2])


class FileTests(SQLiteCase):
    async def test_only_the_owner_can_read(self) -> None:
        previous = os.umask(0)
        self.addCleanup(os.umask, previous)
        store = await self.opened()
        await store.run(put, name="a", value=b"")
        folder = self.path.parent
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}
        self.assertEqual(
            modes,
            {f"journal.sqlite{end}": 0o600 for end in ("", "-wal", "-shm", ".lock")},
        )
        self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(folder.parent.stat().st_mode), 0o700)

    async def test_loose_file_is_tightened_and_its_folder_left_alone(self) -> None:
        self.path.parent.mkdir(parents=True)
        self.path.parent.chmod(0o755)
        self.path.touch(0o644)
        await self.opened()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o755)

    async def test_stop_leaves_one_file_that_holds_all(self) -> None:
        store = await self.opened()
        await store.run(put, name="a", value=b"")
        self.assertGreater(store.health().size_bytes, 0)
        await store.stopService()
        left = sorted(one.name for one in self.path.parent.iterdir())
        self.assertEqual(left, ["journal.sqlite", "journal.sqlite.lock"])

    async def test_path_may_hold_anything(self) -> None:
        self.path = self.path.parent / "a?b#c%20d é" / "journal.sqlite"
        store = await self.opened()
        await store.run(put, name="a", value=b"")
        self.assertTrue(self.path.exists())

    async def refused(self) -> StoreError:
        """Return why the journal cannot be opened, having checked that it says so everywhere."""
        before = threads()
        store = self.make()
        early = store.when_open()
        store.startService()
        queued: list[Deferred[Any]] = [store.run(names), store.read(names)]
        caught: list[Failure] = []
        await gatherResults([one.addErrback(caught.append) for one in (early, *queued)])
        late: list[Deferred[Any]] = [store.when_open(), store.run(names), store.read(names)]
        await gatherResults([one.addErrback(caught.append) for one in late])
        self.assertEqual([failure.check(StoreError) for failure in caught], [StoreError] * 6)
        self.assertEqual(len({str(failure.value) for failure in caught}), 1)
        health = store.health()
        self.assertEqual((health.ok, health.last_error), (False, str(caught[0].value)))
        await store.stopService()
        self.assertEqual(threads(), before)
        return cast(StoreError, caught[0].value)

    async def test_second_opener_is_refused_with_the_first_s_pid(self) -> None:
        first = await self.opened()
        error = await self.refused()
        self.assertIn(f"{self.path} is in use by process {os.getpid()}", str(error))
        await first.stopService()
        await self.opened()

    async def test_newer_database_is_refused(self) -> None:
        store = await self.opened()
        await store.run(lambda tx: tx.execute("insert into schema_version values (99, 0)"))
        await store.stopService()
        error = await self.refused()
        self.assertIn("schema version 99", str(error))

    async def test_something_else_is_refused_and_left_as_it_was(self) -> None:
        self.path.parent.mkdir(parents=True)
        self.path.write_bytes(b"not a database, but long enough to be one " * 100)
        error = await self.refused()
        self.assertIn("file is not a database", str(error))
        self.assertTrue(self.path.read_bytes().startswith(b"not a database"))

    async def test_folder_that_cannot_be_made_is_refused(self) -> None:
        self.path.parent.parent.mkdir()
        self.path.parent.write_text("a file")
        error = await self.refused()
        self.assertIn("cannot be opened", str(error))


class LifeTests(SQLiteCase):
    async def test_what_was_queued_before_the_stop_is_committed(self) -> None:
        store = self.make()
        store.startService()
        running = [store.run(put, name=str(number), value=b"") for number in range(700)]
        reading = store.read(lambda tx: 7)
        await store.stopService()
        self.assertEqual([self.successResultOf(one) for one in running], [1] * 700)
        self.assertEqual(self.successResultOf(reading), 7)
        self.assertEqual(threads(), [])
        again = await self.opened()
        self.assertEqual(len(await again.read(names)), 700)

    async def test_starts_again(self) -> None:
        store = await self.opened()
        await store.run(put, name="a", value=b"")
        await store.stopService()
        store.startService()
        await store.when_open()
        self.assertEqual(await store.read(names), ["a"])
        self.assertEqual(store.health().transactions, 0)

    async def test_starting_waits_for_nothing(self) -> None:
        held = threading.Event()

        class Slow(tuple[Migration, ...]):
            def __iter__(self) -> Iterator[Migration]:
                waited.append(held.wait(4))
                return super().__iter__()

        waited: list[bool] = []
        store = self.make(migrations=Slow(MIGRATIONS))
        self.addCleanup(store.stopService)
        store.startService()
        opening, writing = store.when_open(), store.run(put, name="a", value=b"")
        self.assertNoResult(opening)
        self.assertNoResult(writing)
        self.assertFalse(store.health().ok)
        held.set()
        await opening
        self.assertEqual(await writing, 1)
        self.assertTrue(all(waited))

    async def test_stop_while_opening_commits_what_was_queued(self) -> None:
        store = self.make()
        store.startService()
        opening, writing = store.when_open(), store.run(put, name="a", value=b"")
        await store.stopService()
        self.successResultOf(opening)
        self.assertEqual(self.successResultOf(writing), 1)
        self.assertEqual(threads(), [])
