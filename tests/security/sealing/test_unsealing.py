"""A sealed journal in plain text again: all of it, or none of it, whatever happens on the way."""

import os
import sqlite3

from openclaw.errors import KeyMissing, KeyWrong, StoreError
from openclaw.interfaces.storage import SEALED_MARK
from openclaw.security.sealing.keys import Key
from openclaw.security.sealing.sealer import Sealer
from openclaw.security.sealing.sources import KeyFile
from openclaw.storage import sealing
from openclaw.storage.batches import run_one
from openclaw.storage.engine import WriteEngine
from openclaw.storage.migrations import MIGRATIONS
from openclaw.storage.payloads import PAYLOADS
from openclaw.storage.sealed_text import WORD
from openclaw.storage.unsealing import unseal, unseal_some
from openclaw.storage.walking import Place
from tests.security.sealing.journals import ROWS, WRITTEN, JournalCase, fill, read_all


class UnsealingTests(JournalCase):
    """Journals that were sealed, full of canaries."""

    async def sealed(self) -> None:
        """Make one and close it."""
        store = await self.open(self.sealer())
        await store.run(fill)
        await store.stopService()

    def unseal(self, sealer: Sealer) -> int:
        """Do what the command does."""
        found: list[int] = []
        engine = WriteEngine(
            self.path,
            1,
            MIGRATIONS,
            sealer=sealer,
            ready=lambda c, s: found.append(unseal(c, sealer)),
        )
        engine.open()
        engine.close()
        return found[0]

    async def test_every_value_is_plain_and_none_is_lost(self) -> None:
        await self.sealed()
        self.assertGreaterEqual(self.unseal(self.sealer()), ROWS * len(PAYLOADS))
        for needle in (SEALED_MARK, WORD.encode()):
            self.assertEqual(self.sealed_values(needle), 0)
        store = await self.open(None)
        self.assertEqual(await store.read(read_all), WRITTEN)
        await store.run(fill)

    def sealed_values(self, needle: bytes) -> int:
        """How many values begin like a sealed one."""
        with sqlite3.connect(self.path) as database:
            rows = [
                value.encode() if isinstance(value, str) else value
                for payload in PAYLOADS
                for (value,) in database.execute(f"select {payload.column} from {payload.table}")
                if value is not None
            ]
        database.close()
        return sum(value.startswith(needle) for value in rows)

    async def test_it_can_be_sealed_again(self) -> None:
        await self.sealed()
        self.unseal(self.sealer())
        store = await self.open(self.sealer())
        self.assertEqual(await store.read(read_all), WRITTEN)
        await store.stopService()
        self.assertFalse(b"CANARY" in self.raw(), "plain text on the disk")

    async def test_after_a_crash_both_ways_are_open(self) -> None:
        for steps in (0, 1, 4, 9, 20):
            for again in (True, False):
                await self.sealed()
                self.crash_after(steps)
                with self.assertRaises(KeyMissing):  # Half of it is no plain journal.
                    await self.open(None)
                if again:
                    self.unseal(self.sealer())
                store = await self.open(None if again else self.sealer())
                self.assertEqual(await store.read(read_all), WRITTEN, steps)
                await store.stopService()
                if not again:
                    self.assertFalse(b"CANARY" in self.raw(), "plain text on the disk")
                self.path.unlink()

    def crash_after(self, steps: int) -> None:
        """Begin, and stop in the middle."""
        sealer = self.sealer()
        database = sqlite3.connect(self.path, isolation_level=None)
        sealer.unlock(run_one(database, None, sealing.state))
        run_one(database, sealer, sealing.note, value=sealing.BEGUN)
        place: Place | None = Place()
        for _ in range(steps):
            if place is not None:
                place, _ = run_one(database, sealer, unseal_some, place=place, sealer=sealer)
        database.close()

    async def test_without_the_right_key_nothing_changes(self) -> None:
        await self.sealed()
        before = self.path.read_bytes()
        kept = self.keys.read_bytes()
        self.keys.unlink()
        self.assertRaises(KeyMissing, self.unseal, self.sealer())
        self.assertFalse(self.keys.exists())
        KeyFile(self.keys).write([Key(os.urandom(32))])
        self.assertRaises(KeyWrong, self.unseal, self.sealer())
        self.keys.write_bytes(kept)
        self.assertEqual(self.path.read_bytes(), before)
        self.assertGreater(self.unseal(self.sealer()), 0)

    async def test_what_was_altered_is_not_believed(self) -> None:
        await self.sealed()
        self.edit(
            "update message set body = (select body from input where run_id = 'run_id-0002')"
            " where message_id = 'message_id-0002'"
        )
        error: StoreError = self.assertRaises(StoreError, self.unseal, self.sealer())
        self.assertIn("altered or moved", error.message)

    async def test_what_was_unsealed_before_it_failed_is_sealed_again(self) -> None:
        """Whatever stops it in the middle: the journal says that it is half and half."""
        await self.sealed()
        with sqlite3.connect(self.path) as database:
            ((kept,),) = database.execute("select body from audit where id = 2")
        database.close()
        self.edit("update audit set body = ? where id = 2", kept[:-1] + b"?")
        self.assertRaises(StoreError, self.unseal, self.sealer())
        self.assertIn(b"CANARY", self.raw())
        self.edit("update audit set body = ? where id = 2", kept)
        store = await self.open(self.sealer())
        self.assertEqual(await store.read(read_all), WRITTEN)
        await store.stopService()
        self.assertFalse(b"CANARY" in self.raw(), "plain text on the disk")

    async def test_a_plain_journal_is_left_alone(self) -> None:
        await self.plain()
        error: StoreError = self.assertRaises(StoreError, self.unseal, self.sealer())
        self.assertIn("not sealed", error.message)
        self.assertFalse(self.keys.exists())

    async def test_nobody_unseals_under_a_running_gateway(self) -> None:
        store = await self.open(self.sealer())
        await store.run(fill)
        error: StoreError = self.assertRaises(StoreError, self.unseal, self.sealer())
        self.assertIn("in use", error.message)
        self.assertEqual(await store.read(read_all), WRITTEN)
