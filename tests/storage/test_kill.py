"""kill -9 in the middle of writing: what was acknowledged is there, what failed is not."""

import random
import shutil
import sqlite3
from pathlib import Path
from typing import cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from openclaw.interfaces.storage import ITransaction
from openclaw.storage.sqlite import SQLiteStore
from tests.storage.victims import KILLS, run_victim
from tests.storage.writer_process import FAILS_EVERY, last


class KillTests(TestCase):
    timeout = max(60, 3 * KILLS)

    async def test_acknowledged_rows_survive(self) -> None:
        path = Path(self.mktemp()).absolute() / "journal.sqlite"
        chance = random.Random()
        acknowledged: set[int] = set()
        for _ in range(KILLS):
            # Some die while opening, most while writing.
            acknowledged |= set(await self.killed(path, chance.choice((0, 2000, 2000)), chance))
            self.inspect(path, acknowledged)
        self.assertGreater(len(acknowledged), KILLS)
        await self.opens_again(path, max(acknowledged))

    async def killed(self, path: Path, most: int, chance: random.Random) -> list[int]:
        lines = chance.randint(0, most)
        said = await run_victim("tests.storage.writer_process", str(path), lines=lines)
        return [int(line) for line in said][1:]

    def inspect(self, path: Path, acknowledged: set[int]) -> None:
        """Check a copy, so that the next writer has to recover the file by itself."""
        copy = Path(self.mktemp())
        copy.mkdir()
        for end in ("", "-wal"):
            if Path(f"{path}{end}").exists():
                shutil.copyfile(f"{path}{end}", copy / f"journal{end}")
        database = sqlite3.connect(copy / "journal")
        try:
            tables = {name for (name,) in database.execute("select name from sqlite_master")}
            if "message" not in tables:
                self.assertEqual((tables, acknowledged), (set(), set()))  # No half of a schema.
                return
            rows = [row for (row,) in database.execute("select seq from message order by seq")]
            others = [row for (row,) in database.execute("select position from input order by 1")]
            sound = database.execute("pragma integrity_check").fetchall()
        finally:
            database.close()
        self.assertEqual(sound, [("ok",)])
        self.assertEqual(acknowledged - set(rows), set())
        self.assertEqual(rows, others)
        # In order and without holes: a number is there only if all before it are.
        newest = rows[-1] if rows else 0
        self.assertEqual(rows, [n for n in range(1, newest + 1) if n % FAILS_EVERY])

    async def opens_again(self, path: Path, newest: int) -> None:
        store = SQLiteStore(path, cast(IReactorFromThreads, reactor), Clock())
        store.startService()
        self.addCleanup(store.stopService)

        def checked(tx: ITransaction) -> tuple[int, int]:
            ((number,),) = tx.rows("select count(*) from schema_version")
            return last(tx), int(number)

        found, versions = await store.read(checked)
        self.assertGreaterEqual(found, newest)
        self.assertGreaterEqual(versions, 1)
