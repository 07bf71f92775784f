"""The official command line against a local gateway (rungs 1, 3-8, 16, 17, 21, 22, 32, 39)."""

import json
import subprocess
import time
from pathlib import Path

from tests.conformance.cases import CommandLineCase, curl, require
from tests.conformance.cli import CommandLine, Outcome
from tests.standins.behaviour import REPLY

_REACHABLE = r"(?<!un)reachable"


class ReachTests(CommandLineCase):
    """Commands that ask whether a gateway is there and how it does."""

    def good(self, *arguments: str, within: float = 60) -> Outcome:
        """Run a command that must end with 0."""
        outcome = self.cli.run(*arguments, seconds=within)
        self.assertEqual(outcome.status, 0, outcome.text)
        return outcome

    def test_curl(self) -> None:
        """Rung 1: the four routes by ``curl``, as a person would."""
        require(curl)
        for path in ("/health", "/healthz", "/readyz", "/startupz"):
            command = [curl(), "--silent", "--fail", "--max-time", "10", self.gateway.http + path]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(done.returncode, 0, path)
            self.assertIsInstance(json.loads(done.stdout), dict)

    def test_gateway_call_health(self) -> None:
        """Rung 3: JSON with ``ok: true``."""
        outcome = self.good("gateway", "call", "health", "--json")
        self.assertIs(outcome.json["ok"], True)

    def test_health(self) -> None:
        """Rung 4: the readiness probe succeeds the first time, so nothing is polled."""
        self.assertIn("main", self.good("health", within=20).out)
        self.assertIs(self.good("health", "--json", within=20).json["ok"], True)

    def test_gateway_status(self) -> None:
        """Rung 5: the probe reads the hello."""
        self.assertIn("Connectivity probe: ok", self.good("gateway", "status").text)

    def test_gateway_probe(self) -> None:
        """Rung 5: the probe connects without scopes, and says that it did."""
        self.assertIn("Reachable: yes", self.good("gateway", "probe").text)

    def test_unknown_method(self) -> None:
        """Rung 6: the gateway's words reach the person."""
        outcome = self.cli.run("gateway", "call", "no.such.method", seconds=20)
        self.assertEqual(outcome.status, 1)
        self.assertIn("unknown method: no.such.method", outcome.text)

    def test_status(self) -> None:
        """Rung 7: plain and deep status show a reachable gateway."""
        for arguments in (["status"], ["status", "--deep"]):
            self.assertRegex(self.good(*arguments).text, _REACHABLE)

    def test_status_all(self) -> None:
        """Rung 7: the report to paste."""
        text = self.good("status", "--all").text
        self.assertRegex(text, _REACHABLE)
        self.assertNotIn(self.gateway.token, text)

    def test_status_json(self) -> None:
        """Rung 7: for programs."""
        self.assertIs(self.good("status", "--json").json["gateway"]["reachable"], True)

    def test_wrong_token(self) -> None:
        """Rung 8: refused with the reason, and no hanging on."""
        outcome = CommandLine(self.gateway, token="wrong").run("gateway", "call", "health")
        self.assertEqual(outcome.status, 1)
        self.assertIn("unauthorized: gateway token mismatch", outcome.text)


class AgentTests(CommandLineCase):
    """Runs started from the command line."""

    def test_agent_prints_the_answer(self) -> None:
        """Rung 16: the model's text on standard output."""
        outcome = self.cli.run("agent", "--agent", "main", "--message", "hi")
        self.assertEqual(outcome.status, 0, outcome.text)
        self.assertIn(REPLY, outcome.out)

    def test_agent_json(self) -> None:
        """Rung 17: the final response for programs."""
        outcome = self.cli.run("agent", "--agent", "main", "--message", "hi", "--json")
        self.assertEqual(outcome.status, 0, outcome.text)
        self.assertEqual(outcome.json["status"], "ok")
        self.assertEqual(outcome.json["result"]["payloads"][0]["text"], REPLY)

    def test_call_expect_final(self) -> None:
        """Rung 17: the second response with the same id is the one printed."""
        params = {"message": "hi", "agentId": "main", "idempotencyKey": "call-1"}
        command = ["gateway", "call", "agent", "--expect-final", "--json"]
        outcome = self.cli.run(*command, "--params", json.dumps(params))
        self.assertEqual(outcome.status, 0, outcome.text)
        self.assertEqual((outcome.json["runId"], outcome.json["status"]), ("call-1", "ok"))
        self.assertEqual(outcome.json["result"]["payloads"][0]["text"], REPLY)

    def test_model_failure_is_told(self) -> None:
        """A model that fails ends the run with an error, not with silence."""
        params = {"message": "please [error=400] now", "idempotencyKey": "call-2"}
        params["sessionKey"] = "agent:main:failing"
        command = ["gateway", "call", "agent", "--expect-final", "--params", json.dumps(params)]
        outcome = self.cli.run(*command)
        self.assertEqual(outcome.status, 1, outcome.text)
        self.assertIn("Gateway call failed", outcome.text)

    def test_remote_mode(self) -> None:
        """Rung 39: a command line that knows only address and token."""
        remote = CommandLine(self.gateway, remote=True)
        health = remote.run("health", "--json")
        self.assertEqual(health.status, 0, health.text)
        models = remote.run("models", "list")
        self.assertEqual(models.status, 0, models.text)
        self.assertIn("mock/mock-1", models.out)
        agent = remote.run("agent", "--agent", "main", "--message", "hi")
        self.assertEqual(agent.status, 0, agent.text)
        self.assertIn(REPLY, agent.out)


class SystemTests(CommandLineCase):
    """``openclaw system``: presence, events, heartbeats (rung 21)."""

    def test_presence(self) -> None:
        """Rung 21: a bare list, the gateway first."""
        outcome = self.cli.run("system", "presence", "--json")
        self.assertEqual(outcome.status, 0, outcome.text)
        self.assertEqual(outcome.json[0]["mode"], "gateway")
        self.assertEqual(outcome.json[0]["reason"], "self")

    def test_event(self) -> None:
        """Rung 21: an event is taken."""
        outcome = self.cli.run("system", "event", "--text", "hello", "--mode", "next-heartbeat")
        self.assertEqual(outcome.status, 0, outcome.text)
        self.assertIn("ok", outcome.out)

    def test_last_heartbeat(self) -> None:
        """Rung 21: an object, or ``null`` when there was none."""
        outcome = self.cli.run("system", "heartbeat", "last", "--json")
        self.assertEqual(outcome.status, 0, outcome.text)
        self.assertTrue(outcome.json is None or "ts" in outcome.json)

    def test_heartbeats_off_and_on(self) -> None:
        """Rung 21: the switch says what it did."""
        for word, enabled in (("disable", False), ("enable", True)):
            outcome = self.cli.run("system", "heartbeat", word, "--json")
            self.assertEqual(outcome.status, 0, outcome.text)
            self.assertEqual(outcome.json, {"ok": True, "enabled": enabled})


class LogTests(CommandLineCase):
    """``openclaw logs`` (rung 22)."""

    def test_last_lines(self) -> None:
        """Rung 22: some lines, as text."""
        outcome = self.cli.run("logs", "--limit", "5")
        self.assertEqual(outcome.status, 0, outcome.text)
        self.assertGreaterEqual(len(outcome.out.splitlines()), 2, outcome.out)

    def test_json(self) -> None:
        """Rung 22: file and cursor first, then lines with time, level and message."""
        outcome = self.cli.run("logs", "--limit", "3", "--json")
        self.assertEqual(outcome.status, 0, outcome.text)
        rows = [json.loads(line) for line in outcome.out.splitlines()]
        self.assertEqual(rows[0]["type"], "meta")
        self.assertGreater(rows[0]["cursor"], 0)
        logged = [row for row in rows if row["type"] == "log"]
        self.assertTrue(1 <= len(logged) <= 3, rows)
        for row in logged:
            self.assertTrue(row["time"] and row["level"] and row["message"], row)

    def test_follow(self) -> None:
        """Rung 22: what is logged later arrives, so the cursor moves."""
        output = self.gateway.directory / "follow.log"
        follower = self.cli.start(
            "logs", "--follow", "--json", "--limit", "1", "--interval", "300", output=output
        )
        try:
            self.wait_for_lines(output, 2)
            before = len(output.read_text().splitlines())
            refused = self.dial()
            self.hello(refused, self.backend(auth={"token": "wrong"}))
            self.wait_for_lines(output, before + 1)
        finally:
            follower.terminate()
            follower.wait(20)

    def wait_for_lines(self, output: Path, count: int) -> None:
        """Wait until a file has so many whole lines."""
        deadline = time.monotonic() + 30
        while output.read_text().count("\n") < count:
            self.assertLess(time.monotonic(), deadline, output.read_text()[-1000:])
            time.sleep(0.1)


class ChannelTests(CommandLineCase):
    """``openclaw channels`` and sending, where no channel is configured (rung 32)."""

    def test_lists_and_status(self) -> None:
        """Rung 32: the gateway is asked, and there is none."""
        for words in (["status"], ["status", "--probe"], ["list"]):
            outcome = self.cli.run("channels", *words)
            self.assertEqual(outcome.status, 0, outcome.text)
        self.assertIn("channelAccounts", self.cli.run("channels", "status", "--json").json)

    def test_sending_without_a_channel(self) -> None:
        """Rung 32: which channel is asked for, and one that is not there is named."""
        for channel, words in (
            ({}, "Channel is required"),
            ({"channel": "x"}, "channel: x"),
            ({"channel": "webchat"}, "unsupported channel: webchat (internal-only)"),
        ):
            params = {"to": "ada", "message": "hi", "idempotencyKey": "send-1", **channel}
            command = ["gateway", "call", "send", "--params", json.dumps(params)]
            outcome = self.cli.run(*command, seconds=20)
            self.assertEqual(outcome.status, 1)
            self.assertIn(words, outcome.text)
