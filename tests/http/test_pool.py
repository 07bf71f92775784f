"""Tests of the pool of outgoing connections: bounds, ends, dead ones, what may be repeated."""

import socket
import threading
import time
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorPluggableNameResolver
from twisted.internet.ssl import Certificate
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase
from twisted.web.client import BrowserLikePolicyForHTTPS
from twisted.web.server import Request
from zope.interface import implementer

from openclaw.config.schema.traffic import Pool
from openclaw.config.units import Seconds
from openclaw.http.outbound import TreqOutbound
from openclaw.interfaces.outbound import IOutboundResponse, OutboundError
from tests.faults.proxy import FaultProxy, HttpProxy
from tests.http.far_end import FarEnd
from tests.http.test_outbound import certificate_for_loopback
from tests.http.upstream import Script, Upstream, later, reset

reactor: Any = the_reactor


@implementer(IReactorPluggableNameResolver)
class Timed:
    """The real reactor, with a clock that tests move."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.nameResolver = reactor.nameResolver
        self.callLater = self.clock.callLater
        self.seconds = self.clock.seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)

    def installNameResolver(self, resolver: Any) -> Any:
        """Part of the interface; the real one stays."""
        raise NotImplementedError


class PoolCase(TestCase):
    """A server behind a proxy that counts, and a client with a pool of its own."""

    timeout = 120

    def setUp(self) -> None:
        self.held: list[Request] = []
        self.use()

    def use(self, on: Any = reactor, tls: Any = None, **settings: Any) -> None:
        """Make the client."""
        self.client = TreqOutbound(on, pool=Pool(**settings), tls=tls)
        self.client.startService()
        self.addCleanup(self.client.stopService)

    def serve(
        self, script: Script, tls: Any = None, kind: type[FaultProxy] = FaultProxy
    ) -> tuple[Upstream, Any]:
        """Start a server and a proxy before it."""
        server = Upstream(script, tls=tls)
        proxy = kind(server.port)
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        self.addCleanup(lambda: Deferred.fromCoroutine(proxy.stop()))
        return server, proxy

    def ask(
        self, port: int, method: str = "GET", scheme: str = "http", **how: Any
    ) -> Deferred[IOutboundResponse]:
        """Ask."""
        url = f"{scheme}://127.0.0.1:{port}/"
        return self.client.request(method, url, {}, b"body", trusted=True, **how)

    async def say(self, port: int, method: str = "GET", **how: Any) -> bytes:
        """Ask and read."""
        answer = await self.ask(port, method, **how)
        body = await answer.read(1000)
        await self.turn()
        return body

    def saying(self, port: int, method: str = "GET", **how: Any) -> Deferred[bytes]:
        """Begin to."""
        return Deferred.fromCoroutine(self.say(port, method, **how))

    async def refusal(self, work: Deferred[Any]) -> OutboundError:
        """Wait for the error that ``work`` must end with."""
        error: OutboundError = await self.assertFailure(work, OutboundError)
        return error

    def turn(self, seconds: float = 0.02) -> Deferred[None]:
        """Let what is on its way arrive."""
        return deferLater(reactor, seconds, lambda: None)

    def hold(self, request: Request) -> None:
        """Answer when told to."""
        self.held.append(request)

    async def holds(self, count: int) -> None:
        """Wait until so many requests wait at the server."""
        while len(self.held) < count:
            await self.turn()


def fine(request: Request) -> None:
    """Answer at once."""
    request.write(b"fine")
    request.finish()


class BoundTests(PoolCase):
    """How many there are."""

    async def test_never_more_than_allowed_and_all_are_served(self) -> None:
        self.use(max_size=5)
        server, proxy = self.serve(lambda request: later(request, 0.02, fine, request))
        bodies = await gatherResults([self.saying(proxy.port) for _ in range(40)])
        self.assertEqual(bodies, [b"fine"] * 40)
        self.assertEqual((proxy.most, proxy.total, len(server.requests)), (5, 5, 40))

    async def test_who_waits_is_served_in_order(self) -> None:
        self.use(max_size=1)
        _, proxy = self.serve(self.hold)
        order: list[int] = []

        async def wait(number: int) -> None:
            await self.say(proxy.port)
            order.append(number)

        waiting = [Deferred.fromCoroutine(wait(number)) for number in range(4)]
        for count in range(1, 5):
            await self.holds(count)
            self.assertEqual(len(self.held), count)
            fine(self.held[-1])
        await gatherResults(waiting)
        self.assertEqual((order, proxy.total), ([0, 1, 2, 3], 1))

    async def test_a_full_pool_says_so_when_patience_ends(self) -> None:
        self.use(max_size=1)
        _, proxy = self.serve(self.hold)
        first = self.saying(proxy.port)
        await self.holds(1)
        error = await self.refusal(self.ask(proxy.port, connect_seconds=0.05))
        self.assertEqual(error.kind, "connect")
        self.assertIn("connections.pool.maxSize", error.message)
        fine(self.held[0])
        self.assertEqual(await first, b"fine")

    async def test_who_gives_up_does_not_keep_a_place(self) -> None:
        self.use(max_size=1)
        _, proxy = self.serve(self.hold)
        first = self.saying(proxy.port)
        await self.holds(1)
        second, third = self.ask(proxy.port), self.saying(proxy.port)
        second.cancel()
        await self.assertFailure(second, CancelledError)
        fine(self.held[0])
        await self.holds(2)
        fine(self.held[1])
        self.assertEqual(await gatherResults([first, third]), [b"fine"] * 2)

    async def test_an_idle_connection_makes_room_for_another_host(self) -> None:
        self.use(max_size=2)
        _, one = self.serve(fine)
        _, two = self.serve(fine)
        _, three = self.serve(fine)
        for proxy in (one, two, three):
            await self.say(proxy.port)
        await self.turn()
        self.assertEqual((one.open, two.open, three.open), (0, 1, 1))

    async def test_failed_attempts_free_their_place(self) -> None:
        self.use(max_size=1)
        _, proxy = self.serve(fine)
        gone = Upstream(fine)
        port = gone.port
        await gone.stop()
        for _ in range(3):
            self.assertEqual((await self.refusal(self.ask(port))).kind, "connect")
        self.assertEqual(await self.say(proxy.port), b"fine")

    async def test_stopping_ends_those_who_wait_and_every_connection(self) -> None:
        self.use(max_size=2)
        _, proxy = self.serve(self.hold)
        pending = [self.ask(proxy.port) for _ in range(5)]
        await self.holds(2)
        await self.client.stopService()
        for work in pending:
            await self.assertFailure(work, CancelledError, OutboundError)
        await self.turn()
        self.assertEqual(proxy.open, 0)
        self.assertEqual((await self.refusal(self.ask(proxy.port))).kind, "refused")
        self.client.startService()
        self.held.clear()
        again = self.saying(proxy.port)
        await self.holds(1)
        fine(self.held[0])
        self.assertEqual(await again, b"fine")


class TimeTests(PoolCase):
    """How long they live."""

    def setUp(self) -> None:
        super().setUp()
        self.timed = Timed()

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.timed.clock.advance(seconds)
        await self.turn()

    async def test_an_idle_one_ends_after_five_minutes(self) -> None:
        self.use(self.timed)
        _, proxy = self.serve(fine)
        await self.say(proxy.port)
        await self.advance(299.9)
        self.assertEqual(proxy.open, 1)
        await self.advance(0.2)
        self.assertEqual((proxy.open, self.timed.clock.getDelayedCalls()), (0, []))

    async def test_more_than_the_least_end_sooner(self) -> None:
        self.use(self.timed, min_size=2, idle_timeout=Seconds(60))
        _, proxy = self.serve(self.hold)
        asked = [self.saying(proxy.port) for _ in range(5)]
        await self.holds(5)
        for request in self.held:
            fine(request)
        await gatherResults(asked)
        self.assertEqual(proxy.open, 5)
        for seconds, left in ((29.9, 5), (0.2, 2), (29.8, 2), (0.2, 0)):
            await self.advance(seconds)
            self.assertEqual(proxy.open, left)

    async def test_connecting_ends_after_the_configured_time(self) -> None:
        for seconds in (10.0, 3.0):
            self.use(self.timed, connection_timeout=Seconds(seconds))
            end = FarEnd(websocket=False)  # It takes the connection, and never answers TLS.
            end.silent = True
            pending = self.ask(end.port, scheme="https")
            await end.first
            await self.advance(seconds - 0.1)
            self.assertNoResult(pending)
            await self.advance(0.2)
            error = await self.refusal(pending)
            self.assertEqual(error.kind, "connect")
            self.assertIn(f"within {seconds:g} s", error.message)
            await end.stop()

    async def test_a_caller_may_say_how_long(self) -> None:
        self.use(self.timed)
        end = FarEnd(websocket=False)
        end.silent = True
        pending = self.ask(end.port, scheme="https", connect_seconds=1.0)
        await end.first
        await self.advance(1.1)
        self.assertIn("within 1 s", (await self.refusal(pending)).message)
        await end.stop()

    async def test_what_must_not_be_repeated_takes_none_that_was_idle_long(self) -> None:
        self.use(self.timed)
        _, proxy = self.serve(fine)
        for idle, method, total in ((3, "POST", 1), (5, "GET", 1), (5, "POST", 2), (3, "POST", 2)):
            await self.say(proxy.port)
            await self.advance(idle)
            await self.say(proxy.port, method)
            self.assertEqual(proxy.total, total)

    async def test_without_the_test_any_idle_one_is_taken(self) -> None:
        self.use(self.timed, test_on_borrow=False)
        _, proxy = self.serve(fine)
        await self.say(proxy.port)
        await self.advance(200)
        await self.say(proxy.port, "POST")
        self.assertEqual(proxy.total, 1)


class _Closing:
    """A server in a thread, which answers once on each connection and hangs up when told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.hang_up = threading.Event()
        self.hung_up = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for _ in range(2):
            stream, _address = self._listener.accept()
            with stream:
                self.bodies.append(stream.recv(65_536))
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
                self.hang_up.wait(5)
            self.hung_up.set()

    def stop(self) -> None:
        """Wait for its end."""
        self._thread.join(5)
        self._listener.close()


class DeadTests(PoolCase):
    """Connections that are dead, and nobody knows."""

    async def test_one_that_hung_up_a_moment_ago_is_not_taken(self) -> None:
        server = _Closing()
        await self.say(server.port)
        server.hang_up.set()
        # The reactor stands still meanwhile: only the test before use can know.
        server.hung_up.wait(5)
        time.sleep(0.01)
        self.assertEqual(await self.say(server.port, "POST"), b"fine")
        server.stop()
        self.assertEqual([raw[:4] for raw in server.bodies], [b"GET ", b"POST"])

    async def test_without_the_test_it_is_taken_and_the_answer_lost(self) -> None:
        self.use(test_on_borrow=False)
        server = _Closing()
        await self.say(server.port)
        server.hang_up.set()
        server.hung_up.wait(5)
        time.sleep(0.01)
        self.assertEqual((await self.refusal(self.ask(server.port, "POST"))).kind, "lost")
        self.assertEqual(await self.say(server.port), b"fine")
        server.stop()

    def once_each(self, request: Request) -> None:
        """Answer the first request of each connection; break at the second."""
        channel: Any = request.channel
        if getattr(channel, "used_before", False):
            reset(request)
        else:
            channel.used_before = True
            fine(request)

    async def test_only_what_may_be_repeated_is_and_once(self) -> None:
        for method, sent in (("GET", 2), ("PUT", 2), ("DELETE", 2), ("POST", 1), ("PATCH", 1)):
            self.use()
            server, proxy = self.serve(self.once_each)
            await self.say(proxy.port)
            asked = self.saying(proxy.port, method)
            if sent == 2:
                self.assertEqual(await asked, b"fine")
            else:
                self.assertEqual((await self.refusal(asked)).kind, "lost")
            self.assertEqual(len(server.requests) - 1, sent)

    async def test_a_new_connection_that_breaks_is_no_reason_to_repeat(self) -> None:
        server, proxy = self.serve(reset)
        self.assertEqual((await self.refusal(self.ask(proxy.port))).kind, "lost")
        self.assertEqual(len(server.requests), 1)

    async def test_half_an_answer_is_no_reason_to_repeat(self) -> None:
        server, proxy = self.serve(fine)
        await self.say(proxy.port)
        proxy.down.set(truncate=10)
        self.assertEqual((await self.refusal(self.ask(proxy.port))).kind, "lost")
        self.assertEqual(len(server.requests), 2)


class UploadTests(PoolCase):
    """Large bodies on slow ways."""

    async def test_a_slow_upload_is_no_silence(self) -> None:
        server, proxy = self.serve(fine)
        proxy.up.set(drip=40 << 20)
        url = f"http://127.0.0.1:{proxy.port}/"
        began = time.monotonic()
        answer = await self.client.request(
            "POST", url, {}, bytes(40 << 20), trusted=True, idle_seconds=0.5
        )
        self.assertGreater(time.monotonic() - began, 0.8)
        self.assertEqual((await answer.read(10), len(server.requests[0][3])), (b"fine", 40 << 20))

    async def test_an_upload_that_stands_still_is(self) -> None:
        server, proxy = self.serve(fine)
        proxy.up.set(frozen=True)
        url = f"http://127.0.0.1:{proxy.port}/"
        asked = self.client.request(
            "POST", url, {}, bytes(40 << 20), trusted=True, idle_seconds=0.2
        )
        self.assertEqual((await self.refusal(asked)).kind, "timeout")
        self.assertEqual(server.requests, [])


class ResetTests(PoolCase):
    """A request that is broken at each point: ``connect`` only if the server cannot have it."""

    async def test_at_each_point_of_the_request(self) -> None:
        _, proxy = self.serve(fine, kind=HttpProxy)
        await self.say(proxy.port, "POST")
        whole = len(proxy.requests[0].raw)
        for passed in [*range(1, whole, 11), whole - 1, whole]:
            self.use()
            proxy.up.set(reset=passed)
            error = await self.refusal(self.saying(proxy.port, "POST"))
            self.assertEqual(error.kind, "lost", passed)

    async def test_at_each_point_of_the_answer(self) -> None:
        server, proxy = self.serve(fine)
        for passed in (1, 5, 20, 60, 100):
            self.use()
            server.requests.clear()
            proxy.down.set(reset=passed)
            self.assertEqual((await self.refusal(self.saying(proxy.port, "POST"))).kind, "lost")
            self.assertEqual(len(server.requests), 1)

    async def test_before_anything(self) -> None:
        server, proxy = self.serve(fine)
        port = proxy.port
        await proxy.stop()
        self.assertEqual((await self.refusal(self.ask(port, "POST"))).kind, "connect")
        self.assertEqual(server.requests, [])

    async def test_at_each_point_of_tls(self) -> None:
        certificate = certificate_for_loopback()
        policy = BrowserLikePolicyForHTTPS(Certificate(certificate.original))
        server, proxy = self.serve(fine, certificate.options())
        kinds: list[str] = []
        for direction in (proxy.up, proxy.down):
            for passed in range(1, 3000, 140):
                self.use(tls=policy)
                server.requests.clear()
                direction.set(reset=passed)
                work = Deferred.fromCoroutine(self.say(proxy.port, "POST", scheme="https"))
                try:
                    await work
                    kinds.append("fine")
                except OutboundError as error:
                    kinds.append(error.kind)
                direction.clear()
                if kinds[-1] == "connect":
                    await self.turn()
                    self.assertEqual(server.requests, [])
        self.assertEqual(set(kinds), {"connect", "lost", "fine"})
        self.assertGreaterEqual(kinds.count("connect"), 8)
