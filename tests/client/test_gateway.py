"""Tests of openclaw.client.gateway, dial and socket: real WebSockets on loopback."""

from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from openclaw.client.address import parse_address
from openclaw.client.dial import Dialer
from openclaw.client.errors import (
    ConnectionLost,
    ConnectRefusedByGateway,
    GatewayUnreachable,
    NoAnswer,
    RequestFailed,
    UnsafeAddress,
)
from openclaw.client.frames import Event
from openclaw.client.gateway import GatewayClient
from openclaw.client.identity import DeviceIdentity
from openclaw.client.settings import Credentials, Introduction
from openclaw.client.socket import SocketFactory
from tests.client.stand_in import NONCE, Connection, StandIn

reactor: Any = the_reactor


class WebServer(Protocol):
    """Speaks HTTP, but no WebSocket."""

    def dataReceived(self, data: bytes) -> None:
        """Answer as web servers do."""
        assert self.transport is not None
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


class ClientTests(TestCase):
    """A client and a stand-in."""

    timeout = 120

    def setUp(self) -> None:
        self.gateway = StandIn(reactor)
        self.gateway.listen()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.gateway.stop()))

    def client(self, token: str = "right", **more: Any) -> GatewayClient:
        """A client of the stand-in, closed at the end."""
        introduction = Introduction(credentials=Credentials(token), scopes=("operator.read",))
        address = parse_address(more.pop("url", self.gateway.url))
        client = GatewayClient(Dialer(address, introduction, reactor, **more))
        self.addCleanup(client.close)
        return client

    async def test_hello_request_and_close(self) -> None:
        """The ordinary life of a command's connection."""
        self.gateway.methods["health"] = lambda _, params: {"ok": True, "asked": params}
        client = self.client()
        hello = await client.connect()
        self.assertEqual((hello.server_version, hello.scopes), ("9.9.9", ("operator.read",)))
        self.assertEqual(
            await client.request("health", {"probe": True}), {"ok": True, "asked": {"probe": True}}
        )
        ended = self.gateway.connections[0].closed
        await client.close()
        self.assertEqual((await ended)[0], 1000)
        self.assertIsNone(client.hello)
        await self.assertFailure(client.request("health"), ConnectionLost)

    async def test_a_device_proves_itself(self) -> None:
        """The connect frame carries its signature over the nonce."""
        device = DeviceIdentity()
        await self.client(device=device).connect()
        sent = self.gateway.requests[0]["params"]["device"]
        self.assertEqual((sent["id"], sent["nonce"]), (device.device_id, NONCE))

    async def test_a_wrong_token_is_a_refusal_with_its_cause(self) -> None:
        """The answer counts, not the close behind it."""
        refusal: Any = await self.assertFailure(
            self.client("wrong").connect(), ConnectRefusedByGateway
        )
        self.assertEqual(refusal.detail_code, "AUTH_TOKEN_MISMATCH")

    async def test_an_error_answer_fails_the_request_only(self) -> None:
        """The connection lives on."""
        self.gateway.methods["health"] = lambda *_: {"ok": True}
        client = self.client()
        await client.connect()
        error: Any = await self.assertFailure(client.request("nope"), RequestFailed)
        self.assertEqual(str(error), "unknown method: nope")
        self.assertEqual(await client.request("health"), {"ok": True})

    async def test_nobody_listening_is_said(self) -> None:
        """And is told apart from other failures."""
        await self.gateway.stop()
        error: Any = await self.assertFailure(self.client().connect(), GatewayUnreachable)
        self.assertTrue(error.nobody_listens)

    async def test_something_else_on_the_port_is_said(self) -> None:
        """A web server, say."""
        port = reactor.listenTCP(0, Factory.forProtocol(WebServer), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        url = f"ws://127.0.0.1:{port.getHost().port}"
        client = self.client(url=url, seconds=2)
        error: Any = await self.assertFailure(client.connect(), GatewayUnreachable)
        self.assertFalse(error.nobody_listens)

    async def test_a_mute_gateway_is_given_up(self) -> None:
        """It accepts the WebSocket and says nothing."""
        self.gateway.challenges = False
        client = self.client(seconds=0.2)
        await self.assertFailure(client.connect(), NoAnswer)

    async def test_events_and_gaps_reach_every_listener(self) -> None:
        """One listener's bug does not silence the next."""
        client = self.client()
        await client.connect()
        heard: list[Event] = []
        gaps: list[tuple[int, int]] = []
        done: Deferred[None] = Deferred()

        def broken(event: Event) -> None:
            raise ZeroDivisionError

        def listen(event: Event) -> None:
            heard.append(event)
            if len(heard) == 2:
                done.callback(None)

        client.on_event(broken)
        client.on_event(listen)
        client.on_gap(lambda *numbers: gaps.append(numbers))
        self.gateway.connections[0].event("tick", {"ts": 1}, seq=1)
        self.gateway.connections[0].event("tick", {"ts": 2}, seq=4)
        await done
        self.assertEqual([event.payload["ts"] for event in heard], [1, 2])
        self.assertEqual(gaps, [(2, 4)])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    async def test_a_closing_gateway_fails_what_is_in_flight(self) -> None:
        """With its own words."""

        def leave(connection: Connection, params: object) -> object:
            connection.sendCloseFrame(1012, b"service restart")
            return Deferred()

        self.gateway.methods["agent"] = leave
        client = self.client()
        await client.connect()
        lost: Any = await self.assertFailure(
            client.request("agent", expect_final=True), ConnectionLost
        )
        self.assertEqual((lost.code, lost.reason), (1012, "service restart"))

    async def test_a_kept_connection_is_made_again(self) -> None:
        """After a restart, with its listeners, and closed for good when asked."""
        client = self.client()
        hellos: list[object] = []
        again: Deferred[None] = Deferred()
        client.on_hello(hellos.append)
        client.on_hello(lambda _: again.callback(None) if len(hellos) == 2 else None)
        await client.start()
        await self.gateway.stop()
        self.gateway.listen(self.gateway.port)
        await again
        self.assertIsNotNone(client.hello)
        await client.close()
        self.assertIsNone(client.hello)

    async def test_a_kept_connection_ends_when_it_is_refused_for_good(self) -> None:
        """A wrong token does not become right by knocking again."""
        await self.assertFailure(self.client("wrong").start(), ConnectRefusedByGateway)
        self.assertEqual(len(self.gateway.requests), 1)


class _Reached:
    """A transport that notes what is done with it; the peer is public."""

    def __init__(self) -> None:
        self.aborted = False
        self.written = b""

    def getPeer(self) -> "_Reached":
        """Its own peer."""
        return self

    host = "93.184.216.34"

    def abortConnection(self) -> None:
        """Note the end."""
        self.aborted = True

    def write(self, data: bytes) -> None:
        """Note what leaks."""
        self.written += data


class UnsafePeerTests(SynchronousTestCase):
    """A name that resolves to somewhere else than expected."""

    def test_nothing_is_sent_to_a_public_address_in_the_clear(self) -> None:
        """Not even the upgrade request, flag or not."""
        for flag in (False, True):
            nobody: Any = None
            address = parse_address("ws://gw.example.org")
            factory = SocketFactory(address, nobody, Clock(), allow_plaintext_lan=flag)
            transport = _Reached()
            socket: Any = factory.buildProtocol(nobody)
            socket.makeConnection(transport)
            self.failureResultOf(socket.opened, UnsafeAddress)
            self.assertTrue(transport.aborted)
            self.assertEqual(transport.written, b"")
