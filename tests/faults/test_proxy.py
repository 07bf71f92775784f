"""Tests of the fault proxy: each fault does what it says, to bytes, to requests, to WebSockets."""

import time
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from twisted.web.server import Request

from openclaw.http.outbound import TreqOutbound
from openclaw.http.sockets import OutboundSockets
from openclaw.interfaces.outbound import IOutboundResponse, IOutboundSocket, OutboundError
from tests.faults.proxy import FaultProxy, HttpProxy
from tests.http.far_end import Ear, FarEnd
from tests.http.upstream import Upstream

reactor: Any = the_reactor


def pause(seconds: float) -> Deferred[None]:
    """Let real time pass."""
    return deferLater(reactor, seconds, lambda: None)


class ProxyCase(TestCase):
    """An echoing server, the proxy before it, and our own sockets."""

    timeout = 120

    def setUp(self) -> None:
        self.sockets = OutboundSockets(reactor)
        self.addCleanup(self.sockets.stopService)
        self.ear = Ear()

    def before(self, port: int, kind: type[FaultProxy] = FaultProxy) -> Any:
        """Put a proxy before a port."""
        proxy = kind(port)
        self.addCleanup(lambda: Deferred.fromCoroutine(proxy.stop()))
        return proxy

    def far_end(self, **given: Any) -> FarEnd:
        """Start an echo."""
        end = FarEnd(**given)
        self.addCleanup(lambda: Deferred.fromCoroutine(end.stop()))
        return end

    def dial(self, proxy: FaultProxy, **how: Any) -> Deferred[IOutboundSocket]:
        """Connect through it."""
        return self.sockets.tcp("127.0.0.1", proxy.port, self.ear, tls=False, trusted=True, **how)

    @property
    def heard(self) -> bytes:
        """All bytes that came."""
        return b"".join(self.ear.heard)  # type: ignore[arg-type]  # A stream has no text.


class StreamFaultTests(ProxyCase):
    """Faults of directions, on an echo."""

    async def connect(self) -> tuple[FarEnd, FaultProxy, IOutboundSocket]:
        """Echo, proxy, and a socket through both that works."""
        end = self.far_end(websocket=False)
        proxy = self.before(end.port)
        socket = await self.dial(proxy)
        socket.send(b"0")
        await self.ear.hears(1)
        return end, proxy, socket

    async def test_without_faults_every_byte_passes_and_the_end_too(self) -> None:
        end, proxy, socket = await self.connect()
        data = bytes(range(256)) * 20_000
        socket.send(data)
        while len(self.heard) < len(data) + 1:
            await self.ear.hears(len(self.ear.heard) + 1)
        self.assertEqual(self.heard, b"0" + data)
        socket.close()
        await self.ear.ended
        await end.raw[0].lost
        self.assertEqual((proxy.open, proxy.total, proxy.most), (0, 1, 1))

    async def test_latency_delays_in_order(self) -> None:
        _, proxy, socket = await self.connect()
        proxy.up.set(latency=0.1)
        proxy.down.set(latency=0.1)
        began = time.monotonic()
        socket.send(b"1")
        await pause(0.03)
        proxy.up.set(latency=0.0)
        socket.send(b"2")
        while len(self.heard) < 3:
            await self.ear.hears(len(self.ear.heard) + 1)
        self.assertEqual(self.heard, b"012")
        self.assertGreaterEqual(time.monotonic() - began, 0.19)

    async def test_a_freeze_holds_everything_and_loses_nothing(self) -> None:
        end, proxy, socket = await self.connect()
        proxy.freeze()
        socket.send(b"x" * 1_000_000)
        end.raw[0].transport.write(b"y")
        await pause(0.1)
        self.assertEqual((self.heard, end.raw[0].heard), (b"0", b"0"))
        proxy.freeze(False)
        while len(self.heard) < 1_000_002:
            await self.ear.hears(len(self.ear.heard) + 1)
        self.assertEqual(sorted(set(self.heard)), [ord("0"), ord("x"), ord("y")])

    async def test_a_freeze_holds_the_end_too(self) -> None:
        end, proxy, _ = await self.connect()
        proxy.freeze()
        end.raw[0].transport.loseConnection()
        await pause(0.1)
        self.assertEqual((self.ear.calls[-1], proxy.open), ("received", 1))
        proxy.freeze(False)
        await self.ear.ended

    async def test_one_direction_can_be_swallowed(self) -> None:
        end, proxy, socket = await self.connect()
        proxy.up.set(swallowed=True)
        socket.send(b"1")
        end.raw[0].transport.write(b"still here")
        while b"still here" not in self.heard:
            await self.ear.hears(len(self.ear.heard) + 1)
        await pause(0.05)
        self.assertEqual(end.raw[0].heard, b"0")
        socket.abort()
        await pause(0.05)
        self.assertNotIn(True, [raw.lost.called for raw in end.raw])

    async def test_half_open_leaves_the_client_alone(self) -> None:
        end, proxy, socket = await self.connect()
        proxy.half_open()
        await end.raw[0].lost
        socket.send(b"into the void")
        await pause(0.1)
        self.assertEqual((self.heard, self.ear.calls[-1], proxy.open), (b"0", "received", 1))

    async def test_a_drip_is_slow_and_whole(self) -> None:
        _, proxy, socket = await self.connect()
        proxy.down.set(drip=1000)
        began = time.monotonic()
        for _ in range(20):
            socket.send(bytes(10))
            await pause(0.001)
        while len(self.heard) < 201:
            await self.ear.hears(len(self.ear.heard) + 1)
        self.assertGreaterEqual(time.monotonic() - began, 0.15)
        self.assertGreater(len(self.ear.heard), 5)

    async def test_truncation_ends_in_order_after_so_many_bytes(self) -> None:
        _, proxy, socket = await self.connect()
        proxy.down.set(truncate=3)
        socket.send(b"12345")
        self.assertEqual(await self.ear.ended, (1006, ""))
        self.assertEqual(self.heard, b"0123")

    async def test_a_reset_after_so_many_bytes(self) -> None:
        end, proxy, socket = await self.connect()
        proxy.up.set(reset=2)
        socket.send(b"12345")
        _, reason = await self.ear.ended
        self.assertIn("non-clean", reason)
        await end.raw[0].lost
        self.assertLess(len(end.raw[0].heard), 4)

    async def test_resets_and_refusals(self) -> None:
        end, proxy, _ = await self.connect()
        proxy.reset()
        self.assertIn("non-clean", (await self.ear.ended)[1])
        proxy.refusing = True
        self.ear = Ear()
        await self.dial(proxy)
        await self.ear.ended
        self.assertEqual(len(end.raw), 1)
        self.assertEqual((proxy.total, proxy.most), (2, 1))

    async def test_pieces_come_twice(self) -> None:
        end, proxy, socket = await self.connect()
        proxy.up.set(duplicate=True)
        socket.send(b"ab")
        while len(self.heard) < 5:
            await self.ear.hears(len(self.ear.heard) + 1)
        self.assertEqual(end.raw[0].heard, b"0abab")

    async def test_all_faults_end_when_cleared(self) -> None:
        _, proxy, socket = await self.connect()
        proxy.up.set(latency=9.0, drip=1, frozen=True, truncate=99, duplicate=True)
        proxy.up.clear()
        socket.send(b"1")
        await self.ear.hears(2)
        self.assertEqual(self.heard, b"01")
        self.assertRaises(TypeError, proxy.up.set, lag=1)

    async def test_it_counts_what_is_open_at_once(self) -> None:
        end = self.far_end(websocket=False)
        proxy = self.before(end.port)
        for _ in range(5):
            first = await self.dial(proxy)
            self.ear = Ear()
            second = await self.dial(proxy)
            first.abort()
            second.abort()
            while proxy.open:
                await pause(0.01)
            self.ear = Ear()
        self.assertEqual((proxy.total, proxy.most, proxy.open), (10, 2, 0))

    async def test_a_server_that_is_down_resets_its_clients(self) -> None:
        end = FarEnd(websocket=False)
        proxy = self.before(end.port)
        await end.stop()
        await self.dial(proxy)
        await self.ear.ended
        other = self.far_end(websocket=False)
        proxy.lead_to(other.port)
        self.ear = Ear()
        (await self.dial(proxy)).send(b"1")
        await self.ear.hears(1)


class WebSocketFaultTests(ProxyCase):
    """The same with a WebSocket going through."""

    async def connect(self, kind: type[FaultProxy] = FaultProxy) -> tuple[FarEnd, Any, Any]:
        """Echo, proxy, and a WebSocket with pings through both."""
        end = self.far_end()
        proxy = self.before(end.port, kind)
        url = f"ws://127.0.0.1:{proxy.port}/"
        socket = await self.sockets.websocket(
            url, self.ear, headers={}, ping_seconds=0.05, pong_seconds=0.1, trusted=True
        )
        socket.send("hello")
        await self.ear.hears(1)
        return end, proxy, socket

    async def test_it_passes_both_kinds(self) -> None:
        for kind in (FaultProxy, HttpProxy):
            self.ear = Ear()
            _, _, socket = await self.connect(kind)
            socket.send(b"x" * 100_000)
            await self.ear.hears(2)
            await pause(0.2)
            self.assertEqual(self.ear.heard, ["hello", b"x" * 100_000])
            socket.close(1000)
            self.assertEqual((await self.ear.ended)[0], 1000)

    async def test_silent_faults_are_found_by_pings(self) -> None:
        for fault in ("freeze", "half_open", "up", "down"):
            self.ear = Ear()
            _, proxy, _ = await self.connect()
            direction = getattr(proxy, fault)
            direction() if callable(direction) else direction.set(swallowed=True)
            code, reason = await self.ear.ended
            self.assertEqual(code, 1006)
            self.assertIn("answered no ping", reason)

    async def test_loud_faults_are_heard_at_once(self) -> None:
        _, proxy, socket = await self.connect()
        proxy.reset()
        self.assertEqual((await self.ear.ended)[0], 1006)
        self.ear = Ear()
        _, proxy, socket = await self.connect()
        proxy.down.set(truncate=5)
        socket.send("x" * 99)
        self.assertEqual((await self.ear.ended)[0], 1006)
        self.assertEqual(self.ear.heard, ["hello"])

    async def test_frames_that_come_twice_are_messages_that_come_twice(self) -> None:
        end, proxy, _ = await self.connect()
        proxy.down.set(duplicate=True)
        (await end.first).sendMessage(b"event")
        await self.ear.hears(3)
        self.assertEqual(self.ear.heard, ["hello", "event", "event"])


class HttpFaultTests(ProxyCase):
    """What happens to single requests."""

    def setUp(self) -> None:
        super().setUp()
        self.client = TreqOutbound(reactor)
        self.addCleanup(self.client.stopService)
        self.server = Upstream(_fine)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.server.stop()))
        self.proxy: HttpProxy = self.before(self.server.port, HttpProxy)

    def ask(self, path: str = "/send", method: str = "POST") -> Deferred[IOutboundResponse]:
        """Ask through the proxy."""
        url = f"http://127.0.0.1:{self.proxy.port}{path}"
        return self.client.request(method, url, {}, b"body" * 1000, trusted=True, idle_seconds=5)

    async def refusal(self) -> OutboundError:
        """Ask, and be given the error that it must end with."""
        asked: Deferred[Any] = self.ask()
        error: OutboundError = await self.assertFailure(asked, OutboundError)
        return error

    async def say(self, path: str = "/send") -> tuple[int, bytes]:
        """Ask and read."""
        answer = await self.ask(path)
        return answer.status, await answer.read(1000)

    async def test_without_faults_all_passes_on_one_connection(self) -> None:
        for _ in range(3):
            self.assertEqual(await self.say(), (200, b"fine"))
        self.assertEqual([row[3] for row in self.server.requests], [b"body" * 1000] * 3)
        self.assertEqual((self.proxy.total, len(self.proxy.requests)), (1, 3))

    async def test_it_answers_in_the_servers_place(self) -> None:
        self.proxy.http.answer(429, times=2, within="/send", headers={"Retry-After": "7"})
        self.proxy.http.answer(503, within="/send", body=b"down")
        self.assertEqual(await self.say("/other"), (200, b"fine"))
        limited = await self.ask()
        self.assertEqual((limited.status, limited.header("retry-after")), (429, "7"))
        await limited.read(10)
        self.assertEqual((await self.say())[0], 429)
        self.assertEqual(await self.say(), (503, b"down"))
        self.assertEqual(await self.say(), (200, b"fine"))
        self.assertEqual(len(self.server.requests), 2)

    async def test_requests_come_twice_and_are_answered_once(self) -> None:
        self.proxy.http.duplicate(within="/send")
        self.assertEqual(await self.say(), (200, b"fine"))
        self.assertEqual(await self.say(), (200, b"fine"))
        while len(self.server.requests) < 3:
            await pause(0.01)
        self.assertEqual(self.server.requests[0], self.server.requests[1])

    async def test_an_answer_is_lost_after_the_server_acted(self) -> None:
        self.proxy.http.lose_answer()
        error = await self.refusal()
        self.assertEqual((error.kind, len(self.server.requests)), ("lost", 1))
        self.assertEqual(await self.say(), (200, b"fine"))

    async def test_a_request_is_lost_before_the_server_saw_it(self) -> None:
        self.proxy.http.reset_before()
        error = await self.refusal()
        self.assertEqual((error.kind, len(self.server.requests)), ("lost", 0))
        self.assertEqual(await self.say(), (200, b"fine"))

    async def test_directions_suffer_here_too(self) -> None:
        await self.say()
        self.proxy.down.set(truncate=20)
        error = await self.refusal()
        self.assertEqual(error.kind, "lost")


def _fine(request: Request) -> None:
    request.write(b"fine")
    request.finish()
