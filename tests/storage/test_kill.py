"""kill -9 in the middle of writing: what was acknowledged is there, what failed is not."""

import os
import random
import shutil
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProcessTransport, IReactorFromThreads, IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

import tests
from openclaw.interfaces.storage import ITransaction
from openclaw.storage.sqlite import SQLiteStore
from tests.storage.writer_process import FAILS_EVERY, last

ROOT = Path(tests.__file__).absolute().parent.parent
KILLS = int(os.environ.get("OPENCLAW_TEST_KILLS", "20"))


class Victim(ProcessProtocol):
    """A writer that is killed as soon as it has acknowledged so many numbers."""

    def __init__(self, acknowledgements: int) -> None:
        self._left = acknowledgements
        self._output = bytearray()
        self._errors = bytearray()
        self.ended: Deferred[list[int]] = Deferred()

    def outReceived(self, data: bytes) -> None:
        """Count lines; the kill comes at an arbitrary point of the writer's work."""
        self._output += data
        if self._left >= 0:
            self._left -= data.count(b"\n")
            if self._left < 0:
                cast(IProcessTransport, self.transport).signalProcess("KILL")

    def errReceived(self, data: bytes) -> None:
        """Keep what it complains about."""
        self._errors += data

    def processEnded(self, reason: Failure) -> None:
        """Hand over the acknowledged numbers; a line cut short was not acknowledged."""
        status: Any = reason.value
        if status.signal == signal.SIGKILL and not self._errors:
            whole = self._output[: self._output.rfind(b"\n") + 1]
            self.ended.callback([int(line) for line in whole.split()][1:])
        else:
            self.ended.errback(RuntimeError(f"{status}: {self._errors.decode()}"))


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

    def killed(self, path: Path, most: int, chance: random.Random) -> Deferred[list[int]]:
        victim = Victim(chance.randint(0, most))
        cast(IReactorProcess, reactor).spawnProcess(
            victim,
            sys.executable,
            [sys.executable, "-m", "tests.storage.writer_process", str(path)],
            {**os.environ, "PYTHONPATH": str(ROOT)},
        )
        return victim.ended

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
