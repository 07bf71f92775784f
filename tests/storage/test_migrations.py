"""The schema's steps: every released version's sample becomes today's schema and keeps its rows."""

import sqlite3
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from openclaw.errors import StoreError
from openclaw.interfaces.storage import ITransaction
from openclaw.storage.migrations import MIGRATIONS, Migration, migrate
from openclaw.storage.sqlite import SQLiteStore

SAMPLES = Path(__file__).parent / "samples"
NEXT = Migration(
    MIGRATIONS[-1].version + 1,
    ("alter table session add color text", "update session set color = 'red'"),
)


def sample(version: int, path: Path | str = ":memory:") -> sqlite3.Connection:
    """Return the stored database of a released version."""
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript((SAMPLES / f"v{version}.sql").read_text("utf-8"))
    return database


def dump(database: sqlite3.Connection) -> list[str]:
    """Return everything in a database but when its migrations ran."""
    return [line for line in database.iterdump() if "schema_version" not in line]


def schema(database: sqlite3.Connection) -> list[Any]:
    """Return the definition of everything."""
    return database.execute("select name, sql from sqlite_master order by name").fetchall()


def versions(database: sqlite3.Connection) -> list[Any]:
    """Return which steps ran, and when."""
    return database.execute("select v, at from schema_version order by v").fetchall()


class MigrationTests(SynchronousTestCase):
    def fresh(self, *steps: Migration) -> sqlite3.Connection:
        database = sqlite3.connect(":memory:", isolation_level=None)
        self.addCleanup(database.close)
        if steps:
            migrate(database, 5, steps)
        return database

    def test_versions_grow(self) -> None:
        found = [step.version for step in MIGRATIONS]
        self.assertEqual(found, list(range(1, len(found) + 1)))

    def test_every_released_version_has_a_sample_that_was_not_edited(self) -> None:
        for count, step in enumerate(MIGRATIONS, 1):
            stored = sample(step.version)
            self.addCleanup(stored.close)
            self.assertEqual(schema(stored), schema(self.fresh(*MIGRATIONS[:count])))

    def test_samples_become_today_s_schema(self) -> None:
        for step in MIGRATIONS:
            stored = sample(step.version)
            self.addCleanup(stored.close)
            migrate(stored, 7, MIGRATIONS)
            self.assertEqual(schema(stored), schema(self.fresh(*MIGRATIONS)))

    def test_migrating_again_changes_nothing(self) -> None:
        stored = sample(MIGRATIONS[-1].version)
        self.addCleanup(stored.close)
        before = list(stored.iterdump())
        migrate(stored, 7, MIGRATIONS)
        self.assertEqual(list(stored.iterdump()), before)

    def test_only_missing_steps_run(self) -> None:
        database = self.fresh(*MIGRATIONS)
        migrate(database, 9, (*MIGRATIONS, NEXT))
        self.assertEqual(
            versions(database), [(step.version, 5) for step in MIGRATIONS] + [(NEXT.version, 9)]
        )

    def test_step_that_fails_leaves_nothing(self) -> None:
        database = self.fresh(*MIGRATIONS)
        before = list(database.iterdump())
        broken = Migration(NEXT.version + 1, ("create table half(id {pk})", "selekt"))
        self.assertRaises(sqlite3.Error, migrate, database, 9, (*MIGRATIONS, NEXT, broken))
        self.assertEqual(list(database.iterdump()), before)
        self.assertFalse(database.in_transaction)

    def test_newer_database_is_refused_and_left_alone(self) -> None:
        database = self.fresh(*MIGRATIONS, NEXT)
        before = list(database.iterdump())
        error = self.assertRaises(StoreError, migrate, database, 9, MIGRATIONS)
        self.assertIn(f"schema version {NEXT.version}", str(error))
        self.assertIn(f"up to {MIGRATIONS[-1].version}", str(error))
        self.assertEqual(list(database.iterdump()), before)


class StoredSampleTests(TestCase):
    timeout = 120

    async def test_store_opens_the_first_version_and_keeps_its_rows(self) -> None:
        path = Path(self.mktemp()).absolute()
        stored = sample(1, path)
        rows = [line for line in dump(stored) if line.startswith("INSERT")]
        stored.close()
        clock = Clock()
        clock.advance(1_800_000_000.5)
        store = SQLiteStore(
            path, cast(IReactorFromThreads, reactor), clock, migrations=(*MIGRATIONS, NEXT)
        )
        store.startService()
        self.addCleanup(lambda: store.stopService() if store.running else None)
        await store.when_open()

        def look(tx: ITransaction) -> list[Any]:
            return [
                tx.rows("select key, color from session order by key"),
                tx.rows("select at from schema_version where v = :v", v=NEXT.version),
                tx.rows("select run_id, body from input where state = 'accepted'"),
            ]

        self.assertEqual(
            await store.read(look),
            [
                [("agent:main:main", "red"), ("agent:main:old", "red")],
                [(1_800_000_000_500,)],
                [("run-2", b"\x00\xff")],
            ],
        )
        await store.stopService()
        database = sqlite3.connect(path)
        self.addCleanup(database.close)
        database.execute("alter table session drop column color")
        self.assertEqual([line for line in dump(database) if line.startswith("INSERT")], rows)
