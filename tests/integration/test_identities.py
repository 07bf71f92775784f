"""A whole gateway, started for real: people whom others vouch for, on both of its ports."""

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from openclaw.cli.tunnel import find_free_port
from openclaw.client.address import GatewayAddress
from openclaw.client.blocking import BlockingClient
from openclaw.client.errors import ConnectRefusedByGateway
from openclaw.client.settings import Credentials, Introduction
from tests.cli.test_against_gateway import Gateway
from tests.security.identities.provider import ALICE, CLIENT, ISSUER, key_set, token


def fresh(**changes: Any) -> str:
    """An ID token of now."""
    now = int(time.time())
    return token(**{"iat": now - 10, "exp": now + 600, **changes})


class IdentityTests(TestCase):
    timeout = 120

    async def setUp(self) -> None:  # type: ignore[override]  # trial awaits it
        self.home = Path(self.mktemp())
        state = self.home / ".openclaw"
        state.mkdir(parents=True)
        (state / "keys.json").write_text(json.dumps(key_set()))
        self.serve_port = find_free_port()
        oidc = {
            "issuer": ISSUER,
            "audience": CLIENT,
            "jwks": "~/.openclaw/keys.json",
            "scopes": {ALICE: ["read"]},
        }
        tree = {
            "access": {"authentication": {"oidc": oidc}},
            "gateway": {
                "tailscale": {"mode": "serve", "port": self.serve_port},
                "auth": {"identityScopes": {"alice@b.example": ["read"]}},
            },
        }
        (state / "openclaw.json").write_text(json.dumps(tree))
        self.gateway = Gateway(self.home)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.gateway.stop()))
        await self.gateway.ready
        runtime = json.loads((state / "gateway/runtime.json").read_text())
        self.port = int(runtime["port"])

    def connect(self, text: str) -> tuple[str, ...]:
        """Sign in by an ID token over a WebSocket; the scopes that were granted."""
        introduction = Introduction(
            credentials=Credentials(token=text), scopes=("operator.read", "operator.admin")
        )
        client = BlockingClient(GatewayAddress("127.0.0.1", self.port), introduction)
        try:
            granted = client.connect(10).scopes
            client.request("status")
        finally:
            client.close()
        return tuple(granted)

    def ask(self, port: int, **headers: str) -> Any:
        """The health of a gateway, as it is told to somebody."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/health", headers=named)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    async def test_an_id_token_signs_in(self) -> None:
        granted = await deferToThread(self.connect, fresh())
        self.assertEqual(granted, ("operator.read",))
        with self.assertRaises(ConnectRefusedByGateway) as caught:
            await deferToThread(self.connect, fresh(sub="mallory"))
        refused = caught.exception
        self.assertEqual(refused.detail_code, "AUTH_OIDC_SUBJECT")
        self.assertIn("access.authentication.oidc.scopes", refused.next_step)
        told = await deferToThread(self.ask, self.port, Authorization=f"Bearer {fresh()}")
        self.assertIn("uptime", told)

    async def test_tailscale_has_a_port_of_its_own(self) -> None:
        alice = {"Tailscale_User_Login": "alice@b.example", "X_Forwarded_For": "100.64.0.7"}
        told = await deferToThread(self.ask, self.serve_port, **alice)
        self.assertEqual(told, {"ok": True, "status": "healthy"})  # Probes believe bearers only.
        self.assertEqual(await deferToThread(self.ask, self.port, **alice), 403)
        self.assertIn("uptime", await deferToThread(self.ask, self.port))
        self.assertNotIn("uptime", await deferToThread(self.ask, self.serve_port))
