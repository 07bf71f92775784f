"""Tests of the commands that ask: each against a real socket, for people and for programs."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.cli.running import CommandTestCase
from tests.client.stand_in import Connection, Refusal

HEALTH = {
    "ok": True,
    "ts": 1,
    "sessions": {"count": 2, "recent": []},
    "agents": [{"agentId": "main", "isDefault": True}],
    "channelOrder": [],
    "eventLoop": {"degraded": False, "delayP99Ms": 3.2, "cpuCoreRatio": 0.01},
    "store": {"backend": "sqlite", "ok": True, "durable": True},
}
STATUS = {
    "runtimeVersion": "9.9.9",
    "pid": 42,
    "uptimeMs": 7_200_000,
    "connections": 3,
    "processMemory": {"rssBytes": 58_000_000},
    "tasks": {"active": 1, "total": 9, "failures": 2},
    "sessions": {
        "count": 1,
        "defaults": {"model": "mock-1"},
        "recent": [{"key": "agent:main:main", "updatedAt": 1000, "model": "mock-1"}],
    },
}
ROW = {
    "key": "agent:main:\x1b[31mwork",
    "updatedAt": 1000,
    "messageCount": 4,
    "hasActiveRun": True,
    "model": "mock-1",
    "displayName": "Work 工作",
}
DEVICE = {
    "deviceId": "ab" * 32,
    "displayName": "Phone",
    "role": "operator",
    "scopes": ["operator.read", "operator.write"],
    "connected": True,
    "lastSeenAtMs": 1000,
}


class CommandTests(CommandTestCase):
    """The stand-in is found without being told where it is."""

    async def test_health(self) -> None:
        """The whole answer for programs, the gist for people."""
        self.gateway.methods["health"] = lambda *_: HEALTH
        ran = await self.run_command("health", "--json")
        self.assertEqual((ran.status, ran.document, ran.err), (0, HEALTH, ""))
        ran = await self.run_command("health")
        self.assertEqual(ran.status, 0)
        for words in ("healthy", self.gateway.url, "9.9.9", "sqlite, writing", "main"):
            self.assertIn(words, ran.out)
        self.assertEqual((await self.run_command("gateway", "health")).out, ran.out)

    async def test_a_gateway_that_is_not_well_is_an_exit_status(self) -> None:
        """And says what ails it."""
        store = {"backend": "sqlite", "ok": False, "error": "disk full"}
        self.gateway.methods["health"] = lambda *_: {**HEALTH, "ok": False, "store": store}
        ran = await self.run_command("health")
        self.assertEqual(ran.status, 1)
        self.assertIn("not well", ran.out)
        self.assertIn("disk full", ran.out)

    async def test_status(self) -> None:
        """Figures for people; everything for programs."""
        self.gateway.methods.update(health=lambda *_: HEALTH, status=lambda *_: STATUS)
        ran = await self.run_command("status", "--timeout", "5s")
        self.assertEqual(ran.status, 0, ran)
        for words in ("running", "2 h", "58 MB", "1 active, 9 since the start, 2 failed", "mock-1"):
            self.assertIn(words, ran.out)
        document = (await self.run_command("status", "--json", "--timeout", "5s")).document
        self.assertEqual((document["reachable"], document["pid"]), (True, 42))
        self.assertTrue(document["tokenSource"].endswith("gateway-token"))

    async def test_status_does_not_wait_for_a_gateway_that_hangs(self) -> None:
        """It says that it did not answer."""
        self.gateway.challenges = False
        ran = await self.run_command("status", "--timeout", "200")
        self.assertEqual(ran.status, 1)
        self.assertIn("does not answer", ran.out)

    async def test_sessions(self) -> None:
        """A table without terminal controls; the params that were asked for."""
        listed = {"sessions": [ROW], "totalCount": 3}
        self.gateway.methods["sessions.list"] = lambda *_: listed
        ran = await self.run_command("sessions", "--limit", "1", "--search", "wo", "--archived")
        self.assertIn("agent:main:[31mwork", ran.out)
        self.assertNotIn("\x1b", ran.out)
        for words in ("running", "Work 工作", "2 more: use --limit"):
            self.assertIn(words, ran.out)
        asked = self.gateway.requests[-1]["params"]
        self.assertEqual(asked, {"limit": 1, "search": "wo", "archived": "all"})
        self.assertEqual((await self.run_command("sessions", "--json")).document, listed)

    async def test_no_sessions_yet(self) -> None:
        """Is not an empty screen."""
        self.gateway.methods["sessions.list"] = lambda *_: {"sessions": [], "totalCount": 0}
        self.assertIn("openclaw chat", (await self.run_command("sessions")).out)

    async def test_devices(self) -> None:
        """Paired ones, and those that wait."""
        waiting = {
            "requestId": "req-1",
            "displayName": "Tablet",
            "scopes": [],
            "remoteIp": "10.0.0.9",
        }
        listed = {"pending": [waiting], "paired": [DEVICE]}
        self.gateway.methods["device.pair.list"] = lambda *_: listed
        ran = await self.run_command("devices", "list")
        for words in ("req-1", "Tablet", "10.0.0.9", "Phone", "read, write", "connected"):
            self.assertIn(words, ran.out)
        self.assertEqual((await self.run_command("devices", "list", "--json")).document, listed)
        self.assertEqual(self.gateway.requests[0]["params"]["scopes"], ["operator.pairing"])

    async def test_dashboard(self) -> None:
        """The link alone on standard output, so that it can be piped."""
        url = "http://127.0.0.1:1/chat/#code=x"
        link = {"url": url, "code": "x", "expiresAtMs": 4e12}
        self.gateway.methods["dashboard.link"] = lambda *_: link
        ran = await self.run_command("dashboard")
        self.assertEqual((ran.status, ran.out), (0, url + "\n"))
        self.assertIn("one sign-in", ran.err)
        self.assertEqual((await self.run_command("dashboard", "--json")).document, link)

    async def test_call(self) -> None:
        """Params in, payload out; errors in the gateway's words."""
        self.gateway.methods["echo"] = lambda _, params: {"got": params}
        ran = await self.run_command("gateway", "call", "echo", "--params", '{"a": [1, "ü"]}')
        self.assertEqual(ran.document, {"got": {"a": [1, "ü"]}})
        ran = await self.run_command("gateway", "call", "no.such.method")
        self.assertEqual(ran.status, 1)
        self.assertIn("unknown method: no.such.method", ran.err)
        ran = await self.run_command("gateway", "call", "no.such.method", "--json")
        self.assertEqual(ran.document["error"]["code"], "INVALID_REQUEST")

    async def test_call_can_wait_for_the_outcome(self) -> None:
        """The second answer of an agent run."""

        def agent(connection: Connection, params: Any) -> object:
            request = self.gateway.requests[-1]
            payload = {"status": "accepted"}
            connection.send({"type": "res", "id": request["id"], "ok": True, "payload": payload})
            return {"status": "ok"}

        self.gateway.methods["agent"] = agent
        ran = await self.run_command("gateway", "call", "agent", "--expect-final")
        self.assertEqual(ran.document, {"status": "ok"})

    async def test_a_wrong_token_names_its_source(self) -> None:
        """One given, one from the environment, one from the file."""
        ran = await self.run_command("health", "--token", "wrong")
        self.assertIn("refused the token from --token", ran.err)
        ran = await self.run_command("health", OPENCLAW_GATEWAY_TOKEN="wrong")
        self.assertIn("refused the token from OPENCLAW_GATEWAY_TOKEN", ran.err)
        (self.own / "gateway-token").write_text("wrong\n")
        ran = await self.run_command("health", "--json")
        self.assertEqual(ran.document["error"]["code"], "AUTH_TOKEN_MISMATCH")
        self.assertNotIn('"wrong"', ran.out)

    async def test_a_refused_request_is_told_with_its_advice(self) -> None:
        """When to come back."""

        def busy(*_: object) -> object:
            raise Refusal("UNAVAILABLE", "too busy", retryable=True, retryAfterMs=3000)

        self.gateway.methods["health"] = busy
        ran = await self.run_command("health")
        self.assertIn("too busy", ran.err)
        self.assertIn("in 3 s", ran.err)


class LogTests(CommandTestCase):
    """Lines of JSON, made readable."""

    LINES = (
        '{"time":"2026-11-20T10:00:00Z","level":"info","subsystem":"ws","message":"hello\\nyou"}',
        '{"level":"error","msg":"\\u001b[2Jboom"}',
        "not json",
    )

    def setUp(self) -> None:
        super().setUp()
        tail = {"file": "f", "cursor": 9, "size": 9, "lines": list(self.LINES), "truncated": False}
        self.gateway.methods["logs.tail"] = lambda *_: tail

    async def test_lines_for_people(self) -> None:
        """Time, level, source, message; nothing that drives the terminal."""
        ran = await self.run_command("logs", "--limit", "5")
        here = datetime(2026, 11, 20, 10, tzinfo=UTC).astimezone()
        self.assertIn(f"{here:%m-%d %H:%M:%S} info  ws hello\n    you\n", ran.out)
        self.assertIn("error [2Jboom\n", ran.out)
        self.assertIn("not json", ran.out)
        self.assertEqual(self.gateway.requests[-1]["params"]["limit"], 5)

    async def test_lines_for_programs(self) -> None:
        """One document whose lines are objects."""
        document = (await self.run_command("logs", "--json")).document
        self.assertEqual(document["lines"][0]["subsystem"], "ws")
        self.assertEqual(document["lines"][2], {"message": "not json"})

    async def test_following_asks_from_the_cursor_on(self) -> None:
        """And ends when the gateway does."""
        tails = iter(
            [
                {"lines": ['{"message":"one"}'], "cursor": 10},
                {"lines": ['{"message":"two"}'], "cursor": 20},
            ]
        )

        def tail(connection: Connection, params: Any) -> object:
            answer = next(tails, None)
            if answer is None:
                raise Refusal("UNAVAILABLE", "enough")
            return answer

        self.gateway.methods["logs.tail"] = tail
        ran = await self.run_command("logs", "--follow", "--json")
        self.assertEqual(
            [json.loads(line)["message"] for line in ran.out.splitlines()[:2]], ["one", "two"]
        )
        asked = [each["params"].get("cursor") for each in self.gateway.requests[1:]]
        self.assertEqual(asked, [None, 10, 20])

    async def test_without_a_gateway_its_last_log_is_read(self) -> None:
        """When one wants it most."""
        await self.gateway.stop()
        (self.own / "logs").mkdir()
        (self.own / "logs/gateway.log").write_text("\n".join(self.LINES) + "\n")
        ran = await self.run_command("logs", "--limit", "2")
        self.assertEqual(ran.status, 0, ran)
        self.assertIn("not running", ran.err)
        self.assertIn("boom", ran.out)
        self.assertNotIn("hello", ran.out)
