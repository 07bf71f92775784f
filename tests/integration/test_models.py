"""A whole gateway with models behind it: which one answers, and what nobody may see."""

from typing import Any

from twisted.internet.defer import maybeDeferred

from openclaw.cli.tunnel import find_free_port
from openclaw.client.gateway import GatewayClient
from openclaw.deferreds import deferred
from tests.http.upstream import Counting
from tests.integration.running import Running, reactor
from tests.integration.test_start import PlaceCase, files_below
from tests.standins.behaviour import REPLY
from tests.standins.model import site

KEYS = {
    "OPENAI": "sk-canary-openai-71c3",
    "CLAUDE": "sk-canary-claude-88ab",
    "HEAD": "canary-header-9d20",
}


class ModelsTests(PlaceCase):
    """The stand-in on loopback, asked through a gateway."""

    def setUp(self) -> None:
        super().setUp()
        self.site = Counting(site(reactor))
        self.port = reactor.listenTCP(0, self.site, interface="127.0.0.1")
        self.addCleanup(self.stop)
        url = f"http://127.0.0.1:{self.port.getHost().port}"
        self.place.configure(
            {
                "models": {
                    "providers": {
                        "dead": {
                            "baseUrl": f"http://127.0.0.1:{find_free_port()}/v1",
                            "apiKey": "${OPENAI}",
                            "models": [{"id": "gone"}],
                        },
                        "claude": {
                            "baseUrl": url,
                            "api": "anthropic-messages",
                            "apiKey": "${CLAUDE}",
                            "models": [
                                {
                                    "id": "mock-1",
                                    "contextWindow": 9000,
                                    "input": ["text", "image"],
                                    "reasoning": True,
                                    "headers": {"X-Own": "${HEAD}"},
                                }
                            ],
                        },
                        "gpt": {
                            "baseUrl": f"{url}/v1",
                            "api": "openai-responses",
                            "apiKey": "${OPENAI}",
                            "models": [{"id": "mock-1"}],
                        },
                    }
                },
                "agents": {
                    "defaults": {
                        "model": {"primary": "dead/gone", "fallbacks": ["claude/mock-1"]},
                        "models": {"gpt/mock-1": {"alias": "spare"}},
                    },
                    "list": [{"id": "main", "default": True}, {"id": "ops", "model": "spare"}],
                },
            }
        )

    @deferred
    async def stop(self) -> None:
        """End the stand-in."""
        await maybeDeferred(self.port.stopListening)
        await self.site.close()

    async def begin(self) -> tuple[Running, GatewayClient]:
        """A gateway, and somebody connected to it."""
        running = await self.started(**KEYS)
        client = self.place.client()
        await client.connect()
        self.addCleanup(client.close)
        return running, client

    async def say(self, client: GatewayClient, key: str, number: int, text: str) -> Any:
        """Say something, and give the latest message of the conversation."""
        run = {"sessionKey": key, "message": text, "idempotencyKey": f"r{number}"}
        await client.request("chat.send", run)
        await client.request("agent.wait", {"runId": f"r{number}", "timeoutMs": 20_000})
        history: Any = await client.request("chat.history", {"sessionKey": key})
        return history["messages"][-1]

    async def test_who_answers_and_what_is_listed(self) -> None:
        running, client = await self.begin()
        listed: Any = await client.request("models.list", {})
        rows = {f"{row['provider']}/{row['id']}": row for row in listed["models"]}
        self.assertEqual(rows["dead/gone"]["tags"], ["default"])
        self.assertEqual(rows["claude/mock-1"]["tags"], ["fallback#1"])
        self.assertEqual(rows["gpt/mock-1"]["tags"], ["alias:spare"])
        claude = rows["claude/mock-1"]
        self.assertEqual((claude["contextWindow"], claude["reasoning"]), (9000, True))
        self.assertEqual((claude["input"], claude["available"]), (["text", "image"], True))

        said = await self.say(client, "main", 1, "hello")
        self.assertEqual(said["content"], [{"type": "text", "text": REPLY}])
        self.assertEqual((said["provider"], said["model"]), ("claude", "mock-1"))
        said = await self.say(client, "agent:ops:main", 2, "hello")
        self.assertEqual((said["provider"], said["model"]), ("gpt", "mock-1"))
        agents: Any = await client.request("agents.list", {})
        models = {row["id"]: row["model"]["primary"] for row in agents["agents"]}
        self.assertEqual(models, {"main": "dead/gone", "ops": "gpt/mock-1"})
        self.assertEqual((await running.stop()).status, 0, running.printed)

    async def test_no_key_is_anywhere(self) -> None:
        running, client = await self.begin()
        for number, text in enumerate(["hello", "[error=401]", "[reset]", "[garbage]"]):
            for key in ("main", "agent:ops:main"):
                await self.say(client, key, number * 2 + (key != "main"), text)
        await client.close()
        self.assertEqual((await running.stop()).status, 0, running.printed)
        written = [path.read_bytes() for path in files_below(self.place.state)]
        self.assertGreater(len(written), 3)
        for canary in KEYS.values():
            self.assertNotIn(canary, running.printed)
            self.assertFalse(any(canary.encode() in data for data in written), canary)
