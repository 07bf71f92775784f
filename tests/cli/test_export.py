"""``openclaw sessions export`` and ``unseal`` against the real gateway, sealed and plain."""

import json
from typing import Any

from twisted.internet.threads import deferToThread

from openclaw.client.address import GatewayAddress
from openclaw.client.blocking import BlockingClient
from openclaw.client.settings import Credentials, Introduction
from openclaw.gateway.methods.exports import _Cursor, _written
from tests.cli.test_against_gateway import RealGatewayCase

KEY = "agent:main:main"
SAID = "CANARY-said-in-a-conversation"
PATIENCE = 45.0
SEALED = {"security": {"encryption": {"session": "chacha20-poly1305"}}}


class ExportCase(RealGatewayCase):
    async def setUp(self) -> None:  # type: ignore[override]  # trial awaits it
        await super().setUp()
        await self.succeeds("chat", "--json", f"/help {SAID}")
        self.file = self.home / "export"

    def lines(self, text: str) -> list[Any]:
        """The lines of an export."""
        return [json.loads(line) for line in text.splitlines()]


class PlainTests(ExportCase):
    async def test_a_conversation_as_lines_of_json(self) -> None:
        shown = await self.succeeds("sessions", "export", KEY)
        head, *messages, end = self.lines(shown.out)
        self.assertEqual((head["key"], end["type"]), (KEY, "end"))
        self.assertEqual([one["message"]["role"] for one in messages], ["user", "assistant"])
        self.assertIn(SAID, shown.out)
        ran = await self.succeeds("sessions", "export", "main", "--out", str(self.file), "--json")
        self.assertEqual(ran.document, {"path": str(self.file), "sealed": "none"})
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.lines(self.file.read_text())[1:], [*messages, end])

        refused = await self.run_command("sessions", "unseal", str(self.file))
        self.assertEqual(refused.status, 1)
        self.assertIn("no sealed export", refused.err)
        listed = (await self.succeeds("sessions", "--json")).document["sessions"]
        self.assertEqual([row["key"] for row in listed], [KEY])

    async def test_what_cannot_be_written_or_read_is_said(self) -> None:
        self.file.write_text("mine")
        for arguments, words in (
            (("export", KEY, "--out", str(self.file)), "exists already"),
            (("export", KEY, "--out", str(self.file / "x")), "Cannot write"),
            (("export", "agent:main:never"), "No session found"),
        ):
            ran = await self.run_command("sessions", *arguments)
            self.assertEqual((ran.status, words in ran.err), (1, True), ran)
        self.assertEqual(self.file.read_text(), "mine")
        self.assertEqual({one.name for one in self.home.iterdir()}, {".openclaw", "export"})
        forged = _written(_Cursor(export_id="x", session_id="other", part=1, after=1))
        for cursor in ("nonsense", forged, "e30="):
            params = json.dumps({"key": KEY, "cursor": cursor})
            ran = await self.run_command("gateway", "call", "sessions.export", "--params", params)
            self.assertEqual(ran.status, 1)


class SealedTests(ExportCase):
    config = SEALED

    async def export(self) -> list[str]:
        """Export into the file; its lines."""
        self.file.unlink(missing_ok=True)
        await self.succeeds("sessions", "export", KEY, "--out", str(self.file))
        return self.file.read_text().splitlines()

    async def test_nobody_reads_it_without_the_key(self) -> None:
        head, *parts = await self.export()
        self.assertNotIn(SAID, self.file.read_text())
        self.assertEqual(json.loads(head)["algorithm"], "chacha20-poly1305")
        opened = await self.succeeds("sessions", "unseal", str(self.file))
        self.assertIn(SAID, opened.out)
        self.assertEqual(self.lines(opened.out)[-1], {"type": "end"})
        self.assertEqual(len(parts), 1)
        status = (await self.succeeds("encryption", "status", "--json")).document
        self.assertEqual((status["storage"], status["session"]), ("none", "chacha20-poly1305"))
        self.assertIn("chacha20-poly1305", (await self.succeeds("encryption", "status")).out)

        keys = self.home / ".openclaw/gateway/encryption-keys-sessions"
        self.assertEqual(keys.stat().st_mode & 0o777, 0o600)
        kept = keys.read_text()
        keys.write_text("k" * 43 + "\n")
        refused = await self.run_command("sessions", "unseal", str(self.file))
        self.assertEqual(refused.status, 1)
        self.assertIn("sealed with key", refused.err)
        self.assertNotIn(SAID, refused.out + refused.err)
        keys.write_text(kept)

        rows = await self.succeeds("gateway", "audit", "--kind", "sessions", "--json")
        kinds = {row["kind"] for row in rows.document["entries"]}
        self.assertEqual(kinds, {"sessions.export", "sessions.unseal"})

    async def test_a_file_that_was_tampered_with_does_not_open(self) -> None:
        await self.long_conversation()
        head, *parts = await self.export()
        self.assertGreater(len(parts), 1)
        other = (await self.export())[1:]
        out = self.home / "opened"
        for tampered in (
            parts[:-1],
            parts[1:],
            list(reversed(parts)),
            [other[0], *parts[1:]],
            [*parts, parts[-1]],
            [parts[0][:-8] + "AAAAAAA=", *parts[1:]],
        ):
            self.file.write_text("\n".join([head, *tampered]) + "\n")
            ran = await self.run_command("sessions", "unseal", str(self.file), "--out", str(out))
            self.assertEqual((ran.status, out.exists()), (1, False), ran)
        self.file.write_text("\n".join([head, *parts]) + "\n")
        await self.succeeds("sessions", "unseal", str(self.file), "--out", str(out))
        self.assertEqual(out.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.lines(out.read_text())[-1], {"type": "end"})

    async def long_conversation(self) -> None:
        """Say more than goes into one part."""
        note = json.loads((self.home / ".openclaw/gateway/runtime.json").read_text())
        token = (self.home / ".openclaw/gateway/gateway-token").read_text().strip()
        introduction = Introduction(
            credentials=Credentials(token=token), scopes=("operator.write",)
        )

        def say() -> None:
            client = BlockingClient(GatewayAddress("127.0.0.1", note["port"]), introduction)
            client.connect(PATIENCE)
            for number in range(3):
                named = {"idempotencyKey": f"run-{number}", "message": f"/help {'x' * 600_000}"}
                client.request("chat.send", {"sessionKey": KEY, **named}, timeout=PATIENCE)
                client.request("agent.wait", {"runId": f"run-{number}"}, timeout=PATIENCE)
            client.close()

        await deferToThread(say)
