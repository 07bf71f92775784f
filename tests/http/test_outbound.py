"""Tests of the outbound HTTP client, against a real server that misbehaves."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import Certificate, PrivateCertificate
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import BrowserLikePolicyForHTTPS
from twisted.web.server import Request

from openclaw.http.outbound import TreqOutbound
from openclaw.interfaces.outbound import IOutboundResponse, OutboundError
from tests.http.upstream import Script, Upstream, cut, later, reset


def hello(request: Request) -> None:
    """Answer properly."""
    request.setHeader("x-kind", "greeting")
    request.write(b"hello")
    request.finish()


def silence(request: Request) -> None:
    """Never answer."""


def half(request: Request) -> None:
    """Send half a body and nothing more."""
    request.write(b"half")


def certificate_for_loopback() -> PrivateCertificate:
    """Make a self-signed certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both: PrivateCertificate = PrivateCertificate.loadPEM(text + made.public_bytes(Encoding.PEM))
    return both


class OutboundCase(TestCase):
    """A client, and servers made on demand; both are gone after each test."""

    timeout = 120

    def setUp(self) -> None:
        self.client = TreqOutbound(reactor)
        self.client.startService()
        self.addCleanup(self.client.stopService)

    def serve(self, script: Script) -> Upstream:
        """Start a server that runs ``script`` on each request."""
        server = Upstream(script)
        # Runs before the client stops: cleanups go last in, first out.
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        return server

    def get(self, url: str, idle_seconds: float = 5.0) -> Deferred[IOutboundResponse]:
        """Ask for a page of the operator's own."""
        return self.client.request("GET", url, {}, idle_seconds=idle_seconds, trusted=True)

    async def refusal(self, work: Deferred[Any]) -> OutboundError:
        """Wait for the error that ``work`` must end with."""
        error: OutboundError = await self.assertFailure(work, OutboundError)
        return error


class AnswerTests(OutboundCase):
    """What comes back when all goes well."""

    async def test_status_headers_and_body(self) -> None:
        server = self.serve(hello)
        answer = await self.get(server.url + "/a?b=c")
        self.assertEqual((answer.status, answer.header("X-Kind")), (200, "greeting"))
        self.assertEqual(answer.header("absent"), "")
        self.assertEqual(await answer.read(100), b"hello")
        self.assertEqual(server.requests[0][:2], ("GET", "/a?b=c"))

    async def test_post_sends_headers_and_body(self) -> None:
        server = self.serve(hello)
        await self.client.request(
            "POST", server.url, {"X-One": "1"}, b"body", idle_seconds=5, trusted=True
        )
        method, _, headers, body = server.requests[0]
        self.assertEqual((method, headers["x-one"], body), ("POST", "1", b"body"))
        self.assertTrue(headers["user-agent"].startswith("openclaw-gateway/"))

    async def test_connection_is_used_again(self) -> None:
        server = self.serve(hello)
        for _ in range(3):
            await (await self.get(server.url)).read(100)
        self.assertEqual((len(server.requests), server.connections), (3, 1))

    async def test_cookies_do_not_travel_to_the_next_request(self) -> None:
        def cookie(request: Request) -> None:
            request.addCookie("session", "1")
            hello(request)

        server = self.serve(cookie)
        for _ in range(2):
            await (await self.get(server.url)).read(100)
        self.assertNotIn("cookie", server.requests[1][2])

    async def test_redirects_are_not_followed(self) -> None:
        def elsewhere(request: Request) -> None:
            request.redirect(b"/secret")
            request.finish()

        server = self.serve(elsewhere)
        self.assertEqual((await self.get(server.url)).status, 302)
        self.assertEqual(len(server.requests), 1)

    async def test_pieces_arrive_before_the_body_ends(self) -> None:
        waiting: list[Request] = []

        def first_piece(request: Request) -> None:
            request.write(b"one")
            waiting.append(request)

        server = self.serve(first_piece)
        answer = await self.get(server.url)
        heard: list[bytes] = []
        first: Deferred[None] = Deferred()

        def on_data(data: bytes) -> None:
            heard.append(data)
            if not first.called:
                first.callback(None)

        done = answer.deliver(on_data)
        await first
        self.assertEqual(heard, [b"one"])
        self.assertNoResult(done)
        waiting[0].write(b"two")
        waiting[0].finish()
        await done
        self.assertEqual(b"".join(heard), b"onetwo")

    async def test_release_frees_a_finished_body_and_cuts_an_endless_one(self) -> None:
        server = self.serve(hello)
        (await self.get(server.url)).release()
        await deferLater(reactor, 0.05)
        await (await self.get(server.url)).read(100)
        self.assertEqual(server.connections, 1)
        server.script = half
        answer = await self.get(server.url, idle_seconds=0.05)
        done = answer.deliver(lambda data: answer.release())
        await done
        await server.gone


class FailureTests(OutboundCase):
    """What comes back when the peer, the network or the caller misbehaves."""

    async def test_refused_connection_is_of_kind_connect(self) -> None:
        server = Upstream(hello)
        url = server.url
        await server.stop()
        error = await self.refusal(self.get(url + "/path?key=secret"))
        self.assertEqual(error.kind, "connect")
        self.assertIn("127.0.0.1:", error.message)
        self.assertIn("refused", error.message)
        self.assertNotIn("secret", error.message)

    async def test_reset_before_the_answer_is_lost(self) -> None:
        server = self.serve(reset)
        error = await self.refusal(self.get(server.url))
        self.assertEqual(error.kind, "lost")
        self.assertEqual(len(server.requests), 1)

    async def test_reset_within_the_body_is_lost(self) -> None:
        def half_then_reset(request: Request) -> None:
            request.setHeader("content-length", "100")
            request.write(b"half")
            later(request, 0.05, reset, request)

        answer = await self.get(self.serve(half_then_reset).url)
        self.assertEqual((await self.refusal(answer.read(100))).kind, "lost")

    async def test_cut_within_a_chunked_body_is_lost(self) -> None:
        def half_then_cut(request: Request) -> None:
            request.write(b"half")
            later(request, 0.05, cut, request)

        answer = await self.get(self.serve(half_then_cut).url)
        self.assertEqual((await self.refusal(answer.read(100))).kind, "lost")

    async def test_silence_before_the_answer_is_a_timeout(self) -> None:
        server = self.serve(silence)
        error = await self.refusal(self.get(server.url, idle_seconds=0.05))
        self.assertEqual(error.kind, "timeout")
        self.assertIn("sent nothing for 0.05 s", error.message)
        await server.gone

    async def test_silence_within_the_body_is_a_timeout(self) -> None:
        server = self.serve(half)
        answer = await self.get(server.url, idle_seconds=0.05)
        self.assertEqual((await self.refusal(answer.read(100))).kind, "timeout")
        await server.gone

    async def test_slow_but_steady_is_no_silence(self) -> None:
        def drip(request: Request, left: int = 8) -> None:
            request.write(b".")
            if left:
                later(request, 0.05, drip, request, left - 1)
            else:
                request.finish()

        answer = await self.get(self.serve(drip).url, idle_seconds=0.3)
        self.assertEqual(await answer.read(100), b"." * 9)

    async def test_body_over_the_limit_closes_the_connection(self) -> None:
        def much(request: Request) -> None:
            request.write(b"x" * 1000)

        server = self.serve(much)
        error = await self.refusal((await self.get(server.url)).read(999))
        self.assertEqual(error.kind, "too_large")
        await server.gone

    async def test_receivers_own_error_comes_out(self) -> None:
        def broken(data: bytes) -> None:
            raise ZeroDivisionError

        server = self.serve(half)
        answer = await self.get(server.url)
        await self.assertFailure(answer.deliver(broken), ZeroDivisionError)
        await server.gone

    async def test_cancelling_the_request_closes_the_connection(self) -> None:
        asked: Deferred[None] = Deferred()
        server = self.serve(lambda request: asked.callback(None))
        pending = self.get(server.url)
        await asked
        pending.cancel()
        await self.assertFailure(pending, CancelledError)
        await server.gone

    async def test_cancelling_the_delivery_closes_the_connection_and_silences_it(self) -> None:
        def one_segment(request: Request) -> None:
            request.write(b"two")
            request.write(b"three")

        def pieces(request: Request) -> None:
            request.write(b"one")
            later(request, 0.05, one_segment, request)

        server = self.serve(pieces)
        answer = await self.get(server.url)
        heard: list[bytes] = []

        def on_data(data: bytes) -> None:
            heard.append(data)
            if data == b"two":
                done.cancel()

        done = answer.deliver(on_data)
        await self.assertFailure(done, CancelledError)
        await server.gone
        self.assertEqual(heard, [b"one", b"two"])

    async def test_cancelling_while_connecting(self) -> None:
        pending = self.get(self.serve(hello).url)
        pending.cancel()
        await self.assertFailure(pending, CancelledError)

    async def test_stopping_the_client_ends_what_is_under_way(self) -> None:
        server = self.serve(half)
        answer = await self.get(server.url)
        reading = answer.read(100)
        await self.client.stopService()
        self.assertEqual((await self.refusal(reading)).kind, "lost")

    async def test_other_schemes_are_refused(self) -> None:
        self.assertEqual((await self.refusal(self.get("ftp://127.0.0.1/"))).kind, "refused")

    async def test_plain_text_where_tls_is_expected_is_no_connection(self) -> None:
        class Plain(Protocol):
            transport: Any

            def dataReceived(self, data: bytes) -> None:
                self.transport.write(b"HTTP/1.0 400 What?\r\n\r\n")
                self.transport.loseConnection()

        listening: Any = reactor
        port = listening.listenTCP(0, Factory.forProtocol(Plain), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        error = await self.refusal(self.get(f"https://127.0.0.1:{port.getHost().port}/"))
        self.assertEqual(error.kind, "connect")

    async def test_answer_nobody_reads_does_not_outlive_the_client(self) -> None:
        server = self.serve(half)
        await self.get(server.url)
        await self.client.stopService()
        await server.gone

    async def test_old_answer_leaves_a_connection_alone_that_others_use(self) -> None:
        def broken(data: bytes) -> None:
            raise ZeroDivisionError

        server = self.serve(hello)
        first = await self.get(server.url)
        await deferLater(reactor, 0.05)  # The whole answer is here, though nobody took it yet.
        server.script = half
        second = await self.get(server.url)
        reading = second.read(100)
        await self.assertFailure(first.deliver(broken), ZeroDivisionError)
        await deferLater(reactor, 0.05)
        self.assertEqual(server.connections, 1)
        self.assertNoResult(reading)
        reading.cancel()
        await self.assertFailure(reading, CancelledError)


class TLSTests(OutboundCase):
    """The same over TLS."""

    def serve_tls(self, script: Script, trusted: bool) -> Upstream:
        """Start a server with a certificate of its own, which the client trusts or does not."""
        certificate = certificate_for_loopback()
        if trusted:
            self.client = TreqOutbound(
                reactor, tls=BrowserLikePolicyForHTTPS(Certificate(certificate.original))
            )
            self.addCleanup(self.client.stopService)
        server = Upstream(script, tls=certificate.options())
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        return server

    async def test_trusted_server_is_answered(self) -> None:
        server = self.serve_tls(hello, trusted=True)
        self.assertEqual(await (await self.get(server.url)).read(100), b"hello")

    async def test_unknown_certificate_is_refused_in_words(self) -> None:
        server = self.serve_tls(hello, trusted=False)
        error = await self.refusal(self.get(server.url))
        self.assertEqual((error.kind, server.requests), ("connect", []))
        self.assertIn("certificate verify failed", error.message)

    async def test_cancelling_closes_the_connection(self) -> None:
        server = self.serve_tls(half, trusted=True)
        reading = (await self.get(server.url)).read(100)
        reading.cancel()
        await self.assertFailure(reading, CancelledError)
        await server.gone


class GuardTests(OutboundCase):
    """Who is asked before a request leaves."""

    async def test_without_a_guard_only_trusted_addresses_pass(self) -> None:
        server = self.serve(hello)
        error = await self.refusal(self.client.request("GET", server.url, {}))
        self.assertEqual((error.kind, server.requests), ("refused", []))


class ImportTests(SynchronousTestCase):
    """What a gateway without a model pays."""

    def test_making_the_client_imports_no_http_client(self) -> None:
        program = (
            "import sys, openclaw.http.outbound as module; module.TreqOutbound(None);"
            "print([name for name in ('treq', 'twisted.web.client') if name in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.assertEqual(done.stdout.strip(), "[]")
