"""A gateway whose journal is sealed, and canaries in every place that could give a secret away."""

import json
import os
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater

from openclaw.client.address import GatewayAddress
from openclaw.client.dial import Dialer
from openclaw.client.errors import ClientError
from openclaw.client.gateway import GatewayClient
from openclaw.client.settings import Credentials, Introduction
from openclaw.protocol.methods import METHODS
from openclaw.protocol.scopes import ADMIN, APPROVALS, PAIRING, READ, WRITE
from tests.integration.running import Ended, Running, fetch, reactor, run
from tests.integration.test_start import PlaceCase, files_below

SAID = "CANARY-said-in-a-conversation"
LABEL = "CANARY-label-of-a-session"
SEALED: dict[str, Any] = {"security": {"transport": {"encryption": {"storage": "aes-256-gcm"}}}}
KEY = b64encode(bytes(range(32))).decode()

# Every place of the configuration where a secret may stand.
SECRETS = {
    "token": "CANARY-0-gateway-token",
    "provider": "CANARY-1-provider-key",
    "header": "CANARY-2-provider-header",
    "remote": "CANARY-3-remote-token",
    "password": "CANARY-4-remote-password",
    "channel": "CANARY-5-channel-token",
    "file": "CANARY-6-from-a-file",
    "environment": "CANARY-7-from-the-environment",
}


class SealingCase(PlaceCase):
    async def connected(self) -> GatewayClient:
        introduction = Introduction(
            credentials=Credentials(token=self.place.token),
            scopes=(READ, WRITE, ADMIN, APPROVALS, PAIRING),
        )
        address = GatewayAddress("127.0.0.1", self.place.port)
        client = GatewayClient(Dialer(address, introduction, reactor))
        await client.connect()
        self.addCleanup(client.close)
        return client

    async def talk(self, number: int) -> None:
        """Say something, with a canary in everything that people write."""
        client = await self.connected()
        run = {"sessionKey": "main", "message": f"{SAID}-{number}", "idempotencyKey": f"r{number}"}
        await client.request("chat.send", run)
        await client.request("agent.wait", {"runId": f"r{number}", "timeoutMs": 10_000})
        await client.request("sessions.patch", {"key": "main", "label": f"{LABEL}-{number}"})
        await client.close()

    async def heard(self) -> str:
        """All of the conversation, and the session."""
        client = await self.connected()
        history = await client.request("chat.history", {"sessionKey": "main"})
        sessions = await client.request("sessions.list", {})
        await client.close()
        return json.dumps([history, sessions])

    def leaks(self, *canaries: str) -> list[tuple[str, str]]:
        """Every file below the state directory that holds a canary, with it."""
        found = [(path, path.read_bytes()) for path in files_below(self.place.state)]
        return [
            (path.name, canary)
            for path, data in found
            for canary in canaries
            for spelling in (canary.encode(), canary.encode("utf-16-le"), canary[::-1].encode())
            if spelling in data
        ]

    async def stopped(self, running: Running) -> None:
        self.assertEqual((await running.stop()).status, 0, running.printed)


class SealedGatewayTests(SealingCase):
    async def test_nothing_said_is_in_any_file(self) -> None:
        self.place.configure(SEALED)
        running = await self.started()
        for number in range(3):
            await self.talk(number)
        self.assertEqual(self.leaks(SAID, LABEL, self.place.token), [])
        names = {path.name for path in files_below(self.place.state)}
        self.assertTrue({"journal.sqlite", "journal.sqlite-wal", "gateway.log"} <= names, names)
        await self.stopped(running)
        self.assertEqual(self.leaks(SAID, LABEL, self.place.token), [])

        again = await self.started()
        heard = await self.heard()
        self.assertTrue(f"{SAID}-0" in heard and f"{LABEL}-2" in heard)
        await self.stopped(again)

    async def test_a_plain_journal_is_sealed_when_it_is_turned_on(self) -> None:
        self.place.configure({})
        plain = await self.started()
        await self.talk(1)
        await self.stopped(plain)
        self.assertNotEqual(self.leaks(SAID), [])
        self.place.configure(SEALED)
        running = await self.started()
        self.assertEqual(self.leaks(SAID, LABEL), [])
        self.assertIn(f"{SAID}-1", await self.heard())
        await self.stopped(running)

    async def test_missing_and_wrong_keys_refuse_to_start(self) -> None:
        self.place.configure(SEALED)
        running = await self.started()
        await self.talk(1)
        await self.stopped(running)
        keys = self.place.own / "encryption-keys"
        kept = keys.read_bytes()

        keys.unlink()
        self.assertEqual(await self.refused(), Ended(78, None))
        self.assertFalse(keys.exists())
        keys.write_text(KEY)
        self.assertEqual(await self.refused(), Ended(1, None))
        keys.write_text("no key at all")
        self.assertEqual(await self.refused(), Ended(1, None))
        keys.write_bytes(kept)
        self.place.configure({})
        self.assertEqual(await self.refused(), Ended(78, None))

        self.place.configure(SEALED)
        again = await self.started()
        self.assertIn(f"{SAID}-1", await self.heard())
        await self.stopped(again)

    async def test_sealing_is_turned_off_by_a_command(self) -> None:
        self.place.configure(SEALED)
        running = await self.started()
        await self.talk(1)
        status, words = await self.unseal()
        self.assertEqual(status, 1)
        self.assertIn("stop", words)
        await self.stopped(running)

        self.place.configure({})  # Its keys are found all the same.
        self.assertEqual(await self.refused(), Ended(78, None))
        status, words = await self.unseal()
        self.assertEqual((status, "plain text" in words), (0, True), words)
        self.assertNotEqual(self.leaks(SAID), [])
        again = await self.started()
        self.assertIn(f"{SAID}-1", await self.heard())
        client = await self.connected()
        self.assertEqual((await client.request("encryption.status", {}))["storage"], "none")
        self.assertTrue((await client.request("audit.verify", {}))["ok"])
        await client.close()
        await self.stopped(again)
        status, words = await self.unseal()
        self.assertEqual((status, "not sealed" in words), (1, True), words)

    async def unseal(self) -> tuple[int, str]:
        """Run the command; its status, and what it said."""
        command = [sys.executable, "-m", "openclaw.cli", "encryption", "unseal"]
        running = run(
            [*command, "--state-dir", str(self.place.state)],
            self.place.environment(),
            self.place.directory,
        )
        ended = await running.ended()
        assert ended.status is not None
        self.assertNotIn("Traceback", running.err)
        return ended.status, running.printed

    async def refused(self) -> Ended:
        running = self.start(*self.place.options())
        ended = await running.ended()
        self.assertIn("key" if "does not hold" in running.err else "sealed", running.err)
        self.assertNotIn("Traceback", running.err)
        return ended

    async def test_the_key_from_the_environment(self) -> None:
        encryption = {"storage": "aes-256-gcm", "masterKey": "${SEAL}"}
        self.place.configure({"security": {"encryption": encryption}})
        running = await self.started(SEAL=KEY)
        await self.talk(1)
        self.assertEqual(self.leaks(SAID, KEY), [])
        self.assertFalse((self.place.own / "encryption-keys").exists())
        await self.stopped(running)
        missing = self.start(*self.place.options())
        self.assertEqual(await missing.ended(), Ended(78, None))
        self.assertIn("SEAL", missing.err)

    async def test_rotation_while_it_runs_and_after_a_kill(self) -> None:
        self.place.configure(SEALED)
        running = await self.started()
        await self.talk(1)
        client = await self.connected()
        before = (await client.request("encryption.status", {}))["keyId"]
        await client.request("encryption.rotate", {})
        await client.close()
        await running.stop("KILL")  # Perhaps in the middle, perhaps just after.

        running = await self.started()
        client = await self.connected()
        while (status := await client.request("encryption.status", {}))["rotating"]:
            await deferLater(reactor, 0.05)
        self.assertNotEqual(status["keyId"], before)
        await client.close()
        lines = (self.place.own / "encryption-keys").read_text().splitlines()
        self.assertEqual(len([line for line in lines if not line.startswith("#")]), 1)
        self.assertIn(f"{SAID}-1", await self.heard())
        await self.stopped(running)


class SecretTests(SealingCase):
    """No secret of the configuration leaves the process, nor stands in a file that we write."""

    def setUp(self) -> None:
        super().setUp()
        self.place.token = SECRETS["token"]
        self.secret_file = Path(self.place.directory) / "a-secret"
        self.secret_file.write_text(SECRETS["file"] + "\n")

    def tree(self) -> dict[str, Any]:
        def provider(key: object) -> dict[str, Any]:
            headers = {"X-Key": SECRETS["header"]}
            return {"baseUrl": "http://127.0.0.1:9/v1", "apiKey": key, "headers": headers}

        return {
            "gateway": {
                "auth": {"token": SECRETS["token"]},
                "remote": {"token": SECRETS["remote"], "password": SECRETS["password"]},
            },
            "models": {
                "providers": {
                    "one": {**provider(SECRETS["provider"]), "models": [{"id": "m", "name": "M"}]},
                    "two": provider({"source": "file", "path": str(self.secret_file)}),
                    "three": provider("${CANARY_KEY}"),
                }
            },
            "agents": {"defaults": {"model": {"primary": "one/m"}}},
            "channels": {"telegram": {"botToken": SECRETS["channel"]}},
            "security": {"encryption": {"storage": "aes-256-gcm", "masterKey": KEY}},
            "logging": {"level": "debug"},
        }

    async def test_nothing_shows_anywhere(self) -> None:
        config = self.place.configure(self.tree())
        options = ["--state-dir", str(self.place.state), "--port", str(self.place.port)]
        environment = {"CANARY_KEY": SECRETS["environment"]}
        running = await self.place.ready(self.watched(self.start(*options, **environment)))
        seen = [*await self.every_method(), *await self.every_page()]
        await self.talk(1)
        seen += await self.every_method()
        await self.stopped(running)
        seen += [running.out, running.err]
        secrets = [*SECRETS.values(), KEY]
        for text in seen:
            self.assertEqual([one for one in secrets if one in text], [], text[:200])
        config.unlink()
        self.assertEqual(self.leaks(*secrets), [])
        modes = {oct(path.stat().st_mode & 0o077) for path in self.place.own.rglob("*")}
        self.assertEqual(modes, {"0o0"})

    async def every_method(self) -> list[str]:
        """What each method answers, or how it refuses, given nothing and given nonsense."""
        client = await self.connected()
        answers = []
        for name in METHODS:
            if name == "dashboard.link":
                continue
            for params in ({}, {"limit": 1000, "maxBytes": 1_000_000}, {"x": SAID}):
                try:
                    answers.append(json.dumps(await client.request(name, params)))
                except ClientError as error:
                    answers.append(str(error))
        await client.close()
        self.assertGreater(len(answers), 100)
        return answers

    async def every_page(self) -> list[str]:
        """What each route answers, without and with credentials, good and bad."""
        paths = [
            *("/", "/health", "/healthz", "/ready", "/readyz", "/chat/", "/nothing", "/metrics"),
            *("/v1/models", "/v1/chat/completions", "/v1/responses", "/hooks/x", "/webhook/x"),
        ]
        bearers = ("", f"Bearer {SECRETS['token']}", "Bearer wrong")
        pages = []
        for path in paths:
            for bearer in bearers:
                answer = await fetch(self.place.port, path, Authorization=bearer)
                pages.append(f"{answer.status} {dict(answer.headers)} {answer.body!r}")
        return pages


class ReferenceTests(SealingCase):
    async def test_a_token_from_a_file_admits(self) -> None:
        secrets = Path(self.place.directory) / "secrets.json"
        secrets.write_text(json.dumps({"gateway": {"tokens": ["x", "token-of-the-pointer-1"]}}))
        reference = {"source": "file", "path": str(secrets), "id": "/gateway/tokens/1"}
        self.place.configure({"gateway": {"auth": {"token": reference}}})
        options = ["--state-dir", str(self.place.state), "--port", str(self.place.port)]
        await self.place.ready(self.watched(self.start(*options)))
        self.assertTrue(await self.admits(self.place.port, "token-of-the-pointer-1"))
        self.assertFalse(await self.admits(self.place.port, "x"))

    async def test_a_secret_that_is_not_there_names_its_place(self) -> None:
        missing = os.path.join(str(self.place.directory), "gone")
        reference = {"source": "file", "path": missing}
        self.place.configure({"gateway": {"auth": {"token": reference}}})
        running = self.start("--state-dir", str(self.place.state))
        self.assertEqual(await running.ended(), Ended(78, None))
        self.assertIn("gateway.auth.token", running.err)
        self.assertIn(missing, running.err)
