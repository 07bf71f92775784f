"""Journals on a real disk, sealed with keys of the test's making."""

import os
import sqlite3
from pathlib import Path
from typing import cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from openclaw.interfaces.storage import ITransaction, SQLValue
from openclaw.security.sealing.sealer import Sealer
from openclaw.security.sealing.sources import GivenKeys, KeyFile
from openclaw.storage.payloads import PAYLOADS, Payload, row_id
from openclaw.storage.sqlite import SQLiteStore

REACTOR = cast(IReactorFromThreads, reactor)
CANARY = "CANARY-what-nobody-may-read-off-the-disk"
ROWS = 450  # More than two batches.


# What rows need besides key and payload.
_MORE: dict[str, dict[str, SQLValue]] = {
    "session": {"session_id": "s", "agent_id": "a"},
    "audit": {"at": 1, "kind": "test", "chain": b""},
    "route": {"at": 1},
    "approval": {"digest": "d", "state": "pending", "created_at": 1, "expires_at": 2},
    "queue_message": {
        **{"queue": "in", "lane": "a", "enqueued_at": 1},
        **dict.fromkeys(("attempts", "token", "interrupted", "not_before"), 0),
    },
    "queue_letter": {
        **{"queue": "in", "lane": "a", "state": "dead"},
        **dict.fromkeys(("attempts", "enqueued_at", "died_at"), 1),
    },
}


def key_of(payload: Payload, number: int) -> list[str | int]:
    """The key of one row."""
    if payload.table == "audit":
        return [number]
    return [f"{name}-{number:04}" for name in payload.key]


def fill(tx: ITransaction, *, rows: int = ROWS) -> None:
    """Put a canary into every payload, in many rows."""
    for payload in PAYLOADS:
        for number in range(rows):
            key = key_of(payload, number)
            place = (payload.purpose, row_id(*map(str, key)))
            text = f'{{"text":"{CANARY}-{number}"}}'.encode()
            value = tx.seal_text(*place, text) if payload.text else tx.seal(*place, text)
            values = {**dict(zip(payload.key, key, strict=True)), **_MORE.get(payload.table, {})}
            values[payload.column] = value
            tx.execute(
                f"insert into {payload.table}({', '.join(values)})"
                f" values({', '.join(f':{name}' for name in values)})"
                f" on conflict({', '.join(payload.key)}) do update"
                f" set {payload.column} = :{payload.column}",
                **values,
            )


def read_all(tx: ITransaction) -> set[str]:
    """Open every payload that :func:`fill` wrote."""
    found = set()
    for payload in PAYLOADS:
        for value, *key in tx.rows(
            f"select {payload.column}, {', '.join(payload.key)} from {payload.table}"
            f" where {payload.column} is not null"
        ):
            place = (payload.purpose, row_id(*map(str, key)))
            plain = (
                tx.open_text(*place, value) if isinstance(value, str) else tx.open(*place, value)
            )
            if key != ["sealing"]:
                found.add(plain.decode())
    return found


WRITTEN = {f'{{"text":"{CANARY}-{number}"}}' for number in range(ROWS)}


class JournalCase(TestCase):
    """A folder with one journal, which tests open and close."""

    timeout = 120

    def setUp(self) -> None:
        """Name the files."""
        self.folder = Path(self.mktemp()).absolute()
        self.path = self.folder / "journal.sqlite"
        self.keys = self.folder / "encryption-keys"

    def sealer(self, *given: str) -> Sealer:
        """A sealer with keys from the file, or with given ones."""
        source = GivenKeys(" ".join(given), "the test") if given else KeyFile(self.keys)
        return Sealer(source, os.urandom)

    async def open(self, sealer: Sealer | None, path: Path | None = None) -> SQLiteStore:
        """Open the journal; it is closed after the test."""
        store = SQLiteStore(path or self.path, REACTOR, Clock(), sealer=sealer)
        store.startService()
        self.addCleanup(lambda: store.stopService() if store.running else None)
        await store.when_open()
        return store

    async def plain(self) -> None:
        """Make a plain journal, full of canaries, some of them only in freed pages."""
        store = await self.open(None)
        await store.run(fill)
        await store.run(lambda tx: tx.execute("delete from message where message_id > 'message'"))
        await store.run(fill)
        await store.stopService()

    def raw(self) -> bytes:
        """Every byte of every file of the folder."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())

    def edit(self, sql: str, *values: object) -> None:
        """Change the closed journal behind its back."""
        with sqlite3.connect(self.path) as database:
            database.execute(sql, values)
        database.close()
