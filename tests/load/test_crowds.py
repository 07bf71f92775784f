"""Crowds at the door of a gateway that runs: who is inside is answered, and memory is bounded.

How many come is said by ``OPENCLAW_TEST_HALF_OPEN``, ``_LORIS``, ``_UNKNOWN_DEVICES`` and
``_RECONNECTS``; ``make crowds`` runs the full size. How fast the answers were is printed and kept
in docs/limits.rst, and never judged here: other programs share the machine.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from openclaw.client.gateway import GatewayClient
from openclaw.deferreds import deferred
from tests.integration.running import ROOT, Place, Running, reactor, run
from tests.load.crowd import raise_file_limit

INSIDE = 8
GROWTH_BYTES = 20_000_000


def size(name: str, floor: int) -> int:
    """How many come."""
    return max(floor, int(os.environ.get(f"OPENCLAW_TEST_{name}") or floor))


HALF_OPEN = size("HALF_OPEN", 1000)
LORIS = size("LORIS", 200)
UNKNOWN_DEVICES = size("UNKNOWN_DEVICES", 500)
RECONNECTS = size("RECONNECTS", 200)


def resident_bytes(pid: int) -> int:
    """What a process holds in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


class Crowd:
    """The process of a crowd, and what it tells."""

    def __init__(self, kind: str, port: int, count: int, directory: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.load.crowd", kind, str(port), str(count)]
        self.process = run(command, environment, directory)
        self._read = 0

    async def told(self) -> Any:
        """The next thing it tells.

        :raises RuntimeError: it ended instead.
        """
        while self.process.out.count("\n") <= self._read:
            if self.process.gone is not None:
                raise RuntimeError(self.process.printed)
            await deferLater(reactor, 0.02)
        self._read += 1
        return json.loads(self.process.out.splitlines()[self._read - 1])

    async def leave(self) -> None:
        """Let it go home."""
        transport: Any = self.process.transport
        if self.process.gone is None:
            transport.closeStdin()
        await self.process.ended()


class CrowdCase(TestCase):
    """A gateway, a few clients inside, and a crowd outside."""

    timeout = 600
    if not Path("/proc/self/statm").exists():
        skip = "memory is read from /proc"

    async def setUp(self) -> None:  # type: ignore[override]
        """Start the gateway and let the clients in."""
        raise_file_limit()
        self.place = Place(self.mktemp())
        self.place.configure({"gateway": {"trustedProxies": ["127.0.0.1"]}})
        self.gateway: Running = await self.place.started()
        self.addCleanup(self.gateway.stop)
        self.inside = [self.place.client() for _ in range(INSIDE)]
        self.addCleanup(self.leave)
        for client in self.inside:
            await client.connect()
        # What is made once by the first strangers of each kind is no growth.
        for kind in ("half-open", "unknown-devices"):
            crowd = self.crowd(kind, 100)
            await crowd.told()
            await crowd.leave()
        self.latencies: list[float] = []
        self.asked = 0
        self.asking = False
        self.before = resident_bytes(self.gateway.pid)

    @deferred
    async def leave(self) -> None:
        """Close the clients."""
        for client in self.inside:
            await client.close()

    def crowd(self, kind: str, count: int) -> Crowd:
        """A crowd on its way."""
        crowd = Crowd(kind, self.place.port, count, self.place.directory)
        self.addCleanup(crowd.process.stop, "KILL")
        return crowd

    def start_asking(self) -> Deferred[Any]:
        """Let every client ask for ``health`` again and again, until told to stop."""
        self.asking = True
        return gatherResults([self.ask(client) for client in self.inside], consumeErrors=True)

    @deferred
    async def ask(self, client: GatewayClient) -> None:
        """One client: each request is answered, and no connection is lost."""
        while self.asking:
            began = reactor.seconds()
            self.asked += 1
            answer: Any = await client.request("health")
            self.assertTrue(answer["ok"])
            self.latencies.append(reactor.seconds() - began)
            await deferLater(reactor, 0.01)

    def report(self, what: str, **told: Any) -> None:
        """Check what must hold whatever machine this is; print the rest."""
        grown = resident_bytes(self.gateway.pid) - self.before
        ordered = sorted(self.latencies)
        figures = {
            "answered": len(ordered),
            "p50Ms": round(ordered[len(ordered) // 2] * 1000, 1),
            "p99Ms": round(ordered[len(ordered) * 99 // 100] * 1000, 1),
            "maxMs": round(ordered[-1] * 1000, 1),
            "grownMB": round(grown / 1e6, 1),
            **told,
        }
        print(f"\n{what}: {json.dumps(figures)}")
        self.assertEqual(self.asked, len(self.latencies))
        self.assertGreater(self.asked, INSIDE)
        self.assertLess(grown, GROWTH_BYTES)
        self.assertIsNone(self.gateway.gone)

    async def while_asking(self, crowd: Crowd, seconds: float = 3.0) -> tuple[Any, int]:
        """Ask until the crowd has told its first word, and some more; the word, and the memory."""
        asked = self.start_asking()
        told = await crowd.told()
        await deferLater(reactor, seconds)
        self.asking = False
        await asked
        return told, resident_bytes(self.gateway.pid)


class HalfOpenTests(CrowdCase):
    """Sockets that prove nothing."""

    async def test_half_open_sockets(self) -> None:
        """Those beyond the limit are cut; a new client still comes in afterwards."""
        crowd = self.crowd("half-open", HALF_OPEN)
        told, _ = await self.while_asking(crowd)
        self.report("half-open sockets", **told)
        self.assertLessEqual(told["held"], 2048)
        self.assertEqual(told["held"] + told["refused"], HALF_OPEN)
        await crowd.leave()
        late = self.place.client()
        await late.connect()
        await late.close()

    async def test_slow_loris(self) -> None:
        """Heads and bodies that drip: cut when their time is over."""
        crowd = self.crowd("slow-loris", LORIS)
        told, _ = await self.while_asking(crowd)
        self.report("slow loris", **told)
        await crowd.leave()

    async def test_endless_bodies(self) -> None:
        """Nobody reads them."""
        crowd = self.crowd("endless-bodies", 6)
        told, _ = await self.while_asking(crowd)
        self.report("endless bodies", **told)
        await crowd.leave()


class StormTests(CrowdCase):
    """Handshakes, as many as there can be."""

    async def test_pairing_storm(self) -> None:
        """Unknown devices: what waits is bounded, whoever is inside is answered."""
        crowd = self.crowd("unknown-devices", UNKNOWN_DEVICES)
        told, _ = await self.while_asking(crowd, 0.5)
        self.report("pairing storm", **told)
        self.assertEqual(sum(told["told"].values()), UNKNOWN_DEVICES)
        await crowd.leave()

    async def test_devices_that_come_and_go(self) -> None:
        """Each is shown to everybody inside, and the list of all of them is long."""
        crowd = self.crowd("own-devices", UNKNOWN_DEVICES // 5)
        told, _ = await self.while_asking(crowd, 0.5)
        self.report("devices that come and go", **told)
        self.assertEqual(told["told"], {"ok": UNKNOWN_DEVICES // 5})
        await crowd.leave()

    async def test_reconnect_storm(self) -> None:
        """Everybody is back, three times."""
        crowd = self.crowd("reconnecting", RECONNECTS)
        asked = self.start_asking()
        rounds = [await crowd.told()]
        self.before = resident_bytes(self.gateway.pid)  # Clients that are inside take memory.
        rounds += [await crowd.told() for _ in range(2)]
        self.asking = False
        await asked
        self.report("reconnect storm", rounds=rounds)
        self.assertEqual([one["inside"] for one in rounds], [RECONNECTS] * 3)
        await crowd.leave()
