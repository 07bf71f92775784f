"""The contract of queues, for each backend; and what is special about the durable one."""

from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from openclaw.interfaces.queue import IQueueBackend
from openclaw.queue.memory import MemoryQueue
from openclaw.queue.rules import QueueRules
from openclaw.queue.sqlite import SQLiteQueue
from openclaw.storage.memory import MemoryStore
from openclaw.storage.sqlite import SQLiteStore
from tests.contracts.queue import DAY, MINUTE, START_MS, QueueContract, message


class MemoryQueueTests(QueueContract, TestCase):
    timeout = 120

    def make(self, rules: QueueRules) -> IQueueBackend:
        return MemoryQueue(rules, lambda: self.now)

    async def test_says_what_it_cannot_do(self) -> None:
        stats = await (await self.open()).stats()
        self.assertFalse(stats.durable)
        self.assertIn("lost when the process ends", stats.limits[0])


class SQLiteQueueTests(QueueContract, TestCase):
    """Over a journal on disk."""

    timeout = 120
    durable_ids = True

    def make_store(self) -> Any:
        path = Path(self.mktemp()) / "journal.sqlite"
        return SQLiteStore(path, cast(IReactorFromThreads, reactor), Clock())

    def make(self, rules: QueueRules) -> IQueueBackend:
        self.store = self.make_store()
        self.store.startService()
        self.addCleanup(lambda: self.store.stopService() if self.store.running else None)
        return self.again(rules)

    def again(self, rules: QueueRules) -> SQLiteQueue:
        """The queue of the next process, over the same journal."""
        return SQLiteQueue(self.store, rules, lambda: self.now, durable_ids=self.durable_ids)

    async def test_claims_of_a_process_that_died_are_released_at_once(self) -> None:
        rules = QueueRules()
        queue = self.make(rules)
        for one in (message("m1"), message("m2"), message("b1", "b"), message("c1", "c")):
            await queue.enqueue(one)
        first, second, third = await queue.claim("in", 10, 60 * MINUTE)
        await queue.retry(second, 5000, "x")
        await queue.ack(third)
        self.now += 1
        after = self.again(rules)
        self.assertEqual(await after.open(), 1)
        again = await self.one(after)
        self.assertEqual((again.id, again.attempt, again.interrupted), ("m1", 2, True))
        self.assertFalse(await after.ack(first), "the claim of the dead process is void")
        self.assertEqual(await self.claimed(after), [], "a wait goes on after a restart")
        self.now += 5000
        self.assertEqual((await self.one(after)).interrupted, False)

    async def test_counts_survive_a_restart(self) -> None:
        rules = QueueRules(max_size=2)
        queue = self.make(rules)
        await queue.enqueue(message("m1"))
        await queue.enqueue(message("m2"))
        await self.refused(self.again(rules).enqueue(message("m3")))

    async def test_durable_is_said(self) -> None:
        stats = await (await self.open()).stats()
        self.assertTrue(stats.durable)
        self.assertEqual(bool(stats.limits), not self.durable_ids)

    async def test_many_letters_and_ids_expire(self) -> None:
        queue = await self.open(max_size=5000)
        await queue.enqueue_all([message(f"m{n}", f"l{n}") for n in range(2500)])
        for one in await queue.claim("in", 2500, MINUTE):
            if one.id.endswith("7"):
                await queue.ack(one)
            else:
                await queue.bury(one, "x")
        self.assertEqual(await queue.expire(START_MS + 30 * DAY), 2250)
        left = await self.store.read(
            lambda tx: tx.rows("select (select count(*) from queue_seen),"
                               " (select count(*) from queue_letter)")
        )  # fmt: skip
        self.assertEqual(left, [(0, 0)])

    async def test_nothing_is_left_behind_by_what_is_done(self) -> None:
        queue = await self.open()
        for n in range(20):
            await queue.enqueue(message(f"m{n}", f"l{n % 4}"))
        while deliveries := await queue.claim("in", 10, MINUTE):
            for one in deliveries:
                await queue.ack(one)
        for table in ("queue_message", "queue_lane"):
            left = await self.store.read(
                lambda tx, table=table: tx.rows(f"select count(*) from {table}")
            )
            self.assertEqual(left, [(0,)], table)


class ForgetfulSQLiteQueueTests(SQLiteQueueTests):
    """With ids remembered in memory, and the journal in memory, too."""

    durable_ids = False

    def make_store(self) -> Any:
        return MemoryStore(Clock())

    async def test_a_restart_forgets_what_was_done_but_not_what_waits(self) -> None:
        queue = self.make(QueueRules())
        await queue.enqueue(message("m1"))
        await queue.enqueue(message("m2"))
        await queue.ack(await self.one(queue))
        self.assertFalse(await queue.enqueue(message("m1")))
        after = self.again(QueueRules())
        self.assertTrue(await after.enqueue(message("m1")))
        self.assertFalse(await after.enqueue(message("m2")))
