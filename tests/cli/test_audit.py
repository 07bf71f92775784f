"""``gateway audit`` and ``encryption`` against a real gateway, and the checks without one."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from tests.cli.running import Ran, child_environment, run_here
from tests.integration.running import TOKEN
from tests.integration.test_start import PlaceCase

SEALED = {"security": {"encryption": {"storage": "aes-256-gcm"}}}


class WithGatewayTests(PlaceCase):
    async def asked(self, *arguments: str, token: str = TOKEN) -> Ran:
        """Ask the gateway of this place."""
        url = f"ws://127.0.0.1:{self.place.port}"
        where = ("--state-dir", str(self.place.state), "--url", url, "--token", token)
        out, err, status = await getProcessOutputAndValue(
            sys.executable,
            ("-m", "openclaw.cli", *arguments, *where),
            env={**child_environment(self.place.home), "COLUMNS": "400"},
        )
        return Ran(status, out.decode(), err.decode())

    async def test_the_trail_shows_who_came_and_who_did_not(self) -> None:
        await self.started()
        await self.asked("status", token="a-wrong-one-0123456789")
        listed = await self.asked("gateway", "audit", "--json")
        self.assertEqual(listed.status, 0, listed)
        entries = listed.document["entries"]
        kinds = [one["kind"] for one in entries]
        self.assertTrue({"gateway.started", "connect.refused", "connect.admitted"} <= set(kinds))
        refused = entries[kinds.index("connect.refused")]
        self.assertEqual(refused["detail"]["code"], "AUTH_TOKEN_MISMATCH")
        ids = [one["id"] for one in entries]
        self.assertEqual(ids, list(range(1, len(ids) + 1)))

        only = await self.asked("gateway", "audit", "--kind", "connect.refused")
        self.assertIn("AUTH_TOKEN_MISMATCH", only.out)
        self.assertNotIn("gateway.started", only.out)
        later = await self.asked("gateway", "audit", "--json", "--after", str(ids[-1]))
        self.assertEqual(later.document["entries"][0]["id"], ids[-1] + 1)
        whole = await self.asked("gateway", "audit", "--verify")
        self.assertEqual((whole.status, "nothing was altered" in whole.out), (0, True))
        for ran in (listed, only, later):
            self.assertNotIn(TOKEN, ran.out + ran.err)
            self.assertNotIn("a-wrong-one", ran.out + ran.err)

    async def test_the_trail_survives_and_notes_a_changed_configuration(self) -> None:
        first = await self.started()
        await first.stop()
        self.place.configure({"logging": {"level": "debug"}})
        await self.started()
        entries = (await self.asked("gateway", "audit", "--json")).document["entries"]
        kinds = [one["kind"] for one in entries if one["kind"].startswith(("gateway", "config"))]
        expected = ["gateway.started", "gateway.stopped", "config.changed", "gateway.started"]
        self.assertEqual(kinds, expected)

    async def test_the_checks_ask_the_gateway_as_well(self) -> None:
        await self.started()
        for _ in range(21):
            await self.place_refused()
        ran = await self.asked("gateway", "audit", "--security", "--json")
        found = {one["id"]: one for one in ran.document["findings"]}
        self.assertEqual((ran.status, ran.document["ok"]), (0, True), ran)
        self.assertIn("live.refusals", found)
        self.assertNotIn("live.not-asked", found)
        self.assertIn("auth.token-in-arguments", found)
        self.assertGreaterEqual(ran.document["checks"], 40)

    async def place_refused(self) -> None:
        self.assertFalse(await self.admits(self.place.port, "wrong"))

    async def test_the_key_of_the_journal(self) -> None:
        self.place.configure(SEALED)
        await self.started()
        before = (await self.asked("encryption", "status", "--json")).document
        self.assertEqual(before["storage"], "aes-256-gcm")
        rotated = await self.asked("encryption", "rotate")
        self.assertEqual((rotated.status, "sealed" in rotated.out), (0, True), rotated)
        self.assertIn("still need the key", rotated.err)
        after = (await self.asked("encryption", "status", "--json")).document
        self.assertNotEqual(after["keyId"], before["keyId"])
        entries = (await self.asked("gateway", "audit", "--kind", "encryption")).out
        self.assertIn("encryption.rotate", entries)


class WithoutGatewayTests(TestCase):
    timeout = 120

    def setUp(self) -> None:
        self.home = Path(self.mktemp()).absolute()
        self.own = self.home / ".openclaw/gateway"
        self.own.mkdir(mode=0o700, parents=True)
        self.own.parent.chmod(0o700)

    def configure(self, tree: Any) -> None:
        path = self.home / ".openclaw/openclaw.json"
        path.write_text(json.dumps(tree))
        path.chmod(0o600)

    def security(self, *more: str) -> Ran:
        return run_here(["gateway", "audit", "--security", *more], self.home)

    def test_a_good_installation(self) -> None:
        self.configure({"gateway": {"port": 1}})
        ran = self.security()
        self.assertEqual(ran.status, 0, ran)
        self.assertIn("checks: 2 to know.", ran.out)
        self.assertIn("No gateway was asked", ran.out)

    def test_what_is_critical_fails_the_command(self) -> None:
        self.configure({"gateway": {"port": 1, "host": "0.0.0.0", "auth": {"mode": "none"}}})
        (self.own / "gateway-token").write_text("x")
        (self.own / "gateway-token").chmod(0o644)
        ran = self.security()
        self.assertEqual(ran.status, 1)
        lines = ran.out.splitlines()
        self.assertTrue(lines[0].startswith("critical  "))
        for words in ("(listen.no-auth)", "(files.token-readable)", "→ Set", "chmod go="):
            self.assertIn(words, ran.out)
        document = self.security("--json").document
        self.assertFalse(document["ok"])
        critical = [one for one in document["findings"] if one["severity"] == "critical"]
        self.assertEqual(len(critical), 3)
        self.assertEqual(set(critical[0]), {"id", "severity", "what", "where", "next"})

    def test_a_configuration_that_cannot_be_used_is_a_finding(self) -> None:
        self.configure({"gateway": {"port": "x"}})
        ran = self.security("--json")
        self.assertEqual(ran.status, 1)
        (finding,) = ran.document["findings"]
        self.assertEqual((finding["id"], finding["where"]), ("config.unusable", "gateway.port"))

    def test_a_fresh_key_is_good_and_another_each_time(self) -> None:
        keys = {run_here(["encryption", "key"], self.home).out.strip() for _ in range(3)}
        self.assertEqual((len(keys), {len(key) for key in keys}), (3, {43}))

    def test_what_is_written_to_disk_by_looking(self) -> None:
        before = sorted(os.walk(self.home))
        self.security()
        self.assertEqual(sorted(os.walk(self.home)), before)
