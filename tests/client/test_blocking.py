"""Tests of openclaw.client.blocking: from a thread, against a real WebSocket server."""

from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from openclaw.client.address import parse_address
from openclaw.client.blocking import BlockingClient
from openclaw.client.errors import (
    ClientError,
    ConnectionLost,
    ConnectRefusedByGateway,
    GatewayUnreachable,
    NoAnswer,
    RequestFailed,
)
from openclaw.client.settings import Credentials, Introduction
from tests.client.stand_in import Connection, StandIn
from tests.client.test_gateway import WebServer

reactor: Any = the_reactor


class BlockingTests(TestCase):
    """Client in a thread, stand-in in the reactor."""

    timeout = 120

    def setUp(self) -> None:
        self.gateway = StandIn(reactor)
        self.gateway.listen()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.gateway.stop()))

    def client(self, token: str = "right", url: str = "") -> BlockingClient:
        """A client, closed at the end."""
        introduction = Introduction(credentials=Credentials(token), scopes=("operator.read",))
        client = BlockingClient(parse_address(url or self.gateway.url), introduction)
        self.addCleanup(client.close)
        return client

    def ask(self, method: str, **more: Any) -> Deferred[Any]:
        """Connect and ask one question."""

        def work() -> Any:
            client = self.client()
            client.connect(5)
            return client.request(method, {"x": 1}, **more)

        return deferToThread(work)

    async def test_hello_and_an_answer(self) -> None:
        """The ordinary life of a command."""
        self.gateway.methods["health"] = lambda _, params: {"ok": True, "asked": params}
        self.assertEqual(await self.ask("health"), {"ok": True, "asked": {"x": 1}})
        connect = self.gateway.requests[0]["params"]
        self.assertEqual(connect["client"]["id"], "cli")
        self.assertNotIn("device", connect)

    async def test_the_hello_is_returned(self) -> None:
        """With what was granted."""
        hello = await deferToThread(self.client().connect, 5)
        self.assertEqual(hello.scopes, ("operator.read",))

    async def test_events_and_nonsense_before_the_answer_are_passed_over(self) -> None:
        """They are for somebody else."""

        def chatty(connection: Connection, params: object) -> object:
            connection.event("tick", {"ts": 1})
            connection.send({"type": "res", "id": "other", "ok": True})
            connection.sendMessage(b"nonsense")
            return "answer"

        self.gateway.methods["chatty"] = chatty
        self.assertEqual(await self.ask("chatty"), "answer")

    async def test_a_large_answer_arrives_whole(self) -> None:
        """Longer than one segment, and longer than 16 bits can say."""
        self.gateway.methods["large"] = lambda *_: "x" * 300_000
        self.assertEqual(len(await self.ask("large")), 300_000)

    async def test_final_skips_the_answer_that_only_accepts(self) -> None:
        """The second one counts."""

        def agent(connection: Connection, params: object) -> object:
            request = self.gateway.requests[-1]
            accepted = {"status": "accepted"}
            connection.send({"type": "res", "id": request["id"], "ok": True, "payload": accepted})
            return {"status": "ok"}

        self.gateway.methods["agent"] = agent
        self.assertEqual(await self.ask("agent", expect_final=True), {"status": "ok"})
        self.assertEqual(await self.ask("agent"), {"status": "accepted"})

    async def test_each_failure_has_its_own_class(self) -> None:
        """Refused, erroneous, cut off, silent."""

        def leave(connection: Connection, params: object) -> object:
            connection.sendCloseFrame(1012, b"service restart")
            return Deferred()

        self.gateway.methods["leave"] = leave
        self.gateway.methods["silent"] = lambda *_: Deferred()
        wrong = self.client("wrong")
        refusal: Any = await self.assertFailure(
            deferToThread(wrong.connect, 5), ConnectRefusedByGateway
        )
        self.assertEqual(refusal.detail_code, "AUTH_TOKEN_MISMATCH")
        unknown: Any = await self.assertFailure(self.ask("nope"), RequestFailed)
        self.assertEqual(unknown.message, "unknown method: nope")
        lost: Any = await self.assertFailure(self.ask("leave"), ConnectionLost)
        self.assertEqual((lost.code, lost.reason), (1012, "service restart"))
        await self.assertFailure(self.ask("silent", timeout=0.1), NoAnswer)

    async def test_no_gateway_is_told_apart_from_another_service(self) -> None:
        """Nobody there; a web server; one that never says anything."""
        port = reactor.listenTCP(0, Factory.forProtocol(WebServer), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        other = self.client(url=f"ws://127.0.0.1:{port.getHost().port}")
        error: Any = await self.assertFailure(deferToThread(other.connect, 5), GatewayUnreachable)
        self.assertEqual((error.why, error.nobody_listens), ("it answered HTTP 200 OK", False))
        self.gateway.challenges = False
        await self.assertFailure(deferToThread(self.client().connect, 0.2), NoAnswer)
        await self.gateway.stop()
        error = await self.assertFailure(
            deferToThread(self.client().connect, 5), GatewayUnreachable
        )
        self.assertTrue(error.nobody_listens)

    async def test_it_can_be_closed_before_and_after_everything(self) -> None:
        """And says so when it is used then."""
        client = self.client()
        client.close()
        self.assertRaises(ClientError, client.request, "health")
