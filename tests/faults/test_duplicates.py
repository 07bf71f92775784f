"""A hundred thousand repeats of messages, within a process, at once, after restarts: none is taken.

``OPENCLAW_TEST_DUPLICATES`` says how many; nothing that comes for the first time is suppressed.
"""

import os
import random
import sys
import time
from collections import Counter
from typing import Any, cast

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import TestCase

from openclaw.channels import intake
from openclaw.interfaces.channels import Taken
from openclaw.interfaces.messages import Inbound, Person
from openclaw.interfaces.queue import Delivery
from openclaw.queue.rules import QueueRules
from openclaw.queue.sqlite import SQLiteQueue
from openclaw.storage.sqlite import SQLiteStore
from tests.channels.doors import Door, made_account
from tests.integration.running import reactor

DUPLICATES = int(os.environ.get("OPENCLAW_TEST_DUPLICATES") or 100_000)
PROCESSES = 10
ORIGINALS = 200
"""New messages in each process."""
AT_ONCE = 500
DAY_MS = 24 * 3_600_000
ACCOUNTS = ("default", "other")


class Counts:
    """What was handed in, and what came of it."""

    def __init__(self) -> None:
        self.originals: Counter[str] = Counter()
        self.duplicates: Counter[str] = Counter()
        self.worked_on: Counter[str] = Counter()


class DuplicateTests(TestCase):
    """One journal, process after process."""

    timeout = 600.0
    durable_ids = True

    async def test_repeats_are_suppressed_and_nothing_else_is(self) -> None:
        counts = await self.run_processes(DUPLICATES)
        self.assertGreaterEqual(sum(counts.duplicates.values()), DUPLICATES)
        self.assertEqual(set(counts.duplicates), {"duplicate"})
        self.assertEqual(counts.originals, {"queued": PROCESSES * ORIGINALS})
        self.assertEqual(len(counts.worked_on), PROCESSES * ORIGINALS)
        self.assertEqual(set(counts.worked_on.values()), {1})

    async def test_a_queue_that_forgets_with_its_process_is_noticed(self) -> None:
        self.durable_ids = False
        counts = await self.run_processes(5_000)
        self.assertGreater(counts.duplicates["queued"], 100)
        self.assertGreater(max(counts.worked_on.values()), 1)

    async def test_names_that_two_accounts_share_are_noticed(self) -> None:
        self.patch(intake, "message_key", lambda message: f"test:{message.dedupe_id}")
        counts = await self.run_processes(5_000)
        self.assertGreater(counts.originals["duplicate"], 100)

    async def run_processes(self, duplicates: int) -> Counts:
        """Go through every process with so many repeats in all."""
        seed = random.SystemRandom().randrange(2**31)
        self.chance = random.Random(seed)
        self.counts = counts = Counts()
        self.known: list[Inbound] = []
        path = self.mktemp()
        for life in range(PROCESSES):
            await self.process(path, life, duplicates // PROCESSES)
        sys.stdout.write(
            f"\n{sum(counts.duplicates.values())} repeats {dict(counts.duplicates)},"
            f" {sum(counts.originals.values())} originals {dict(counts.originals)}; seed {seed}\n"
        )
        return counts

    async def process(self, path: str, life: int, left: int) -> None:
        """Take new messages and old ones, in any order, and work on some of them."""
        store = SQLiteStore(path, cast(IReactorFromThreads, reactor), reactor)
        store.startService()
        await store.when_open()
        rules = QueueRules(remember_ms=DAY_MS)
        queue = SQLiteQueue(store, rules, now_ms, durable_ids=self.durable_ids)
        await queue.open()
        self.accounts = {name: made_account(name, reactor, now_ms) for name in ACCOUNTS}
        self.door = Door(store, queue, reactor, now_ms, lambda _, name: self.accounts.get(name))
        fresh = [message(life * ORIGINALS // 2 + n // 2, ACCOUNTS[n % 2]) for n in range(ORIGINALS)]
        # Of the first process there is nothing yet that could come again.
        left = left * PROCESSES // (PROCESSES - 1) if life else 0
        while fresh or left > 0:
            new = [fresh.pop() for _ in range(min(len(fresh), self.chance.randint(0, 20)))]
            old = [self.chance.choice(self.known) for _ in range(min(left, AT_ONCE))]
            left -= await self.hand_in(new, old)
            if self.chance.random() < 0.3:
                await self.work(queue)
        if life == PROCESSES - 1:
            while await self.work(queue):
                pass
        await self.door.traces.stopService()
        await self.door.routes.stopService()
        await store.stopService()

    async def hand_in(self, new: list[Inbound], old: list[Inbound]) -> int:
        """Hand messages in at once; a new one is repeated before it is known what came of it."""
        mixed = [(one, True) for one in new] + [(one, False) for one in old]
        self.chance.shuffle(mixed)
        waiting: list[Deferred[Any]] = []
        repeats = len(old)
        for one, is_new in mixed:
            waiting.append(self.take(one).addCallback(self.count, is_new))
            if is_new and self.chance.random() < 0.5:
                repeats += 1
                waiting.append(self.take(one).addCallback(self.count, False))
        await gatherResults(waiting, consumeErrors=True)
        self.known += new
        return repeats

    def take(self, one: Inbound) -> Deferred[Taken]:
        return self.door.intake.take(self.accounts[one.account], one)

    def count(self, taken: Taken, is_new: bool) -> None:
        (self.counts.originals if is_new else self.counts.duplicates)[taken] += 1

    async def work(self, queue: SQLiteQueue) -> int:
        """Work on what may be claimed now; a part of it is given up."""
        found = await queue.claim("in", 40, 60_000)
        for one in found:
            await self.end(queue, one)
        return len(found)

    async def end(self, queue: SQLiteQueue, one: Delivery) -> None:
        if self.chance.random() < 0.05:
            await queue.bury(one, "given up")
        else:
            await queue.ack(one)
        self.counts.worked_on[one.id] += 1


def now_ms() -> int:
    """Wall clock, Unix milliseconds."""
    return int(time.time() * 1000)


def message(number: int, account: str) -> Inbound:
    """One message; two accounts know different ones by the same id."""
    chat = str(number % 37)
    return Inbound(
        channel="test",
        account=account,
        chat_type="dm",
        chat_id=chat,
        sender=Person(id=chat),
        message_id=str(number),
        dedupe_id=f"{chat}:{number}",
        timestamp_ms=1_700_000_000_000 + number,
        text=f"message {number}",
    )
