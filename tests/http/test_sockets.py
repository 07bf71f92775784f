"""Tests of outgoing WebSockets and TCP connections, against real servers that misbehave."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.ssl import Certificate, PrivateCertificate
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import BrowserLikePolicyForHTTPS
from zope.interface import implementer

from openclaw.config.fingerprints import key_pin
from openclaw.http.outgoing import stream, websocket
from openclaw.http.outgoing.pings import Pings
from openclaw.http.sockets import OutboundSockets
from openclaw.interfaces.outbound import IOutboundGuard, IOutboundSocket, OutboundError
from tests.http.far_end import Ear, FarEnd
from tests.http.test_outbound import certificate_for_loopback
from tests.http.test_pinned import pin_of

reactor: Any = the_reactor
OTHER = key_pin(b"the key of somebody else")


class SocketCase(TestCase):
    """A client, and servers made on demand; all are gone after each test."""

    timeout = 120

    def setUp(self) -> None:
        self.use()
        self.ear = Ear()

    def use(self, **given: Any) -> None:
        """Make the client."""
        self.sockets = OutboundSockets(reactor, **given)
        self.sockets.startService()
        self.addCleanup(self.sockets.stopService)

    def far_end(self, **given: Any) -> FarEnd:
        """Start a server."""
        end = FarEnd(**given)
        # Runs before the client stops: cleanups go last in, first out.
        self.addCleanup(lambda: Deferred.fromCoroutine(end.stop()))
        return end

    def open(
        self, url: str, headers: Mapping[str, str] | None = None, **how: Any
    ) -> Deferred[IOutboundSocket]:
        """Open a WebSocket of the operator's own."""
        how.setdefault("trusted", True)
        return self.sockets.websocket(url, self.ear, headers=headers or {}, **how)

    def dial(self, end: FarEnd, tls: bool = False, **how: Any) -> Deferred[IOutboundSocket]:
        """Open a TCP connection of the operator's own."""
        return self.sockets.tcp("127.0.0.1", end.port, self.ear, tls=tls, trusted=True, **how)

    async def refusal(self, work: Deferred[Any]) -> OutboundError:
        """Wait for the error that ``work`` must end with; the listener must hear nothing of it."""
        error: OutboundError = await self.assertFailure(work, OutboundError)
        self.assertEqual(self.ear.calls, [])
        self.assertEqual(len(self.sockets._opening), 0)
        return error


class WebSocketTests(SocketCase):
    """Opening, messages, the end."""

    async def test_messages_go_both_ways_as_what_they_are(self) -> None:
        end = self.far_end()
        socket = await self.open(end.url)
        self.assertEqual(self.ear.calls, ["opened"])
        for message in ("text \U0001f642", b"\x00\xff", "", "x" * 200_000):
            socket.send(message)
        await self.ear.hears(4)
        self.assertEqual(self.ear.heard, ["text \U0001f642", b"\x00\xff", "", "x" * 200_000])

    async def test_the_upgrade_is_what_was_asked_for(self) -> None:
        end = self.far_end()
        await self.open(
            f"{end.url}/a%20path/%0d%0aX:y?v=10&encoding=json",
            {"Authorization": "Bot abc", "Sec-WebSocket-Protocol": "one, two"},
        )
        request = end.asked[0]
        self.assertEqual(request.headers["authorization"], "Bot abc")
        self.assertEqual(request.headers["host"], f"127.0.0.1:{end.port}")
        self.assertTrue(request.headers["user-agent"].startswith("openclaw-gateway/"))
        self.assertEqual(request.protocols, ["one", "two"])
        self.assertEqual(request.params, {"v": ["10"], "encoding": ["json"]})
        self.assertNotIn("x", request.headers)

    async def test_an_address_without_a_path_may_have_a_query(self) -> None:
        end = self.far_end()
        await self.open(f"{end.url}?v=10", {"User-Agent": "own"})
        self.assertEqual((end.asked[0].path, end.asked[0].params), ("/", {"v": ["10"]}))
        self.assertEqual(end.asked[0].headers["user-agent"], "own")

    async def test_headers_with_line_breaks_are_refused(self) -> None:
        end = self.far_end()
        for headers in ({"A": "b\r\nC: d"}, {"A\r\n": "b"}, {"A": "b\x00"}, {"A b": "c"}):
            self.assertEqual((await self.refusal(self.open(end.url, headers))).kind, "refused")
        self.assertEqual(end.asked, [])

    async def test_our_close_reaches_the_peer_and_its_answer_us(self) -> None:
        end = self.far_end()
        socket = await self.open(end.url)
        far = await end.first
        socket.close(4000, "resuming")
        self.assertEqual(await far.closing, (4000, "resuming"))
        self.assertEqual(await self.ear.ended, (1000, ""))  # What the peer answered.
        socket.send("too late")
        socket.close()
        socket.abort()
        await deferLater(reactor, 0.02)
        self.assertEqual(self.ear.calls, ["opened", "closed"])

    async def test_the_peers_close_is_told_with_its_code(self) -> None:
        for code in (1000, 1001, 1012, 4004, 4999):
            self.ear = Ear()
            end = self.far_end()
            await self.open(end.url)
            (await end.first).sendCloseFrame(code, b"why")
            self.assertEqual(await self.ear.ended, (code, "why"))

    async def test_a_peer_that_ignores_our_close_is_cut(self) -> None:
        self.patch(websocket, "CLOSE_SECONDS", 0.05)
        end = self.far_end()
        end.answers_close = False
        socket = await self.open(end.url)
        socket.close(1000)
        self.assertEqual((await self.ear.ended)[0], 1006)
        await (await end.first).closing

    async def test_a_peer_that_says_goodbye_and_stays_is_cut(self) -> None:
        self.patch(websocket, "CLOSE_SECONDS", 0.05)
        end = self.far_end()
        end.answers_close = False  # So it does not hang up when we echo.
        await self.open(end.url)
        (await end.first).sendCloseFrame(4001, b"go")
        self.assertEqual(await self.ear.ended, (4001, "go"))

    async def test_a_cut_by_either_side_is_1006(self) -> None:
        for ours in (True, False):
            self.ear = Ear()
            end = self.far_end()
            socket = await self.open(end.url)
            far = await end.first
            socket.abort() if ours else far.transport.abortConnection()
            self.assertEqual((await self.ear.ended)[0], 1006)
            await far.closing

    async def test_nothing_is_heard_after_an_abort(self) -> None:
        end = self.far_end()
        socket = await self.open(end.url)
        far = await end.first
        for _ in range(3):
            far.sendMessage(b"x", True)
        await self.ear.hears(1)
        before = len(self.ear.heard)
        socket.abort()
        await self.ear.ended
        self.assertEqual(len(self.ear.heard), before)

    async def test_a_message_over_the_limit_closes_with_1009(self) -> None:
        end = self.far_end()
        await self.open(end.url, max_message=1000)
        far = await end.first
        far.sendMessage(b"x" * 1000, True)
        far.sendMessage(b"x" * 1001, True)
        code, reason = await self.ear.ended
        self.assertEqual((code, len(self.ear.heard)), (1009, 1))
        self.assertIn("longer than 1000 bytes", reason)
        self.assertEqual((await far.closing)[0], 1009)

    async def test_many_fragments_count_as_one_message(self) -> None:
        end = self.far_end()
        await self.open(end.url, max_message=1000)
        far = await end.first
        far.beginMessage(True)
        for _ in range(11):
            far.sendMessageFrame(b"x" * 100)
        self.assertEqual((await self.ear.ended)[0], 1009)
        self.assertEqual(self.ear.heard, [])

    async def test_text_that_is_none_closes_with_1007(self) -> None:
        end = self.far_end()
        await self.open(end.url)
        (await end.first).sendMessage(b"\xff\xfe", False)
        self.assertEqual((await self.ear.ended)[0], 1007)
        self.assertEqual(self.ear.heard, [])

    async def test_a_listeners_bug_costs_one_message(self) -> None:
        end = self.far_end()
        self.ear.fault = ZeroDivisionError()
        socket = await self.open(end.url)
        socket.send("one")
        socket.send("two")
        await self.ear.hears(2)
        await deferLater(reactor, 0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)


class PingTests(SocketCase):
    """Knowing that a peer is gone."""

    async def test_answered_pings_keep_it_open(self) -> None:
        end = self.far_end()
        await self.open(end.url, ping_seconds=0.02, pong_seconds=0.5)
        await deferLater(reactor, 0.3)
        self.assertGreaterEqual(end.pings, 4)
        self.assertEqual(self.ear.calls, ["opened"])

    async def test_a_missing_answer_cuts_it(self) -> None:
        end = self.far_end()
        end.answers_pings = False
        await self.open(end.url, ping_seconds=0.02, pong_seconds=0.05)
        code, reason = await self.ear.ended
        self.assertEqual(code, 1006)
        self.assertIn("answered no ping", reason)
        self.assertEqual(end.pings, 1)

    async def test_words_do_not_pass_for_an_answer(self) -> None:
        end = self.far_end()
        end.answers_pings = False
        socket = await self.open(end.url, ping_seconds=0.05, pong_seconds=0.1)
        far = await end.first
        far.sendPong(b"1")
        socket.send("echo")
        await self.ear.hears(1)
        self.assertIn("answered no ping", (await self.ear.ended)[1])


class PingTimeTests(SynchronousTestCase):
    """The same on a clock of our own."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: list[bytes] = []
        self.silences = 0
        self.pings = Pings(self.clock, 30, 15, self.asked.append, self.missed)

    def missed(self) -> None:
        """Count."""
        self.silences += 1

    def test_a_dead_peer_is_known_within_both_times(self) -> None:
        self.pings.start()
        self.clock.pump([30, 14.9])
        self.assertEqual((len(self.asked), self.silences), (1, 0))
        self.clock.advance(0.2)
        self.assertEqual((self.silences, self.clock.getDelayedCalls()), (1, []))

    def test_only_the_answer_to_the_last_ping_counts(self) -> None:
        self.pings.start()
        self.pings.answered(b"")
        self.clock.advance(30)
        self.pings.answered(b"0")
        self.clock.advance(14)
        self.pings.answered(self.asked[0])
        self.pings.answered(self.asked[0])
        self.clock.advance(29)
        self.pings.answered(self.asked[0])  # Again: it must not put off the next one.
        self.clock.advance(1)
        self.assertEqual(len(self.asked), 2)
        self.pings.answered(self.asked[0])
        self.clock.advance(15)
        self.assertEqual(self.silences, 1)

    def test_a_healthy_day_is_never_doubted(self) -> None:
        self.pings.start()
        for _ in range(24 * 60 * 2):
            self.clock.advance(30)
            self.pings.answered(self.asked[-1])
        self.assertEqual((self.silences, len(self.asked)), (0, 2880))
        self.pings.stop()
        self.pings.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class OpeningTests(SocketCase):
    """Connections that never come to be."""

    async def test_nobody_listens(self) -> None:
        end = FarEnd()
        url = end.url
        await end.stop()
        error = await self.refusal(self.open(url + "/?token=secret"))
        self.assertEqual(error.kind, "connect")
        self.assertNotIn("secret", error.message)

    async def test_a_refused_upgrade_names_the_status(self) -> None:
        end = self.far_end()
        end.refusal = 403
        error = await self.refusal(self.open(end.url))
        self.assertEqual(error.kind, "connect")
        self.assertIn("403", error.message)

    async def test_a_silent_server_is_given_up(self) -> None:
        end = self.far_end(websocket=False)
        end.silent = True
        error = await self.refusal(self.open(end.url, connect_seconds=0.05))
        self.assertEqual(error.kind, "connect")
        self.assertIn("within 0.05 s", error.message)
        await (await end.first).lost

    async def test_servers_that_speak_something_else(self) -> None:
        for says in (
            b"220 hello\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"\xff\xfe\r\n\r\n",
            b"x" * 99_999,
        ):
            end = self.far_end(websocket=False)
            end.says = says
            self.assertEqual((await self.refusal(self.open(end.url))).kind, "connect")
            await (await end.first).lost

    async def test_cancelling_while_connecting(self) -> None:
        pending = self.open(self.far_end().url)
        pending.cancel()
        await self.assertFailure(pending, CancelledError)
        self.assertEqual((len(self.sockets), self.ear.calls), (0, []))

    async def test_cancelling_during_the_upgrade(self) -> None:
        end = self.far_end(websocket=False)
        end.silent = True
        pending = self.open(end.url)
        far = await end.first
        pending.cancel()
        await self.assertFailure(pending, CancelledError)
        await far.lost
        self.assertEqual(self.ear.calls, [])

    async def test_strange_addresses_are_refused(self) -> None:
        for url in ("http://127.0.0.1/", "ws://u:p@127.0.0.1/", "ws://2130706433/", "ws:///", "x"):
            self.assertEqual((await self.refusal(self.open(url))).kind, "refused")


@implementer(IOutboundGuard)
class Detour:
    """Leads every name to the same address, or refuses all."""

    def __init__(self, *addresses: str) -> None:
        self.asked: list[str] = []
        self._addresses = addresses

    def resolve(self, url: str) -> Deferred[tuple[str, ...]]:
        """Say where."""
        self.asked.append(url)
        if not self._addresses:
            return fail(OutboundError("no", "refused"))
        return succeed(self._addresses)


class GuardTests(SocketCase):
    """Who is asked before a connection is opened, and where it leads."""

    async def test_without_a_guard_only_trusted_addresses_pass(self) -> None:
        end = self.far_end()
        error = await self.refusal(self.open(end.url, trusted=False))
        self.assertEqual((error.kind, end.asked), ("refused", []))

    async def test_it_connects_where_the_guard_says(self) -> None:
        end, guard = self.far_end(), Detour("127.0.0.1")
        self.use(guard=guard)
        await self.open(f"ws://chat.example:{end.port}/x", trusted=False)
        self.assertEqual(guard.asked, [f"ws://chat.example:{end.port}/x"])
        self.assertEqual(end.asked[0].headers["host"], f"chat.example:{end.port}")

    async def test_a_dead_address_is_followed_by_the_next(self) -> None:
        end = self.far_end()
        self.use(guard=Detour("127.0.0.2", "127.0.0.1"))
        await self.open(f"ws://chat.example:{end.port}/", trusted=False)
        self.assertEqual(len(end.asked), 1)

    async def test_tcp_is_guarded_too(self) -> None:
        end = self.far_end(websocket=False)
        error = await self.refusal(self.sockets.tcp("127.0.0.1", end.port, self.ear, tls=False))
        self.assertEqual(error.kind, "refused")
        self.use(guard=Detour("127.0.0.1"))
        await self.sockets.tcp("irc.example", end.port, self.ear, tls=False)
        self.assertEqual(len(end.raw), 1)

    async def test_a_guard_that_never_answers_is_given_up(self) -> None:
        @implementer(IOutboundGuard)
        class Slow:
            def resolve(self, url: str) -> Deferred[tuple[str, ...]]:
                return Deferred()

        self.use(guard=Slow())
        error = await self.refusal(
            self.open("ws://chat.example/", trusted=False, connect_seconds=0.05)
        )
        self.assertEqual(error.kind, "connect")


class TLSTests(SocketCase):
    """Names, authorities, pins."""

    def secured(
        self, pins: Sequence[str] = (), trusted: bool = True, websocket: bool = True
    ) -> FarEnd:
        """Start a server with a certificate for 127.0.0.1."""
        certificate: PrivateCertificate = certificate_for_loopback()
        policy = BrowserLikePolicyForHTTPS(Certificate(certificate.original)) if trusted else None
        shown = tuple(pin or pin_of(certificate) for pin in pins)
        names = ("127.0.0.1", "localhost") if shown else ()
        self.use(tls=policy, pins=dict.fromkeys(names, shown), guard=Detour("127.0.0.1"))
        return self.far_end(tls=certificate.options(), websocket=websocket)

    async def test_a_trusted_server_is_spoken_to(self) -> None:
        for pins in ((), ("",), (OTHER, "")):
            self.ear = Ear()
            socket = await self.open(self.secured(pins).url)
            socket.send("hello")
            await self.ear.hears(1)
            socket.close()
            self.assertEqual((await self.ear.ended)[0], 1000)

    async def test_an_unknown_certificate_is_refused_in_words(self) -> None:
        for websocket_too in (True, False):
            end = self.secured(trusted=False, websocket=websocket_too)
            work = self.open(end.url) if websocket_too else self.dial(end, tls=True)
            error = await self.refusal(work)
            self.assertEqual((error.kind, end.asked), ("connect", []))
            self.assertIn("certificate verify failed", error.message)

    async def test_a_certificate_for_another_name_is_refused(self) -> None:
        for pins in ((), ("",)):
            end = self.secured(pins)
            url = end.url.replace("127.0.0.1", "localhost")
            error = await self.refusal(self.open(url, trusted=False))
            self.assertEqual(end.asked, [])
            self.assertIn("certificate is for another name", error.message)

    async def test_another_key_than_the_pinned_one_is_refused(self) -> None:
        for websocket_too in (True, False):
            end = self.secured([OTHER], websocket=websocket_too)
            work = self.open(end.url) if websocket_too else self.dial(end, tls=True)
            error = await self.refusal(work)
            self.assertEqual((error.kind, end.asked), ("refused", []))
            self.assertIn("connections.pins", error.message)
            if end.raw:
                await end.raw[0].lost
                self.assertEqual(end.raw[0].heard, b"")

    async def test_tcp_opens_once_tls_is_agreed(self) -> None:
        end = self.secured([""], websocket=False)
        socket = await self.dial(end, tls=True)
        socket.send("NICK x\r\n")
        await self.ear.hears(1)
        self.assertEqual(b"".join(map(bytes, self.ear.heard)), b"NICK x\r\n")  # type: ignore[arg-type]
        socket.close()
        self.assertEqual(await self.ear.ended, (1006, ""))


class StreamTests(SocketCase):
    """TCP without TLS."""

    async def test_bytes_go_both_ways_and_the_end_is_told(self) -> None:
        end = self.far_end(websocket=False)
        socket = await self.dial(end)
        socket.send(b"one")
        socket.send("two")
        await self.ear.hears(1)
        (await end.first).transport.loseConnection()
        await self.ear.ended
        self.assertEqual(b"".join(self.ear.heard), b"onetwo")  # type: ignore[arg-type]
        self.assertEqual((self.ear.calls[0], self.ear.calls[-1]), ("opened", "closed"))

    async def test_closing_sends_what_was_written(self) -> None:
        end = self.far_end(websocket=False)
        socket = await self.dial(end)
        socket.send(b"QUIT\r\n")
        socket.close()
        await self.ear.ended
        far = await end.first
        await far.lost
        self.assertEqual(far.heard, b"QUIT\r\n")

    async def test_a_peer_that_takes_nothing_is_cut(self) -> None:
        self.patch(stream, "CLOSE_SECONDS", 0.05)
        end = self.far_end(websocket=False)
        socket = await self.dial(end)
        (await end.first).transport.pauseProducing()
        socket.send(b"x" * (32 << 20))
        socket.close()
        self.assertEqual((await self.ear.ended)[0], 1006)

    async def test_tls_that_never_answers_is_given_up(self) -> None:
        end = self.far_end(websocket=False)
        end.says = b"\x16"
        error = await self.refusal(self.dial(end, tls=True, connect_seconds=0.05))
        self.assertEqual(error.kind, "connect")
        await (await end.first).lost


class StopTests(SocketCase):
    """The end of the service is the end of every socket."""

    async def test_open_sockets_are_cut_and_waited_for(self) -> None:
        end, plain = self.far_end(), self.far_end(websocket=False)
        await self.open(end.url, ping_seconds=30)
        other, self.ear = self.ear, Ear()
        await self.dial(plain)
        self.assertEqual(len(self.sockets), 2)
        await self.sockets.stopService()
        self.assertEqual(len(self.sockets), 0)
        self.assertEqual((self.ear.calls[-1], other.calls[-1]), ("closed", "closed"))

    async def test_what_is_connected_and_not_greeted_counts_once(self) -> None:
        end = self.far_end(websocket=False)
        end.silent = True
        opening = self.open(f"ws://127.0.0.1:{end.port}/")
        while not (end.raw and end.raw[0].heard):
            await deferLater(reactor, 0.005)
        self.assertEqual(len(self.sockets), 1)
        await self.sockets.stopService()
        self.assertEqual((await self.refusal(opening)).kind, "refused")
        self.assertEqual(len(self.sockets), 0)

    async def test_what_is_being_opened_is_given_up(self) -> None:
        end = self.far_end(websocket=False)
        end.silent = True
        pending = self.open(end.url)
        early = self.open(end.url)
        await end.first
        await self.sockets.stopService()
        for work in (pending, early):
            self.assertEqual((await self.refusal(work)).kind, "refused")
        self.assertEqual(len(self.sockets), 0)

    async def test_nothing_is_opened_after_the_stop_until_the_next_start(self) -> None:
        end = self.far_end()
        await self.sockets.stopService()
        self.assertEqual((await self.refusal(self.open(end.url))).kind, "refused")
        self.sockets.startService()
        await self.open(end.url)

    async def test_two_hundred_sockets_leave_nothing(self) -> None:
        end = self.far_end()
        for number in range(200):
            self.ear = Ear()
            socket = await self.open(end.url, ping_seconds=30)
            socket.abort() if number % 2 else socket.close()
            await self.ear.ended
        await deferLater(reactor, 0)
        self.assertEqual(len(self.sockets), 0)


class ImportTests(SynchronousTestCase):
    """What a gateway without channels pays."""

    def test_making_the_client_imports_no_client(self) -> None:
        program = (
            "import sys, openclaw.http.sockets as module; module.OutboundSockets(None);"
            "names = ('treq', 'twisted.web.client', 'autobahn', 'openclaw.http.pinned');"
            "print([name for name in names if name in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.assertEqual(done.stdout.strip(), "[]")
