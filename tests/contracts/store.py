"""What every store does, whatever keeps its rows; mixed into the tests of each implementation."""

from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from openclaw.errors import StoreError
from openclaw.interfaces.storage import IStore, ITransaction, StoreHealth

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as Mixed
else:
    Mixed = object  # A test case here would run by itself.


class Refused(Exception):
    """What a test's function raises."""


def put(tx: ITransaction, name: str, value: bytes) -> int:
    """Insert one setting; a second one of the same name breaks a constraint."""
    return tx.execute(
        "insert into setting(name, value) values (:name, :value)", name=name, value=value
    )


def names(tx: ITransaction) -> list[str]:
    """Return the names of all settings in order of insertion."""
    return [name for (name,) in tx.rows("select name from setting order by rowid")]


def put_and_raise(tx: ITransaction, name: str) -> None:
    """Leave something to undo, then fail."""
    put(tx, name, b"")
    raise Refused(name)


def count_up(tx: ITransaction) -> int:
    """Add one to a counter; shows lost updates."""
    ((value,),) = tx.rows(
        """insert into setting(name, value) values ('counter', 1)
           on conflict (name) do update set value = value + 1 returning value"""
    )
    assert isinstance(value, int)
    return value


class Store(Protocol):
    """A store with a life."""

    def run(self, function: Any, /, **arguments: Any) -> Deferred[Any]:
        """Run in a transaction."""

    def read(self, function: Any, /, **arguments: Any) -> Deferred[Any]:
        """Run on a snapshot."""

    def health(self) -> StoreHealth:
        """Tell how it does."""

    def startService(self) -> None:
        """Start."""

    def stopService(self) -> Deferred[None]:
        """Stop."""

    def when_open(self) -> Deferred[None]:
        """Wait until it can be used."""


class StoreContract(Mixed):
    """Mix into a ``twisted.trial.unittest.TestCase`` and provide :meth:`make`."""

    def make(self) -> Store:
        """Return a store with the schema of the journal, not yet started."""
        raise NotImplementedError

    async def open(self) -> Store:
        """Return a store that is open and is stopped after the test."""
        store = self.make()
        store.startService()
        self.addCleanup(store.stopService)
        await store.when_open()
        return store

    async def failure(self, deferred: Deferred[Any], kind: type[BaseException]) -> Any:
        """Return the exception that the Deferred fails with."""
        ended: list[Any] = []
        await deferred.addBoth(ended.append)
        self.assertIsInstance(ended[0], Failure)
        self.assertIsInstance(ended[0].value, kind)
        return ended[0].value

    async def test_provides_the_interface(self) -> None:
        verifyObject(IStore, await self.open())

    async def test_result_is_the_functions(self) -> None:
        store = await self.open()
        self.assertEqual(await store.run(put, name="a", value=b"\x00\xff"), 1)
        self.assertEqual(
            await store.read(lambda tx: tx.rows("select name, value from setting")),
            [("a", b"\x00\xff")],
        )

    async def test_transactions_happen_in_order_of_the_calls(self) -> None:
        store = await self.open()
        fired: list[int] = []
        running = [store.run(count_up).addCallback(fired.append) for _ in range(600)]
        await gatherResults(running)
        self.assertEqual(fired, list(range(1, 601)))

    async def test_function_that_raises_is_undone_and_alone(self) -> None:
        store = await self.open()
        before = store.run(put, name="before", value=b"")
        bad = self.failure(store.run(put_and_raise, name="bad"), Refused)
        after = store.run(put, name="after", value=b"")
        self.assertEqual(str(await bad), "bad")
        await gatherResults([before, after])
        self.assertEqual(await store.read(names), ["before", "after"])

    async def test_function_may_go_on_after_its_own_error(self) -> None:
        def insist(tx: ITransaction) -> str:
            put(tx, "twice", b"1")
            try:
                put(tx, "twice", b"2")
            except Exception as error:
                return type(error).__name__
            return "no error"

        store = await self.open()
        self.assertEqual(await store.run(insist), "IntegrityError")
        self.assertEqual(await store.read(names), ["twice"])

    async def test_broken_constraint_is_a_store_error_without_values(self) -> None:
        store = await self.open()
        await store.run(put, name="secret", value=b"")
        error = await self.failure(store.run(put, name="secret", value=b""), StoreError)
        self.assertEqual(error.details, {"code": "CONSTRAINT"})
        self.assertNotIn("secret", str(error))
        self.assertTrue(store.health().ok)

    async def test_bad_sql_is_not_disguised_as_a_bad_disk(self) -> None:
        store = await self.open()
        error = await self.failure(store.run(lambda tx: tx.rows("selekt 1")), Exception)
        self.assertNotIsInstance(error, StoreError)
        self.assertTrue(store.health().ok)

    async def test_transaction_control_is_refused(self) -> None:
        store = await self.open()
        for taboo in ("commit", " Rollback", "begin", "release s", "pragma query_only=off"):

            def interfere(tx: ITransaction, sql: str = taboo) -> None:
                put(tx, "gone", b"")
                tx.execute(sql)

            await self.failure(store.run(interfere), ValueError)
        self.assertEqual(await store.read(names), [])

    async def test_read_cannot_write(self) -> None:
        store = await self.open()
        await self.failure(store.read(put, name="a", value=b""), Exception)
        self.assertTrue(store.health().ok)
        await store.run(put, name="b", value=b"")
        self.assertEqual(await store.read(names), ["b"])

    async def test_read_sees_what_was_acknowledged(self) -> None:
        store = await self.open()
        for number in range(20):
            await store.run(put, name=str(number), value=b"")
            self.assertEqual(len(await store.read(names)), number + 1)

    async def test_read_that_raises_fails_alone(self) -> None:
        def refuse(tx: ITransaction) -> None:
            raise Refused("read")

        store = await self.open()
        bad = self.failure(store.read(refuse), Refused)
        good = store.read(names)
        await bad
        self.assertEqual(await good, [])

    async def test_row_count_counts_rows(self) -> None:
        store = await self.open()

        def counts(tx: ITransaction) -> list[int]:
            put(tx, "a", b"")
            put(tx, "b", b"")
            insert = "insert into setting(name) values ('a') on conflict do nothing"
            return [
                tx.execute("update setting set value = :v", v=b"x"),
                tx.execute("update setting set value = :v where name = 'none'", v=b"y"),
                tx.execute(insert),
                tx.execute("insert into setting(name) values ('c') returning name"),
                tx.execute("with n as (select 'd') insert into setting(name) select * from n"),
                tx.execute("delete from setting"),
            ]

        self.assertEqual(await store.run(counts), [2, 0, 0, 1, 1, 4])

    async def test_generated_keys_are_not_used_again(self) -> None:
        def add(tx: ITransaction) -> Any:
            return tx.rows("insert into usage(run_id) values ('r') returning id")[0][0]

        store = await self.open()
        await store.run(add)
        second = await store.run(add)
        await store.run(lambda tx: tx.execute("delete from usage where id = :id", id=second))
        self.assertGreater(await store.run(add), second)

    async def test_asynchronous_function_is_refused_and_undone(self) -> None:
        async def late(tx: ITransaction) -> None:
            put(tx, "late", b"")

        def later(tx: ITransaction) -> Deferred[None]:
            put(tx, "later", b"")
            return succeed(None)

        store = await self.open()
        await self.failure(store.run(late), TypeError)
        await self.failure(store.run(later), TypeError)
        self.assertEqual(await store.read(names), [])

    async def test_no_exception_ends_the_store(self) -> None:
        def leave(tx: ITransaction) -> None:
            raise SystemExit(3)

        store = await self.open()
        self.assertEqual((await self.failure(store.run(leave), SystemExit)).code, 3)
        self.assertEqual(await store.run(put, name="a", value=b""), 1)

    async def test_cancelled_waiting_does_not_undo(self) -> None:
        store = await self.open()
        waiting = store.run(put, name="a", value=b"")
        waiting.addErrback(lambda _: None)
        waiting.cancel()
        await store.run(put, name="b", value=b"")
        self.assertEqual(await store.read(names), ["a", "b"])

    async def test_not_running_is_a_store_error(self) -> None:
        store = self.make()
        await self.failure(store.run(names), StoreError)
        await self.failure(store.read(names), StoreError)
        self.assertFalse(store.health().ok)
        store.startService()
        await store.when_open()
        self.assertTrue(store.health().ok)
        await store.stopService()
        await self.failure(store.run(names), StoreError)
        await self.failure(store.read(names), StoreError)
        self.assertFalse(store.health().ok)

    async def test_stop_of_what_never_started(self) -> None:
        await self.make().stopService()

    async def test_health_counts(self) -> None:
        store = await self.open()
        await store.run(put, name="a", value=b"")
        await self.failure(store.run(put_and_raise, name="b"), Refused)
        await store.run(put, name="c", value=b"")
        health = store.health()
        self.assertEqual(health.transactions, 2)
        self.assertGreaterEqual(health.batches, 2)
        self.assertIsNone(health.last_error)
