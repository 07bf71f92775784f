"""Pinned keys of outgoing connections, against a real TLS server."""

import socketserver
import ssl
import threading
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.ssl import Certificate, PrivateCertificate
from twisted.internet.threads import deferToThread
from twisted.web.client import BrowserLikePolicyForHTTPS

from openclaw.config.fingerprints import key_pin
from openclaw.http.outbound import TreqOutbound
from tests.http.test_outbound import OutboundCase, certificate_for_loopback, hello
from tests.http.upstream import Upstream

OTHER = key_pin(b"the key of somebody else")


def pin_of(certificate: PrivateCertificate) -> str:
    """The pin of a certificate's key."""
    public = certificate.original.to_cryptography().public_key()
    return key_pin(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


class PinnedTests(OutboundCase):
    """The certificate is trusted each time; only the pins differ."""

    def serve_pinned(self, *pins: str, host: str = "127.0.0.1") -> Upstream:
        """Start a server that is trusted, and a client with these pins for ``host``."""
        self.certificate = certificate_for_loopback()
        policy = BrowserLikePolicyForHTTPS(Certificate(self.certificate.original))
        wanted = tuple(pin or pin_of(self.certificate) for pin in pins)
        self.client = TreqOutbound(reactor, tls=policy, pins={host: wanted})
        self.addCleanup(self.client.stopService)
        server = Upstream(hello, tls=self.certificate.options())
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        return server

    async def test_the_pinned_key_is_asked(self) -> None:
        for pins in (("",), (OTHER, ""), ("", OTHER)):
            server = self.serve_pinned(*pins)
            self.assertEqual(await (await self.get(server.url)).read(100), b"hello")

    async def test_another_key_is_refused_before_the_request_is_sent(self) -> None:
        server = self.serve_pinned(OTHER)
        error = await self.refusal(self.get(server.url))
        self.assertEqual((error.kind, server.requests), ("refused", []))
        self.assertIn("connections.pins", error.message)

    async def test_pins_hold_for_their_host_only(self) -> None:
        server = self.serve_pinned(OTHER, host="localhost")
        self.assertEqual(await (await self.get(server.url)).read(100), b"hello")

    async def test_a_pin_does_not_replace_trust(self) -> None:
        server = self.serve_pinned("")
        self.client = TreqOutbound(reactor, pins={"127.0.0.1": (pin_of(self.certificate),)})
        self.addCleanup(self.client.stopService)
        error = await self.refusal(self.get(server.url))
        self.assertEqual(server.requests, [])
        self.assertIn("certificate verify failed", error.message)

    async def test_the_name_is_still_checked(self) -> None:
        for host in ("localhost", "another.example"):
            server = self.serve_pinned("", host=host)
            error = await self.refusal(self.get(server.url.replace("127.0.0.1", "localhost")))
            self.assertEqual(server.requests, [])
            self.assertIn("certificate is for another name", error.message)

    async def test_not_one_byte_reaches_the_owner_of_another_key(self) -> None:
        server = self.serve_pinned(OTHER)
        heard: list[bytes] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(self.certificate.dumpPEM() + self.certificate.privateKey.dump(1))
        context.load_cert_chain(path)

        class Ear(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    with context.wrap_socket(self.request, server_side=True) as stream:
                        heard.append(stream.recv(4096))
                except OSError:
                    heard.append(b"")

        listener = socketserver.TCPServer(("127.0.0.1", 0), Ear)
        thread = threading.Thread(target=listener.handle_request, daemon=True)
        thread.start()
        await self.refusal(self.get(f"https://127.0.0.1:{listener.server_address[1]}"))
        done: Any = deferToThread(thread.join, 3)
        await done
        listener.server_close()
        self.assertEqual((heard, server.requests), ([b""], []))
