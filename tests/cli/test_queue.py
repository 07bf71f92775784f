"""``openclaw queue`` against a real gateway with messages in its journal."""

import json
import sys
import time
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.internet.utils import getProcessOutputAndValue

from openclaw.interfaces.queue import NewMessage
from openclaw.queue.rules import QueueRules
from openclaw.queue.sqlite import SQLiteQueue
from openclaw.storage.sqlite import SQLiteStore
from tests.cli.running import Ran, child_environment
from tests.integration.running import TOKEN
from tests.integration.test_start import PlaceCase


class QueueCommandTests(PlaceCase):
    async def asked(self, *arguments: str) -> Ran:
        """Ask the gateway of this place."""
        url = f"ws://127.0.0.1:{self.place.port}"
        where = ("--state-dir", str(self.place.state), "--url", url, "--token", TOKEN)
        out, err, status = await getProcessOutputAndValue(
            sys.executable,
            ("-m", "openclaw.cli", "queue", *arguments, *where),
            env={**child_environment(self.place.home), "COLUMNS": "400"},
        )
        return Ran(status, out.decode(), err.decode())

    async def document(self, *arguments: str) -> Any:
        """Ask for JSON."""
        ran = await self.asked(*arguments, "--json")
        self.assertEqual(ran.status, 0, ran)
        return ran.document

    async def fill(self) -> None:
        """Leave messages in the journal, as a gateway that stopped would."""
        store = SQLiteStore(
            self.place.state / "gateway" / "journal.sqlite",
            cast(IReactorFromThreads, reactor),
            Clock(),
        )
        store.startService()
        await store.when_open()
        queue = SQLiteQueue(store, QueueRules(), lambda: time.time_ns() // 1_000_000)
        for n in range(4):
            body = json.dumps({"text": f"hello {n}, the token is {TOKEN}"}).encode()
            new = NewMessage(id=f"irc:main:{n}", queue="parked", lane=f"peer-{n}", body=body)
            await queue.enqueue(new)
        first, second = await queue.claim("parked", 2, 60_000)
        await queue.retry(first, 0, "connection reset")
        (first,) = [one for one in await queue.claim("parked", 9, 60_000) if one.id == first.id]
        await queue.bury(first, "attempt 2 of 2: connection reset")
        await queue.bury(second, "outcome unknown: no answer", True)
        await store.stopService()

    async def test_the_life_of_dead_letters(self) -> None:
        gateway = await self.started()
        empty = await self.asked("status")
        self.assertEqual((empty.status, empty.out), (0, "No message has come yet.\n"))
        self.assertEqual((await self.asked("status", "--dead-letter")).out, "No dead letters.\n")
        await gateway.stop()
        await self.fill()
        await self.started()

        (row,) = (await self.document("status"))["queues"]
        counts = [row[name] for name in ("queue", "ready", "running", "dead", "unknown", "lanes")]
        self.assertEqual(counts, ["parked", 2, 0, 1, 1, 2], "claims of the old process are void")
        shown = await self.asked("status", "--dead-letter")
        self.assertEqual(shown.status, 0)
        for words in ("irc:main:0", "attempt 2 of 2: connection reset", "attempt 1, 20",
                      "unknown for", "outcome unknown: no answer", "hello 0"):  # fmt: skip
            self.assertIn(words, shown.out)
        self.assertNotIn(TOKEN, shown.out)
        self.assertIn("parked", (await self.asked("status")).out)

        detailed = await self.asked("stats", "--detailed")
        self.assertIn("enqueued since the start", detailed.out)
        self.assertIn("parked", detailed.out)
        self.assertEqual((await self.document("stats"))["total"]["dead"], 1)

        listed = await self.asked("inspect", "--limit", "1")
        self.assertIn("hello 2", listed.out)
        self.assertNotIn("hello 3", listed.out)
        self.assertNotIn(TOKEN, listed.out)
        rest = await self.document("inspect", "--after", "3", "--queue", "parked")
        self.assertEqual([one["id"] for one in rest["messages"]], ["irc:main:3"])
        self.assertEqual((await self.document("inspect", "--lane", "x"))["messages"], [])

        both = await self.asked("retry", "irc:main:0", "ghost")
        self.assertEqual(both.status, 1)
        self.assertIn("Put back: irc:main:0", both.out)
        self.assertIn("No dead letter has the id ghost", both.err)
        gone = await self.asked("discard", "irc:main:1")
        self.assertEqual((gone.status, gone.out), (0, "Discarded: irc:main:1\n"))
        after = await self.document("status", "--dead-letter")
        self.assertEqual((after["deadLetters"], after["queues"][0]["ready"]), ([], 3))
        self.assertEqual((await self.asked("retry")).status, 2)
