"""When what serves programs is loaded: with the first request that is let in, and beside it."""

from threading import Event
from typing import Any

from twisted.internet.defer import gatherResults
from twisted.python.threadable import isInIOThread

from openclaw.assembly import programs
from openclaw.deferreds import deferred
from tests.http.openai.rig import RESPONSES, ProgramsCase


class LoadingTests(ProgramsCase):
    timeout = 120

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        self.loads: list[bool] = []
        self.may_load = Event()
        self.may_load.set()
        self.addCleanup(self.may_load.set)
        load = programs._import

        def noting() -> None:
            self.loads.append(isInIOThread())
            if not self.may_load.wait(30):
                raise AssertionError("nobody lets it load")
            load()

        self.patch(programs, "_import", noting)
        await super().setUp()

    def configure(self) -> Any:
        endpoints = {"responses": {"enabled": False}}
        return {**super().configure(), "gateway": {"http": {"endpoints": endpoints}}}

    async def test_nobody_loads_it_who_is_not_served(self) -> None:
        self.assertEqual((await self.ask("/v1/models", Authorization="")).status, 401)
        self.assertEqual((await self.ask("/v1/models", method="DELETE")).status, 405)
        self.assertEqual((await self.ask(RESPONSES, {"model": "openclaw"})).status, 404)
        self.assertEqual((await self.ask("/healthz", Authorization="")).status, 200)
        self.assertEqual(self.loads, [])

    async def test_it_is_loaded_once_and_beside_the_reactor(self) -> None:
        self.assertEqual((await self.ask("/v1/models")).status, 200)
        self.assertEqual((await self.chat()).status, 200)
        self.assertEqual(self.loads, [False])

    async def test_who_comes_meanwhile_waits_for_it(self) -> None:
        self.may_load.clear()
        asked = [self._status("/v1/models"), self._status("/v1/models/openclaw")]
        await self.until(lambda: len(self.loads) == 2)
        self.assertEqual((await self.ask("/healthz", Authorization="")).status, 200)
        self.may_load.set()
        self.assertEqual(await gatherResults(asked), [200, 200])

    async def test_a_stop_waits_for_no_loading(self) -> None:
        self.may_load.clear()
        asked = self._status("/v1/models")
        await self.until(lambda: len(self.loads) == 1)
        (service,) = (one for one in self.parts.helpers if isinstance(one, programs.Programs))
        await service.stopService()
        self.assertEqual(await asked, 503)

    @deferred
    async def _status(self, path: str) -> int:
        return (await self.ask(path)).status
