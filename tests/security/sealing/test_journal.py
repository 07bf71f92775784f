"""A sealed journal: no plain byte on the disk, and no way in without its key."""

import os
import sqlite3
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from openclaw.errors import KeyMissing, KeyWrong, StoreError
from openclaw.security.sealing.keys import Key
from openclaw.security.sealing.rotation import RETRY_SECONDS, Rotation
from openclaw.security.sealing.sources import KeyFile
from openclaw.storage import sealing
from openclaw.storage.batches import run_one
from openclaw.storage.migrations import MIGRATIONS, migrate
from openclaw.storage.payloads import PAYLOADS
from openclaw.storage.walking import Place
from tests.security.sealing.journals import CANARY, WRITTEN, JournalCase, fill, read_all

PLAIN = b'{"text":"put in behind the back"}'


class SealedJournalTests(JournalCase):
    def test_every_payload_is_listed(self) -> None:
        """A column of bytes is sealed; one that need not be has to be named here."""
        database = sqlite3.connect(":memory:", isolation_level=None)
        self.addCleanup(database.close)
        migrate(database, 1, MIGRATIONS)
        columns = {
            (table, name)
            for (table,) in database.execute("select name from sqlite_master where type = 'table'")
            for _, name, kind, *_ in database.execute(f"pragma table_info({table})")
            if kind.lower() == "blob"
        }
        unsealed = {("audit", "chain")}
        listed = {(one.table, one.column) for one in PAYLOADS if not one.text}
        self.assertEqual(columns - unsealed, listed)

    async def test_nothing_plain_reaches_the_disk(self) -> None:
        store = await self.open(self.sealer())
        await store.run(fill)
        self.assertFalse(CANARY.encode() in self.raw(), "plain text on the disk")
        self.assertEqual(await store.read(read_all), WRITTEN)
        await store.stopService()
        self.assertFalse(CANARY.encode() in self.raw(), "plain text on the disk")
        again = await self.open(self.sealer())
        self.assertEqual(await again.read(read_all), WRITTEN)

    async def test_a_plain_journal_is_sealed_with_its_freed_pages(self) -> None:
        await self.plain()
        self.assertTrue(CANARY.encode() in self.raw())
        store = await self.open(self.sealer())
        self.assertFalse(CANARY.encode() in self.raw(), "plain text on the disk")
        self.assertEqual(await store.read(read_all), WRITTEN)

    async def test_sealing_is_carried_on_after_a_crash(self) -> None:
        for steps in (0, 1, 4, 9, 20):
            await self.crash_after(steps)
            store = await self.open(self.sealer())
            self.assertEqual(await store.read(read_all), WRITTEN, steps)
            await store.stopService()
            self.assertFalse(CANARY.encode() in self.raw(), "plain text on the disk")
            self.path.unlink()

    async def crash_after(self, steps: int) -> None:
        """Begin to seal a plain journal and stop in the middle."""
        await self.plain()
        sealer = self.sealer()
        sealer.unlock(b"")
        database = sqlite3.connect(self.path, isolation_level=None)
        run_one(database, sealer, sealing.note, value=sealing.BEGUN)
        place: Place | None = Place()
        for _ in range(steps):
            if place is not None:
                place, _ = run_one(database, sealer, sealing.reseal, place=place, sealer=sealer)
        database.close()

    async def test_values_that_were_put_in_moved_or_altered_do_not_open(self) -> None:
        store = await self.open(self.sealer())
        await store.run(fill)
        await store.stopService()
        for change in (
            "update message set body ="
            " (select body from message where message_id = 'message_id-0001')"
            " where message_id = 'message_id-0002'",
            "update message set body = (select body from input where run_id = 'run_id-0002')"
            " where message_id = 'message_id-0002'",
            "update session set settings = '{}' where key = 'key-0002'",
            "update session set settings = 'sealed:!' where key = 'key-0002'",
            f"update message set body = x'{PLAIN.hex()}' where message_id = 'message_id-0002'",
        ):
            kept = self.path.read_bytes()
            self.edit(change)
            again = await self.open(self.sealer())
            await self.assertFailure(again.read(read_all), StoreError)
            await again.stopService()
            self.path.write_bytes(kept)

    async def test_a_missing_key_ends_the_start_with_78(self) -> None:
        await (await self.open(self.sealer())).stopService()
        self.keys.rename(self.folder / "elsewhere")
        error = await self.refused()
        self.assertEqual((type(error), getattr(error, "exit_status", 1)), (KeyMissing, 78))
        self.assertIn("put", str(error))
        self.assertFalse(self.keys.exists())

    async def test_a_wrong_key_ends_the_start(self) -> None:
        await (await self.open(self.sealer())).stopService()
        KeyFile(self.keys).write([Key(b"w" * 32)])
        error = await self.refused()
        self.assertEqual((type(error), getattr(error, "exit_status", 1)), (KeyWrong, 1))
        KeyFile(self.keys).write([Key(os.urandom(32)), Key(b"w" * 32)])
        self.assertIsInstance(await self.refused(), KeyWrong)

    async def test_a_sealed_journal_needs_its_setting(self) -> None:
        await (await self.open(self.sealer())).stopService()
        store_error = await self.refused(plain=True)
        self.assertIsInstance(store_error, KeyMissing)
        self.assertIn("security.encryption.storage", str(store_error))

    async def test_a_journal_whose_note_is_gone_is_refused(self) -> None:
        store = await self.open(self.sealer())
        await store.run(fill)
        await store.stopService()
        self.edit("delete from setting where name = 'sealing'")
        self.assertIn("damaged", str(await self.refused()))

    async def refused(self, plain: bool = False) -> Exception:
        try:
            store = await self.open(None if plain else self.sealer())
        except StoreError as error:
            return error
        await store.stopService()
        raise AssertionError("the journal opened")


class RotationTests(JournalCase):
    async def rotating(self) -> tuple[Rotation, Clock]:
        self.clock = Clock()
        self.current = self.sealer()
        self.store = await self.open(self.current)
        rotation = Rotation(self.store, self.current, self.clock, in_thread=here)
        rotation.startService()
        self.addCleanup(lambda: rotation.stopService() if rotation.running else None)
        return rotation, self.clock

    async def pump(self, rotation: Rotation, steps: int = 1000) -> None:
        """Let the rotation do some steps."""
        for _ in range(steps):
            if not rotation.state().rotating:
                return
            await self.store.run(lambda tx: None)
            self.clock.advance(1)

    async def test_a_new_key_takes_over(self) -> None:
        rotation, _ = await self.rotating()
        await self.store.run(fill)
        before = KeyFile(self.keys).read()
        state = await rotation.rotate()
        self.assertTrue(state.rotating)
        self.assertEqual(len(KeyFile(self.keys).read()), 2)
        self.assertEqual(await self.store.read(read_all), WRITTEN)
        await self.pump(rotation)
        after = KeyFile(self.keys).read()
        self.assertEqual(len(after), 1)
        self.assertNotEqual(after, before)
        self.assertEqual(rotation.state().key_id, after[0].name)
        self.assertGreaterEqual(rotation.state().rows, len(WRITTEN) * len(PAYLOADS))
        await self.store.stopService()
        again = await self.open(self.sealer())
        self.assertEqual(await again.read(read_all), WRITTEN)
        self.assertFalse(before[0].id in self.raw(), "values of the old key are left")

    async def test_what_is_written_meanwhile_is_kept(self) -> None:
        rotation, _ = await self.rotating()
        await rotation.rotate()
        await self.pump(rotation, 3)
        await self.store.run(fill)
        await self.pump(rotation)
        self.assertEqual(await self.store.read(read_all), WRITTEN)

    async def test_a_crash_in_the_middle_is_carried_on(self) -> None:
        for steps in (0, 1, 5, 12):
            rotation, _ = await self.rotating()
            await self.store.run(fill)
            await rotation.rotate()
            await self.pump(rotation, steps)
            await rotation.stopService()
            await self.store.stopService()
            self.assertEqual(len(KeyFile(self.keys).read()), 2)
            resumed, _ = await self.rotating()
            self.assertTrue(resumed.state().rotating)
            self.assertEqual(await self.store.read(read_all), WRITTEN)
            await self.pump(resumed)
            self.assertEqual(len(KeyFile(self.keys).read()), 1)
            self.assertEqual(await self.store.read(read_all), WRITTEN)
            await resumed.stopService()
            await self.store.stopService()

    async def test_one_at_a_time(self) -> None:
        rotation, _ = await self.rotating()
        await rotation.rotate()
        error = await self.assertFailure(rotation.rotate(), Exception)
        self.assertIn("running", str(error))

    async def test_a_journal_that_fails_is_tried_again(self) -> None:
        rotation, clock = await self.rotating()
        await self.store.run(fill)
        await self.store.stopService()
        await rotation.rotate()
        self.assertTrue(rotation.state().rotating)
        self.store = await self.open(self.current)
        rotation._store = self.store
        clock.advance(RETRY_SECONDS)
        await self.pump(rotation)
        self.assertEqual(len(KeyFile(self.keys).read()), 1)
        self.assertEqual(await self.store.read(read_all), WRITTEN)

    async def test_given_keys_are_rotated_by_their_owner(self) -> None:
        old, new = Key(b"o" * 32).text(), Key(b"n" * 32).text()
        first = await self.open(self.sealer(old))
        await first.run(fill)
        await first.stopService()
        self.clock, self.current = Clock(), self.sealer(new, old)
        self.store = await self.open(self.current)
        rotation = Rotation(self.store, self.current, self.clock, in_thread=here)
        rotation.startService()
        self.addCleanup(rotation.stopService)
        error = await self.assertFailure(rotation.rotate(), Exception)
        self.assertNotIn(new, str(error))
        await self.pump(rotation)
        await rotation.stopService()
        await self.store.stopService()
        alone = await self.open(self.sealer(new))
        self.assertEqual(await alone.read(read_all), WRITTEN)


def here(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
    """Do it at once instead of in a thread."""
    return maybeDeferred(function, *arguments)
