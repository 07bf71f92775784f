"""The health snapshot: what is in it, how old it may be, who is told."""

import json
from typing import Any

from attrs import evolve
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openclaw.interfaces.monitoring import IHealth
from openclaw.interfaces.storage import IStore, StoreHealth
from openclaw.monitoring.health import HealthKeeper, HealthSources
from openclaw.monitoring.lag import ReactorLag
from openclaw.protocol.schema.system import AgentHeartbeat, QueueHealth
from tests.sessions.rig import HeldStore, WorldCase


@implementer(IStore)
class SickStore(HeldStore):
    """A journal that says of itself what the test wants."""

    said: StoreHealth | None = None

    def health(self) -> StoreHealth:
        """What was said, or the truth."""
        return self.said or self.inner.health()


class HealthTests(WorldCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = SickStore(self.journal)
        self.version = 0
        self.beat = AgentHeartbeat(enabled=True, every="30m", every_ms=1_800_000)
        self.keeper = HealthKeeper(
            HealthSources(
                store=self.store,
                conversations=self.world.conversations,
                events=self.world.heard,
                event_loop=ReactorLag(self.world.clock, lambda: 0.0).figures,
                heartbeat=lambda: self.beat,
                changed=self.changed,
                default_agent="main",
                queue=QueueHealth(backend="sqlite", durable=True),
            ),
            self.world.clock,
            self.world.now_ms,
        )

    def changed(self) -> None:
        self.version += 1

    def snapshot(self) -> Any:
        return json.loads(bytes(self.keeper.text()))

    def test_provides_the_interface(self) -> None:
        self.assertTrue(verifyObject(IHealth, self.keeper))

    def test_what_is_in_it(self) -> None:
        self.say("r1")
        self.world.clock.advance(3)
        health = self.snapshot()
        recent = {"key": "agent:main:main", "updatedAt": self.world.now_ms() - 3000, "age": 3000}
        sessions = {"count": 1, "recent": [recent]}
        self.assertEqual(
            {name: value for name, value in health.items() if name != "eventLoop"},
            {
                "ok": True,
                "ts": self.world.now_ms(),
                "durationMs": 0,
                "channels": {},
                "channelOrder": [],
                "channelLabels": {},
                "heartbeatSeconds": 1800,
                "defaultAgentId": "main",
                "agents": [
                    {
                        "agentId": "main",
                        "isDefault": True,
                        "heartbeat": {"enabled": True, "every": "30m", "everyMs": 1_800_000},
                        "sessions": sessions,
                    }
                ],
                "sessions": sessions,
                "store": {"backend": "memory", "ok": True, "durable": False},
                "queue": {"backend": "sqlite", "durable": True},
            },
        )
        self.assertIn("delayP99Ms", health["eventLoop"])

    def test_names_the_file_where_there_is_one(self) -> None:
        self.store.said = evolve(self.journal.health(), path="/state/journal.sqlite")
        health = self.snapshot()
        told = health["sessions"]["path"], health["agents"][0]["sessions"]["path"]
        self.assertEqual(told, ("/state/journal.sqlite",) * 2)

    def test_five_sessions_at_most(self) -> None:
        for number in range(8):
            self.say(f"r{number}", key=f"s{number}")
        sessions = self.snapshot()["sessions"]
        self.assertEqual((sessions["count"], len(sessions["recent"])), (8, 5))
        self.assertEqual(sessions["recent"][0]["key"], "agent:main:s7")

    def test_made_once_and_told_when_it_is_made_anew(self) -> None:
        text = self.keeper.text()
        self.assertIs(self.keeper.text(), text)
        self.assertEqual((self.version, self.world.heard.of("health")), (0, []))
        self.world.clock.advance(1)
        fresh = self.keeper.refresh()
        self.assertIs(self.keeper.text(), fresh)
        self.assertEqual(self.version, 1)
        (told,) = self.world.heard.of("health")
        self.assertEqual(told, self.snapshot())

    def test_every_minute_while_it_runs(self) -> None:
        self.keeper.startService()
        self.world.clock.advance(59.9)
        self.assertEqual(self.version, 0)
        for number in range(1, 4):
            self.world.clock.advance(60)
            self.assertEqual(self.version, number)
        self.keeper.stopService()
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_a_sick_journal(self) -> None:
        good = self.journal.health()
        self.store.said = evolve(good, ok=False, backend="sqlite", last_error="disk full")
        self.assertFalse(self.keeper.ok)
        health = self.snapshot()
        self.assertFalse(health["ok"])
        self.assertEqual(
            health["store"],
            {"backend": "sqlite", "ok": False, "durable": True, "error": "disk full"},
        )
        self.store.said = evolve(good, backend="sqlite", last_error="disk full")
        self.assertTrue(self.keeper.ok)
        self.keeper.refresh()
        self.assertNotIn("error", self.snapshot()["store"])
