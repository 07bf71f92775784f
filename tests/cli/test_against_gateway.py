"""The commands against the real gateway: a fresh machine, no token given, nothing asked."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.utils import getProcessOutputAndValue
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from openclaw import __version__
from tests.cli.running import Ran, child_environment, reactor
from tests.stalls.reports import python_path


class Gateway(ProcessProtocol):
    """The gateway in a process of its own, started by our own command."""

    def __init__(self, home: Path) -> None:
        self.output = ""
        self.ready: Deferred[None] = Deferred()
        self.ended: Deferred[int | None] = Deferred()
        self._note = home / ".openclaw/gateway/runtime.json"
        environ = {**child_environment(home), "PYTHONPATH": python_path()}
        arguments = [sys.executable, "-m", "openclaw.cli", "gateway", "--port", "0"]
        self.process = reactor.spawnProcess(self, sys.executable, arguments, environ)
        self._look()

    def outReceived(self, data: bytes) -> None:
        """Keep what it prints, for when it fails."""
        self.output += data.decode(errors="replace")

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        """It is over; too early if nobody asked for it."""
        ended: Any = reason.value
        if not self.ready.called:
            self.ready.errback(AssertionError(f"the gateway ended early: {self.output}"))
        self.ended.callback(ended.exitCode)

    async def stop(self) -> int | None:
        """Ask it to end, and wait."""
        if not self.ended.called:
            self.process.signalProcess("TERM")
        return await self.ended

    def _look(self) -> None:
        """Its note appears once it listens."""
        if self.ready.called:
            return
        if self._note.exists():
            self.ready.callback(None)
        else:
            reactor.callLater(0.05, self._look)


class RealGatewayCase(TestCase):
    """One gateway, and commands of the user whose machine it is.

    :cvar config: what stands in its file; empty: there is none.
    """

    timeout = 120
    config: object = {}

    async def run_command(self, *arguments: str) -> Ran:
        """Run a command as the user of this home would."""
        out, err, status = await getProcessOutputAndValue(
            sys.executable,
            ("-m", "openclaw.cli", *arguments),
            env=child_environment(self.home),
        )
        return Ran(status, out.decode(), err.decode())

    async def succeeds(self, *arguments: str) -> Ran:
        """Run a command that has to end well and quietly."""
        ran = await self.run_command(*arguments)
        self.assertEqual((ran.status, "Traceback" in ran.err), (0, False), (arguments, ran))
        return ran

    async def setUp(self) -> None:  # type: ignore[override]  # trial awaits it
        self.home = Path(self.mktemp())
        state = self.home / ".openclaw"
        state.mkdir(parents=True)
        if self.config:
            (state / "openclaw.json").write_text(json.dumps(self.config))
        self.gateway = Gateway(self.home)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.gateway.stop()))
        await self.gateway.ready


class RealGatewayTests(RealGatewayCase):
    """What is shown is that the two of them fit."""

    async def test_every_command_works_on_a_fresh_machine(self) -> None:
        """Zero prompts: port and token are found."""
        health = (await self.succeeds("health", "--json")).document
        self.assertIs(health["ok"], True)
        self.assertIn("healthy", (await self.succeeds("health")).out)
        status = (await self.succeeds("status", "--json", "--timeout", "10s")).document
        self.assertEqual((status["reachable"], status["version"]), (True, __version__))
        self.assertIn("running", (await self.succeeds("status", "--timeout", "10s")).out)
        self.assertEqual((await self.succeeds("gateway", "health", "--json")).status, 0)
        listed = (await self.succeeds("devices", "list", "--json")).document
        self.assertEqual((listed["pending"], listed["paired"]), ([], []))
        link = (await self.succeeds("dashboard", "--json")).document
        self.assertIn(link["code"], link["url"])
        self.assertIn("/chat/", link["url"])
        again = (await self.succeeds("dashboard")).out.strip()
        self.assertNotEqual(again, link["url"])
        unreachable = await self.run_command("qr")
        self.assertEqual(unreachable.status, 1)
        self.assertIn("--public-url", unreachable.err)
        setup = await self.succeeds("qr", "--json", "--public-url", "wss://gateway.example")
        self.assertEqual(setup.document["gatewayUrl"], "wss://gateway.example")
        presence = (await self.succeeds("gateway", "call", "system-presence")).document
        self.assertEqual(presence[0]["mode"], "gateway")

    async def test_the_web_chat_is_listed_beside_the_platforms(self) -> None:
        """Also where there is none of those."""
        shown = (await self.succeeds("channels", "list")).out
        self.assertIn("No platform is configured", shown)
        self.assertRegex(shown, r"webchat +default +connected +0 open")
        await self.succeeds("channels", "status", "--probe")
        found = (await self.succeeds("channels", "status", "--json")).document
        self.assertEqual(found["channelOrder"], ["webchat"])

    async def test_a_conversation_is_kept_and_listed(self) -> None:
        """Said, answered, listed, logged."""
        answer = (await self.succeeds("chat", "--json", "/help")).document
        self.assertEqual(answer["status"], "final")
        self.assertTrue(answer["text"].strip())
        self.assertTrue((await self.succeeds("chat", "--session", "work", "/status")).out.strip())
        sessions = (await self.succeeds("sessions", "--json")).document["sessions"]
        keys = {row["key"] for row in sessions}
        self.assertEqual(keys, {"agent:main:main", "agent:main:work"})
        shown = await self.succeeds("sessions")
        self.assertIn("agent:main:work", shown.out)
        params = json.dumps({"sessionKey": "agent:main:main", "limit": 10})
        history = await self.succeeds("gateway", "call", "chat.history", "--params", params)
        roles = [message["role"] for message in history.document["messages"]]
        self.assertEqual(roles, ["user", "assistant"])
        run = {"message": "/help", "agentId": "main", "deliver": False, "idempotencyKey": "k-1"}
        outcome = await self.succeeds(
            "gateway", "call", "agent", "--expect-final", "--params", json.dumps(run)
        )
        self.assertEqual((outcome.document["status"], outcome.document["runId"]), ("ok", "k-1"))

    async def test_the_log_is_shown_running_and_stopped(self) -> None:
        """The same lines."""
        lines = (await self.succeeds("logs", "--json", "--limit", "5")).document["lines"]
        self.assertTrue(lines)
        self.assertTrue(all(isinstance(line, dict) for line in lines))
        self.assertTrue((await self.succeeds("logs", "--limit", "5")).out.strip())
        await self.gateway.stop()
        self.assertTrue((await self.succeeds("logs", "--limit", "5")).out.strip())

    async def test_mistakes_get_the_gateways_own_words(self) -> None:
        """Unknown method, bad params, wrong token."""
        ran = await self.run_command("gateway", "call", "no.such.method")
        self.assertEqual(ran.status, 1)
        self.assertIn("unknown method: no.such.method", ran.err)
        ran = await self.run_command("gateway", "call", "chat.history", "--params", "{}")
        self.assertIn("invalid chat.history params", ran.err)
        ran = await self.run_command("health", "--token", "wrong", "--json")
        self.assertEqual((ran.status, ran.document["error"]["code"]), (1, "AUTH_TOKEN_MISMATCH"))

    async def test_it_stops_when_asked_and_that_is_said(self) -> None:
        """Exit status 0, and the commands know."""
        self.assertEqual(await self.gateway.stop(), 0, self.gateway.output)
        ran = await self.run_command("health", "--json", "--url", "ws://127.0.0.1:1")
        self.assertEqual(ran.document["error"]["code"], "GATEWAY_DOWN")
        ran = await self.run_command("status")
        self.assertEqual(ran.status, 1)


class RestartTests(RealGatewayCase):
    """The owner of the machine is never asked anything, however often the gateway restarts."""

    timeout = 900
    RESTARTS = int(os.environ.get("OPENCLAW_TEST_RESTARTS", "5"))
    COMMANDS = (
        ("health", "--json"),
        ("status", "--json", "--timeout", "10s"),
        ("sessions", "--json"),
        ("devices", "list", "--json"),
        ("pairing", "list", "--json"),
        ("dashboard", "--json"),
        ("logs", "--limit", "5"),
        ("gateway", "call", "health"),
        ("gateway", "audit", "--json"),
        ("mfa", "status", "--json"),
        ("encryption", "status", "--json"),
        ("chat", "--json", "/status"),
        ("version",),
    )

    async def test_zero_prompts_after_restarts(self) -> None:
        """Each command reads an empty standard input: a question would end it."""
        for round_number in range(self.RESTARTS):
            arguments = self.COMMANDS[round_number % len(self.COMMANDS)]
            await self.succeeds(*arguments)
            self.assertEqual(await self.gateway.stop(), 0)
            self.gateway = Gateway(self.home)
            await self.gateway.ready
        for arguments in self.COMMANDS:
            await self.succeeds(*arguments)
        listed = (await self.succeeds("devices", "list", "--json")).document
        self.assertEqual((listed["pending"], listed["paired"]), ([], []))
