"""Two hundred conversations at a time, each with a secret that is never seen in another one.

The model repeats every secret that it is shown, so that what leaks into a conversation comes out of
it, and writes the first one down. When a conversation has started over, only what was written down
in it is known. ``OPENCLAW_TEST_CANARIES`` says how many conversations.
"""

import json
import os
import random
import secrets
import sys
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.server import Request

from openclaw.channels.counterpart import Shown
from openclaw.client.frames import Event
from openclaw.client.gateway import GatewayClient
from tests.faults.bystanders import WatchedTelegram
from tests.faults.canaries import Aviary, tokens_in
from tests.faults.model_server import ModelServer, end, write
from tests.integration.running import Place, Running, model_configuration, reactor, run

SESSIONS = int(os.environ.get("OPENCLAW_TEST_CANARIES") or 200)
ROUNDS = 3
SECONDS = 90.0
EVERYTHING = ("operator.admin", "operator.read", "operator.write")


class Parrot(ModelServer):
    """A model that repeats every secret it is shown, bit by bit."""

    def __init__(self, aviary: Aviary) -> None:
        super().__init__(reactor)
        self._aviary = aviary
        self._chance = random.Random(1)

    def say(self, asked: Any, request: Request) -> None:
        """Begin to answer."""
        messages = asked["messages"]
        self._aviary.conversation(messages)
        request.notifyFinish().addErrback(lambda _: None)
        tokens = sorted(tokens_in(json.dumps(messages)))
        if self._writes(asked):
            arguments = json.dumps({"text": f"the secret {tokens[0]}"})
            end(request, {"name": "memory_set", "arguments": arguments})
            return
        self._go_on(request, [f"{word} " for word in ("I know", *tokens, "and nothing else.")])

    def _writes(self, asked: Any) -> bool:
        """Whether it is the first answer of a conversation that has a memory."""
        tools = {one["function"]["name"] for one in asked.get("tools", ())}
        roles = {one["role"] for one in asked["messages"]}
        begins = not roles & {"assistant", "tool"}
        return "memory_set" in tools and begins and "secret is" in asked["messages"][-1]["content"]

    def _go_on(self, request: Request, words: list[str]) -> None:
        http: Any = request
        if http._disconnected:
            return
        if words:
            write(request, words[0])
            reactor.callLater(self._chance.uniform(0, 0.1), self._go_on, request, words[1:])
        else:
            end(request)


class CanaryTests(TestCase):
    """Half of the conversations are on a platform, half with clients."""

    timeout = 300.0

    async def test_no_secret_leaves_its_session(self) -> None:
        aviary = await self.converse("", SESSIONS)
        sys.stdout.write(
            f"\n{len(aviary.told)} secrets in {SESSIONS} sessions, seen {aviary.sightings} times"
            f" where they belong, {len(aviary.strays)} times elsewhere\n"
        )
        self.assertEqual(aviary.strays, [])
        # Each is heard by its teller at least: in an answer, in events, in a history.
        self.assertGreater(aviary.sightings, 3 * len(aviary.told))
        # Each of these started over, and knows the one secret that was written down in it.
        self.assertEqual(len(self.remembered), SESSIONS // 2)
        for key, tokens in self.remembered.items():
            self.assertEqual([aviary.told[token] for token in tokens], [key])

    async def test_conversations_that_mix_are_noticed(self) -> None:
        aviary = await self.converse("mixes_conversations", 20)
        self.assertTrue(any("the model was shown" in one for one in aviary.strays))
        self.assertTrue(any("answer of" in one for one in aviary.strays))
        self.assertTrue(any("event of" in one for one in aviary.strays))

    async def test_memories_that_mix_are_noticed(self) -> None:
        aviary = await self.converse("shares_one_memory", 20)
        self.assertTrue(any("the model was shown" in one for one in aviary.strays))

    async def test_a_log_that_tells_is_noticed(self) -> None:
        aviary = await self.converse("logs_what_is_said", 20)
        self.assertTrue(any(one.startswith("log of nobody") for one in aviary.strays))

    async def converse(self, defect: str, sessions: int) -> Aviary:
        """Let everybody tell secrets at once, a few times over, and search every place."""
        self.aviary = Aviary()
        self.parrot = Parrot(self.aviary)
        self.addCleanup(self.parrot.stop)
        self.telegram = WatchedTelegram("t", 100, self.saw)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.telegram.stop()))
        self.answers = 0
        self.remembered: dict[str, set[str]] = {}
        self.place = Place(self.mktemp())
        gateway = await self.started(defect)
        chats = [str(5_000 + number) for number in range(sessions // 2)]
        keys = [f"agent:main:client-{number}" for number in range(sessions // 2)]
        client = await self.connected()
        for turn in range(ROUNDS):
            asked = [self.ask(client, key, turn) for key in keys]
            for chat in chats:
                token = self.secret(self.session_of(chat))
                self.telegram.say(chat, f"my secret is {token}")
            await gatherResults(asked, consumeErrors=True)
            await self.until(lambda turn=turn: self.answers >= (turn + 1) * sessions)
        await self.start_over(client, keys)
        for row in (await client.request("sessions.list", {"limit": 1000}))["sessions"]:
            history = await client.request("chat.history", {"sessionKey": row["key"], "limit": 100})
            self.aviary.seen("history", row["key"], json.dumps(history))
        await client.close()
        await gateway.stop()
        self.search_logs(gateway)
        return self.aviary

    async def start_over(self, client: GatewayClient, keys: list[str]) -> None:
        """Ask once more in conversations that are new: what was written down is still known."""
        before = self.answers
        self.remembered = {}
        for key in keys:
            await client.request("sessions.reset", {"key": key})
        asking = [
            client.request(
                "chat.send",
                {"sessionKey": key, "message": "what do you know?", "idempotencyKey": f"{key}-x"},
                timeout=60,
            )
            for key in keys
        ]
        await gatherResults(asking, consumeErrors=True)
        await self.until(lambda: self.answers >= before + len(keys))

    async def started(self, defect: str) -> Running:
        settings = {**self.telegram.settings(), "streaming": "partial", "editMinMs": 100}
        self.place.configure(
            {
                **model_configuration(self.parrot.port),
                "logging": {"level": "debug", "consoleLevel": "debug"},
                "channels": {"telegram": settings},
            }
        )
        program = [sys.executable, "-m", "tests.faults.crashing", "", "before", "1", defect]
        arguments = [*program, *self.place.options()]
        gateway = run(arguments, self.place.environment(), self.place.directory)
        self.addCleanup(gateway.stop, "KILL")
        return await self.place.ready(gateway)

    async def connected(self) -> GatewayClient:
        """An operator who hears everything."""
        client = self.place.client(scopes=EVERYTHING)
        client.on_event(self.heard)
        await client.connect()
        await client.request("sessions.subscribe", {})
        return client

    def session_of(self, chat: str) -> str:
        return f"agent:main:telegram:direct:{chat}"

    def secret(self, session: str) -> str:
        """A new one, told in this session."""
        token = f"canary-{len(self.aviary.told)}-{secrets.token_hex(6)}"
        self.aviary.told[token] = session
        return token

    def ask(self, client: GatewayClient, key: str, turn: int) -> Deferred[Any]:
        message = f"my secret is {self.secret(key)}"
        params = {"sessionKey": key, "message": message, "idempotencyKey": f"{key}-{turn}"}
        return client.request("chat.send", params, timeout=60)

    def saw(self, account: str, shown: Shown) -> None:
        self.aviary.seen("answer", self.session_of(shown.chat_id), shown.text)
        self.answers += "nothing else" in shown.text

    def heard(self, event: Event) -> None:
        payload: Any = event.payload
        self.aviary.event(payload)
        if event.event == "chat" and payload["state"] == "final":
            key = payload["sessionKey"]
            if "client-" in key:  # Those on the platform may answer late, and do not start over.
                self.answers += 1
                self.remembered[key] = tokens_in(json.dumps(payload["message"]))

    async def until(self, holds: Any) -> None:
        deadline = reactor.seconds() + SECONDS
        while not holds():
            if reactor.seconds() > deadline:
                self.fail(f"{self.answers} answers only")
            await deferLater(reactor, 0.05)

    def search_logs(self, gateway: Running) -> None:
        """Everything that was printed, and every file of the gateway but its journal."""
        self.aviary.seen("log", "", gateway.printed)
        files = [one for one in self.place.own.rglob("*") if one.is_file()]
        for one in files:
            if not one.name.startswith("journal.sqlite"):
                self.aviary.seen("log", "", one.read_text(errors="replace"))


class SearchTests(SynchronousTestCase):
    """The search itself."""

    def setUp(self) -> None:
        self.aviary = Aviary(told={"canary-0-0123456789ab": "a", "canary-1-0123456789ab": "b"})

    def test_what_stays_where_it_was_told(self) -> None:
        self.aviary.seen("answer", "a", "I know canary-0-0123456789ab.")
        self.aviary.event({"sessionKey": "b", "text": "canary-1-0123456789ab"})
        self.aviary.conversation([{"content": "canary-0-0123456789ab"}])
        self.assertEqual((self.aviary.sightings, self.aviary.strays), (2, []))

    def test_strays_of_every_kind(self) -> None:
        self.aviary.seen("answer", "b", "I know canary-0-0123456789ab.")
        self.aviary.event({"text": "canary-1-0123456789ab"})
        self.aviary.event({"sessionKey": "a", "deep": [{"text": "canary-1-0123456789ab"}]})
        self.aviary.seen("log", "", "canary-1-0123456789ab")
        self.aviary.conversation(["canary-0-0123456789ab", "canary-1-0123456789ab"])
        self.assertEqual(
            self.aviary.strays,
            [
                "answer of b: canary-0-0123456789ab",
                "event of nobody: canary-1-0123456789ab",
                "event of a: canary-1-0123456789ab",
                "log of nobody: canary-1-0123456789ab",
                "the model was shown a, b at once",
            ],
        )
