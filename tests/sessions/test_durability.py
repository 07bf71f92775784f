"""Conversations on a real file: what was acknowledged is there for the next process."""

import shutil
from pathlib import Path
from typing import cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from openclaw.protocol.base import to_plain
from openclaw.protocol.schema.chat import HistoryParams
from openclaw.storage.memory import MemoryStore
from openclaw.storage.sqlite import SQLiteStore
from tests.sessions.rig import MAIN, World, answers_itself

REACTOR = cast(IReactorFromThreads, reactor)


class FileTests(TestCase):
    timeout = 120

    async def open(self, folder: Path) -> World:
        """Start a process on a journal in a folder."""
        store = SQLiteStore(folder / "journal.sqlite", REACTOR, Clock())
        store.startService()
        await store.when_open()
        self.addCleanup(lambda: store.stopService() if store.running else None)
        world = World(cast(MemoryStore, store))
        await world.conversations.load()
        world.conversations.open()
        return world

    async def killed(self, folder: Path) -> World:
        """Start a process on what a kill at this moment would leave on the disk."""
        image = Path(self.mktemp())
        shutil.copytree(folder, image)
        return await self.open(image)

    async def transcript(self, world: World) -> list[str]:
        history = await world.conversations.history(HistoryParams(session_key=MAIN))
        return [one["role"] for one in to_plain(history)["messages"]]

    async def run_all(self, world: World, *run_ids: str) -> None:
        world.runtime.on_run = answers_itself
        for run_id in run_ids:
            ended = world.conversations.ended(run_id)
            world.turn()
            await ended

    async def test_a_kill_at_each_step(self) -> None:
        folder = Path(self.mktemp())
        world = await self.open(folder)
        await world.accept("r1")
        await world.accept("r2")

        accepted = await self.killed(folder)
        await self.run_all(accepted, "r1", "r2")
        self.assertEqual(len(accepted.runtime.calls), 2)
        self.assertEqual(
            await self.transcript(accepted), ["user", "assistant", "user", "assistant"]
        )

        world.turn()
        while not world.runtime.calls:
            await world.inner.read(lambda tx: None)
        started = await self.killed(folder)
        await self.run_all(started, "r1", "r2")
        self.assertEqual(len(started.runtime.calls), 2)

        world.call.sink.delta("words")
        while "delta" not in world.heard.states("r1"):
            await world.inner.run(lambda tx: None)
        shown = await self.killed(folder)
        await self.run_all(shown, "r2")
        self.assertEqual([call.request.run_id for call in shown.runtime.calls], ["r2"])
        receipt = await shown.accept("r1")
        assert receipt.record is not None
        self.assertEqual((receipt.state, receipt.record.final.status), ("done", "error"))

        ended = world.conversations.ended("r1")
        world.call.finish("words")
        await ended
        finished = await self.killed(folder)
        await self.run_all(finished, "r2")
        receipt = await finished.accept("r1")
        assert receipt.record is not None
        self.assertEqual((receipt.state, receipt.record.final.status), ("done", "ok"))
        self.assertEqual(
            await self.transcript(finished), ["user", "assistant", "user", "assistant"]
        )

    async def test_a_thousand_inputs_at_once_keep_their_order(self) -> None:
        folder = Path(self.mktemp())
        world = await self.open(folder)
        accepting = [
            world.accept(f"{number}", key=f"agent:main:s{number % 20}") for number in range(1000)
        ]
        for waiting in accepting:
            self.assertEqual((await waiting).state, "new")
        batches = world.inner.health().batches
        self.assertLess(batches, 500, "many inputs share one commit")
        after = await self.killed(folder)
        for session in range(20):
            row = after.conversations.row(f"agent:main:s{session}")
            assert row is not None
            self.assertEqual(row.active_run_ids, [str(n) for n in range(session, 1000, 20)])
