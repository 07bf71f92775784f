"""The gateway about itself, by method."""

from openclaw.interfaces.agents import Usage
from openclaw.protocol import scopes
from tests.gateway_methods.rig import MethodCase
from tests.sessions.rig import MAIN


class HealthTests(MethodCase):
    def test_health(self) -> None:
        self.say("r1")
        health = self.ok("health")
        self.assertTrue(health["ok"])
        self.assertEqual(health["sessions"]["count"], 1)
        self.assertEqual(health["store"]["backend"], "memory")
        self.assertEqual(health["agents"][0]["agentId"], "main")

    def test_a_snapshot_until_somebody_probes(self) -> None:
        before = self.ok("health")
        self.say("r1")
        self.assertEqual(self.ok("health"), before)
        self.assertEqual(self.ok("health", probe=True)["sessions"]["count"], 1)
        self.assertEqual(self.ok("health")["sessions"]["count"], 1)

    def test_anybody_may_ask(self) -> None:
        self.assertTrue(self.ok("health", self.connect())["ok"])


class StatusTests(MethodCase):
    def test_status(self) -> None:
        self.say("r1")
        self.world.call.answer("x", usage=Usage(7, 3))
        self.world.clock.advance(2)
        self.say("r2", key="other")
        self.broadcaster.join(self.operator.client)
        self.heartbeat.wake("look at the mail", now=False)
        status = self.ok("status", includeChannelSummary=False, includeCliProjection=True)
        self.assertEqual((status["runtimeVersion"], status["pid"]), ("1.2.3", 42))
        self.assertEqual((status["uptimeMs"], status["configHash"]), (7000, "hash"))
        self.assertEqual((status["connections"], status["channelSummary"]), (1, []))
        self.assertEqual(status["queuedSystemEvents"], ["look at the mail"])
        self.assertEqual(status["tasks"]["active"], 1)
        self.assertGreater(status["processMemory"]["rssBytes"], 1_000_000)
        sessions = status["sessions"]
        self.assertEqual(sessions["count"], 2)
        self.assertEqual(sessions["defaults"], {"model": "mock-1", "contextTokens": 8000})
        self.assertEqual([one["key"] for one in sessions["recent"]], ["agent:main:other", MAIN])
        main = sessions["recent"][1]
        self.assertEqual((main["age"], main["totalTokens"], main["model"]), (2000, 10, "mock-1"))
        self.assertEqual(sessions["byAgent"][0]["count"], 2)
        (agent,) = status["heartbeat"]["agents"]
        self.assertEqual((agent["every"], agent["everyMs"]), ("30m", 1_800_000))
        self.assertNotIn("tls", status)

    def test_needs_the_right_to_read(self) -> None:
        error = self.refused("status", self.connect())
        self.assertEqual(error["details"]["missingScope"], scopes.READ)


class HeartbeatTests(MethodCase):
    def test_none_yet(self) -> None:
        self.assertIs(self.ok("last-heartbeat"), None)

    def test_the_last_one(self) -> None:
        self.assertEqual(self.ok("wake", text="look", mode="now"), {"ok": True})
        self.world.turn()
        self.world.call.answer("Nothing new.")
        last = self.ok("last-heartbeat")
        self.assertEqual((last["status"], last["preview"]), ("ok", "Nothing new."))

    def test_a_note_for_the_next_one(self) -> None:
        self.ok("wake", text="look", mode="next-heartbeat")
        self.assertEqual(self.ok("status")["queuedSystemEvents"], ["look"])
        self.assertEqual(self.transcript(), [])

    def test_wake_says_no_when_it_cannot_be_stored(self) -> None:
        self.world.store.failing = {"store_input"}
        self.assertEqual(self.refused("wake", text="look", mode="now")["message"], "disk full")
        for params in ({"text": "", "mode": "now"}, {"text": "x", "mode": "soon"}, {"mode": "now"}):
            self.assertEqual(self.refused("wake", **params)["code"], "INVALID_REQUEST")

    def test_switch(self) -> None:
        self.assertEqual(self.ok("set-heartbeats", enabled=False), {"ok": True, "enabled": False})
        self.assertFalse(self.ok("status")["heartbeat"]["agents"][0]["enabled"])
        self.assertFalse(self.ok("health")["agents"][0]["heartbeat"]["enabled"])
        self.restart()
        self.wire()
        self.assertFalse(self.ok("status")["heartbeat"]["agents"][0]["enabled"])
        self.world.store.failing = {"_change"}
        self.assertEqual(self.refused("set-heartbeats", enabled=True)["message"], "disk full")
        self.assertFalse(self.ok("status")["heartbeat"]["agents"][0]["enabled"])


class FigureTests(MethodCase):
    def test_presence_and_notes_on_it(self) -> None:
        self.assertEqual([one["mode"] for one in self.ok("system-presence")], ["gateway"])
        self.assertEqual(self.ok("system-event", text="Node: laptop"), {"ok": True})
        self.assertIn("Node: laptop", [one.get("text") for one in self.ok("system-presence")])
        self.assertEqual(self.refused("system-event", text="")["code"], "INVALID_REQUEST")

    def test_log(self) -> None:
        self.assertEqual(self.ok("logs.tail", limit=5, maxBytes=100, cursor=0)["lines"], ["{}"])
        self.assertEqual((self.log.asked[0].limit, self.log.asked[0].cursor), (5, 0))
        for params in ({"limit": 0}, {"limit": 5001}, {"maxBytes": 0}, {"cursor": -1}):
            self.assertEqual(self.refused("logs.tail", **params)["code"], "INVALID_REQUEST")

    def test_stability(self) -> None:
        self.figures.notices.note("slow.consumer", "a socket did not keep up")
        found = self.ok("diagnostics.stability", limit=10)
        self.assertEqual((found["count"], found["capacity"], found["dropped"]), (1, 256, 0))
        self.assertEqual(found["events"][0]["type"], "slow.consumer")
        self.assertEqual(self.ok("diagnostics.stability", type="other")["events"], [])

    def test_usage(self) -> None:
        self.say("r1")
        self.world.call.answer("x", usage=Usage(7, 3))
        found = self.ok("usage.cost", days=3)
        self.assertEqual((found["days"], len(found["daily"])), (3, 3))
        self.assertEqual(found["daily"][-1]["totalTokens"], 10)
        self.assertEqual(found["totals"]["input"], 7)

    def test_dashboard_link(self) -> None:
        link = self.ok("dashboard.link")
        self.assertEqual((link["code"], link["expiresAtMs"]), ("c", 5))
