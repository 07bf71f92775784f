"""Agents, models, cron, approvals, channels, configuration: in the shape clients want."""

from pathlib import Path

from openclaw.assembly.methods import _snapshot
from openclaw.config.settings import Options, read_settings
from openclaw.gateway.methods.configuration import ConfigMethods
from openclaw.protocol.base import to_plain
from openclaw.protocol.schema.common import NoParams
from tests.gateway_methods.rig import MethodCase

NO_CHANNEL = (
    "Error: Channel is required (no configured channels detected). "
    "Run openclaw channels add to configure one, or pass --channel <channel> after enabling a "
    "channel. Use openclaw channels list --all to see available channel ids."
)


class EmptyPageTests(MethodCase):
    def test_cron(self) -> None:
        self.assertEqual(
            self.ok("cron.status"), {"enabled": False, "jobs": 0, "nextWakeAtMs": None}
        )
        page = {
            "jobs": [],
            "snapshotRevision": "0",
            "total": 0,
            "offset": 0,
            "limit": 200,
            "hasMore": False,
            "nextOffset": None,
        }
        self.assertEqual(self.ok("cron.list", includeDisabled=True), page)
        asked = {"compact": True, "limit": 50, "offset": 7, "enabled": "all", "sortBy": "name"}
        self.assertEqual(self.ok("cron.list", **asked), {**page, "limit": 50, "offset": 7})

    def test_approvals_and_questions(self) -> None:
        self.assertEqual(self.ok("plugin.approval.list"), [])
        self.assertEqual(self.ok("question.list"), {"questions": []})

    def test_channels(self) -> None:
        now = self.world.now_ms()
        account = {
            "accountId": "default",
            "enabled": True,
            "configured": True,
            "running": True,
            "connected": True,
            "state": "connected",
            "reconnectAttempts": 0,
            "mode": "websocket",
            "lastStartAt": now,
            "clients": 0,
            "probe": {"ok": True, "elapsedMs": 0},
        }
        self.assertEqual(
            self.ok("channels.status", probe=True, timeoutMs=5000),
            {
                "ts": now,
                "channelOrder": ["webchat"],
                "channelLabels": {"webchat": "WebChat"},
                "channels": {"webchat": {"configured": True, "running": True, "connected": True}},
                "channelAccounts": {"webchat": [account]},
                "channelDefaultAccountId": {"webchat": "default"},
            },
        )

    def test_the_web_chat_starts_and_stops_with_the_gateway(self) -> None:
        for method in ("channels.reload", "channels.stop", "channels.logout"):
            error = self.refused(method, channel="webchat")
            self.assertIn("part of the gateway", error["message"])


class SendTests(MethodCase):
    def test_in_the_words_clients_know(self) -> None:
        asked = {"to": "+1555", "message": "x", "idempotencyKey": "k"}
        for _ in range(2):
            self.assertEqual(
                self.refused("send", **asked), {"code": "INVALID_REQUEST", "message": NO_CHANNEL}
            )
        for method, params in (
            ("send", asked),
            ("message.action", {"action": "send", "params": {}, "idempotencyKey": "k2"}),
        ):
            error = self.refused(method, **params, channel="webchat")
            self.assertIn("unsupported channel: webchat (internal-only)", error["message"])
        error = self.refused("send", **asked, channel="telegram")
        self.assertEqual(
            error, {"code": "INVALID_REQUEST", "message": "unsupported channel: telegram"}
        )

    def test_without_words_or_media_or_key(self) -> None:
        error = self.refused("send", to="+1555", idempotencyKey="k")
        self.assertEqual(error["message"], "invalid send params: text or media is required")
        for params in ({"to": "", "idempotencyKey": "k"}, {"to": "+1555"}):
            self.assertIn(
                "invalid send params", self.refused("send", message="x", **params)["message"]
            )


class AgentPageTests(MethodCase):
    def test_agents(self) -> None:
        found = self.ok("agents.list")
        self.assertEqual(
            (found["defaultId"], found["mainKey"], found["scope"]), ("main", "main", "per-sender")
        )
        self.assertEqual([one["id"] for one in found["agents"]], ["main", "ops"])
        self.assertEqual(found["agents"][0]["model"], {"primary": "mock/mock-1"})

    def test_identity(self) -> None:
        main = {"agentId": "main", "name": "Assistant", "avatar": "A"}
        for params in ({}, {"agentId": "main"}, {"sessionKey": "main"}):
            self.assertEqual(self.ok("agent.identity.get", **params), main)
        ops = self.ok("agent.identity.get", sessionKey="agent:ops:main")
        self.assertEqual(ops, {"agentId": "ops", "name": "Ops", "avatar": "O"})
        for params in ({"agentId": "ghost"}, {"sessionKey": "agent:"}, {"agentId": "x" * 999}):
            error = self.refused("agent.identity.get", **params)
            self.assertIn("unknown agent id", error["message"])
            self.assertLess(len(error["message"]), 100)

    def test_models(self) -> None:
        first, second = self.ok("models.list", view="default", includeDetails=True)["models"]
        self.assertEqual(
            first,
            {
                "id": "mock-1",
                "name": "Mock",
                "provider": "mock",
                "contextWindow": 8000,
                "input": ["text"],
                "reasoning": False,
                "tags": ["default"],
                "available": True,
            },
        )
        self.assertEqual(second["tags"], [])

    def test_commands(self) -> None:
        (command,) = self.ok("commands.list", agentId="main", scope="text")["commands"]
        self.assertEqual((command["name"], command["textAliases"]), ("help", ["/help"]))
        self.assertEqual(command["description"], "What can be typed.")


class ConfigTests(MethodCase):
    def test_without_secrets(self) -> None:
        path = Path(self.mktemp())
        path.write_text(
            """{
              // the port
              gateway: {port: 0, auth: {mode: "token", token: "very-secret-token-1"}},
              models: {providers: {x: {baseUrl: "https://u:hidden-pass@x.test",
                                       apiKey: "sk-very-secret-2"}}},
              novelty: {deep: true},
            }"""
        )
        settings = read_settings(Options(config=str(path)), {}, Path(self.mktemp()))
        methods = ConfigMethods(snapshot=_snapshot(settings, "rev"))
        answer = to_plain(methods.handlers()["config.get"](self.operator.client, NoParams()))
        text = str(answer)
        for secret in ("very-secret-token-1", "sk-very-secret-2", "hidden-pass"):
            self.assertNotIn(secret, text)
        self.assertIn("__OPENCLAW_REDACTED__", answer["raw"])
        self.assertIn("// the port", answer["raw"], "the rest stays as it was written")
        for name in ("parsed", "resolved", "sourceConfig", "runtimeConfig"):
            self.assertEqual(answer[name]["gateway"]["auth"]["token"], "__OPENCLAW_REDACTED__")
        self.assertEqual((answer["exists"], answer["valid"], answer["hash"]), (True, True, "rev"))
        self.assertIn("novelty", [one["path"] for one in answer["issues"]])

    def test_is_answered(self) -> None:
        self.assertEqual(self.ok("config.get")["path"], "openclaw.json")
