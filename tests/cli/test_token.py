"""``openclaw token`` against the real gateway: who had the old token is out, the owner is not."""

from time import monotonic

from twisted.internet.threads import deferToThread

from openclaw.client.address import GatewayAddress
from openclaw.client.blocking import BlockingClient
from openclaw.client.errors import ConnectionLost, ConnectRefusedByGateway
from openclaw.client.settings import Credentials, Introduction
from tests.cli.test_against_gateway import RealGatewayCase

PATIENCE = 45.0
CONFIGURED = {"gateway": {"auth": {"token": "a-token-of-the-configuration"}}}


class RotationTests(RealGatewayCase):
    """A program that stays connected, and the owner who replaces what it came with."""

    async def port(self) -> int:
        """Where the gateway listens."""
        status = (await self.succeeds("status", "--json", "--timeout", "10s")).document
        return int(status["url"].rpartition(":")[2].rstrip("/"))

    def client(self, port: int, token: str) -> BlockingClient:
        introduction = Introduction(credentials=Credentials(token=token), scopes=("operator.read",))
        client = BlockingClient(GatewayAddress("127.0.0.1", port), introduction)
        self.addCleanup(client.close)
        return client

    async def test_the_old_token_ends_everywhere(self) -> None:
        file = self.home / ".openclaw/gateway/gateway-token"
        old, port = file.read_text().strip(), await self.port()
        inside = self.client(port, old)
        await deferToThread(inside.connect, PATIENCE)
        await deferToThread(inside.request, "status", {}, timeout=PATIENCE)

        done = (await self.succeeds("token", "rotate", "--json")).document
        rotated_at = monotonic()

        self.assertEqual(done["path"], str(file.absolute()))
        new = file.read_text().strip()
        self.assertNotEqual(new, old)
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        # The close frame is in its socket before the command has ended, so within the second.
        with self.assertRaises(ConnectionLost) as lost:
            await deferToThread(inside.request, "status", {}, timeout=PATIENCE)
        self.assertEqual(lost.exception.code, 1008)
        self.assertLess(monotonic() - rotated_at, 1)
        refused = self.client(port, old)
        with self.assertRaises(ConnectRefusedByGateway) as no:
            await deferToThread(refused.connect, PATIENCE)
        self.assertEqual(no.exception.detail_code, "AUTH_TOKEN_MISMATCH")

        # The owner's own commands are asked nothing, before and after a restart.
        await self.succeeds("devices", "list")
        shown = await self.succeeds("token", "rotate")
        self.assertIn(str(file.absolute()), shown.out)
        newest = file.read_text().strip()
        rows = await self.succeeds("gateway", "audit", "--kind", "gateway.token", "--json")
        self.assertEqual(sum(row["count"] for row in rows.document["entries"]), 2)
        log = (self.home / ".openclaw/gateway/logs/gateway.log").read_text()
        for secret in (old, new, newest):
            self.assertNotIn(secret, log + shown.out + shown.err + rows.out)


class ConfiguredTests(RealGatewayCase):
    config = CONFIGURED

    async def test_a_configured_one_is_changed_where_it_stands(self) -> None:
        ran = await self.run_command("token", "rotate")
        self.assertEqual(ran.status, 1)
        self.assertIn("gateway.auth.token", ran.err)
        self.assertIn("restart", ran.err)
