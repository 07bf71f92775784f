"""The real gateway speaks TLS: OpenSSL and Python's ssl as judges, pins, rotation, mTLS."""

import http.client
import json
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

from OpenSSL import crypto
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from openclaw.client.address import GatewayAddress
from openclaw.client.blocking_socket import BlockingSocket, Deadline
from openclaw.client.dial import Dialer
from openclaw.client.errors import UntrustedCertificate
from openclaw.client.gateway import GatewayClient
from openclaw.client.settings import Credentials, Introduction
from openclaw.config.fingerprints import spelled
from openclaw.security.tls.pairs import read_pair
from tests.cli.running import run_here
from tests.http.test_outbound import certificate_for_loopback
from tests.integration.programs import needed, program
from tests.integration.running import TOKEN, Place, Running, reactor


def unchecked() -> ssl.SSLContext:
    """A client that believes anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def ask(port: int, path: str, context: ssl.SSLContext) -> tuple[int, Any]:
    """One HTTPS request, blocking."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


class TlsCase(TestCase):
    """A gateway with TLS, in a process of its own."""

    timeout = 120

    def setUp(self) -> None:
        self.place = Place(self.mktemp())

    async def start(self, gateway: dict[str, Any], security: dict[str, Any] | None = None) -> None:
        """Start it and wait until it is ready."""
        transport = {"transport": {"tls": security or {}}}
        self.place.configure({"gateway": gateway, "security": transport})
        self.running = self.place.start(*self.place.options())
        self.addCleanup(self.running.stop)
        await self.until(lambda: (self.place.own / "runtime.json").exists())

    async def until(self, happened: Any) -> None:
        """Wait for something, as long as the gateway lives."""
        while not happened():
            self.assertIsNone(self.running.gone, self.running.printed)
            await deferLater(reactor, 0.05)

    @property
    def note(self) -> dict[str, Any]:
        """What the gateway wrote down about itself."""
        found: dict[str, Any] = json.loads((self.place.own / "runtime.json").read_bytes())
        return found

    def client(self, *pins: str) -> GatewayClient:
        """A client that accepts these certificates."""
        introduction = Introduction(credentials=Credentials(TOKEN), scopes=("operator.read",))
        address = GatewayAddress("127.0.0.1", self.place.port, secure=True)
        client = GatewayClient(Dialer(address, introduction, reactor, pins=pins))
        self.addCleanup(client.close)
        return client

    async def command(self, *arguments: str) -> Any:
        """Run our command line on this machine, telling it nothing but the state directory."""
        given = [*arguments, "--state-dir", str(self.place.state), "--json", "--timeout", "5s"]
        environ = {"OPENCLAW_GATEWAY_TOKEN": TOKEN}
        return await deferToThread(run_here, given, self.place.home, environ)


class SelfSignedTests(TlsCase):
    """Nothing is configured but ``enabled``."""

    async def test_one_port_speaks_http_and_websocket_over_tls_1_3_only(self) -> None:
        await self.start({"tls": {"enabled": True}})
        port, pem = self.place.port, self.place.own / "tls" / "current.pem"
        self.assertEqual(pem.stat().st_mode & 0o777, 0o600)
        status, body = await deferToThread(ask, port, "/health", unchecked())
        self.assertEqual((status, body["ok"]), (200, True))
        fingerprint = read_pair(pem, pem).fingerprint
        client = self.client(fingerprint)
        await client.connect()
        told = await client.request("status")
        self.assertEqual(told["tls"]["fingerprint"], fingerprint)
        self.assertIn(fingerprint, self.running.printed)
        self.assertIn("https://127.0.0.1", self.running.out)
        self.assertEqual(self.note["fingerprints"], [fingerprint])
        self.assertTrue(self.note["url"].startswith("wss://"))
        old = unchecked()
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        await self.assertFailure(deferToThread(ask, port, "/health", old), ssl.SSLError)

    async def test_a_wrong_pin_is_refused_and_the_command_line_needs_none(self) -> None:
        await self.start({"tls": {"enabled": True}})
        await self.assertFailure(self.client(spelled(bytes(32))).connect(), UntrustedCertificate)
        ran = await self.command("status")
        self.assertEqual((ran.status, ran.document["reachable"]), (0, True), ran)
        fingerprint = ran.document["tls"]["fingerprint"]
        self.assertEqual([fingerprint], self.note["fingerprints"])
        ran = await self.command("status", "--tls-fingerprint", spelled(bytes(32)))
        error = ran.document["error"]
        self.assertEqual((ran.status, error["code"]), (1, "TLS_FINGERPRINT_MISMATCH"))
        self.assertEqual(error["details"], {"fingerprint": fingerprint})

    async def test_a_connection_that_carried_http_can_become_a_websocket(self) -> None:
        await self.start({"tls": {"enabled": True}})

        def talk() -> tuple[int, str]:
            plain = socket.create_connection(("127.0.0.1", self.place.port), 5)
            with unchecked().wrap_socket(plain) as stream:
                stream.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = http.client.HTTPResponse(stream)
                answer.begin()
                answer.read()
                opened, deadline = BlockingSocket(stream), Deadline("the upgrade", 5)
                opened.upgrade(GatewayAddress("localhost", self.place.port), deadline)
                return answer.status, json.loads(opened.read(deadline))["event"]

        self.assertEqual(await deferToThread(talk), (200, "connect.challenge"))

    @needed("openssl")
    async def test_openssl_sees_what_was_configured(self) -> None:
        suite = "TLS_CHACHA20_POLY1305_SHA256"
        await self.start({"tls": {"enabled": True}}, {"ciphers": [suite]})
        place = ("s_client", "-connect", f"127.0.0.1:{self.place.port}", "-brief")

        async def shake(*more: str) -> tuple[int, str]:
            done = await deferToThread(
                subprocess.run,
                [program("openssl"), *place, *more],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=10,
            )
            return done.returncode, done.stdout

        status, said = await shake()
        self.assertEqual(status, 0, said)
        self.assertIn("TLSv1.3", said)
        self.assertIn(suite, said)
        for refused in (
            ("-tls1_2",),
            ("-ciphersuites", "TLS_AES_256_GCM_SHA384"),
        ):
            status, said = await shake(*refused)
            self.assertNotEqual(status, 0, said)


class RotationTests(TlsCase):
    """Certificates that last seconds."""

    async def test_the_next_pin_is_told_then_used_and_no_socket_is_dropped(self) -> None:
        rotation = {"interval": "8s", "overlap": "3s"}
        await self.start({"tls": {"enabled": True}}, {"certificateRotation": rotation})
        (first,) = self.note["fingerprints"]
        client = self.client(first)
        told: list[str] = []
        client.on_event(lambda event: told.append(json.dumps(event.payload)))
        await client.connect()
        await self.until(lambda: len(self.note["fingerprints"]) == 2)
        second = self.note["fingerprints"][1]
        for method in ("status", "health"):
            tls = (await client.request(method))["tls"]
            self.assertEqual((tls["fingerprint"], tls["next"]["fingerprint"]), (first, second))
        # Clients that are connected hear of it without asking.
        await self.until(lambda: any(second in text for text in told))
        newcomer = self.client(first)
        hello = await newcomer.connect()
        self.assertEqual(hello.snapshot["health"]["tls"]["next"]["fingerprint"], second)
        await self.until(lambda: self.note["fingerprints"][0] == second)
        # The socket of before still answers; a new one needs the pin that was told in time.
        self.assertEqual((await client.request("status"))["tls"]["fingerprint"], second)
        await self.assertFailure(self.client(first).connect(), UntrustedCertificate)
        await self.client(first, second).connect()
        self.assertEqual((await self.command("status")).status, 0)


class ClientCertificateTests(TlsCase):
    """Who has no certificate does not get as far as HTTP."""

    async def test_a_required_certificate_is_required(self) -> None:
        device, stranger = certificate_for_loopback(), certificate_for_loopback()
        self.place.state.mkdir(mode=0o700)
        authorities = self.place.state / "devices.pem"
        authorities.write_bytes(device.dumpPEM())
        tls = {"enabled": True, "caPath": str(authorities), "clientCertificates": "required"}
        await self.start({"tls": tls})

        def shows(shown: Any) -> ssl.SSLContext:
            path = Path(self.mktemp())
            path.write_bytes(shown.dumpPEM() + shown.privateKey.dump(crypto.FILETYPE_PEM))
            context = unchecked()
            context.load_cert_chain(path)
            return context

        status, _ = await deferToThread(ask, self.place.port, "/health", shows(device))
        self.assertEqual(status, 200)
        for context in (unchecked(), shows(stranger)):
            refused = deferToThread(ask, self.place.port, "/health", context)
            await self.assertFailure(refused, OSError, http.client.HTTPException)


class StartTests(TestCase):
    """What a start refuses, with which words."""

    timeout = 120

    def setUp(self) -> None:
        self.place = Place(self.mktemp())

    async def ended(self, tree: dict[str, Any], *arguments: str) -> tuple[int | None, str]:
        """Start a gateway that must not start."""
        self.place.configure(tree)
        running: Running = self.place.start(*self.place.options(), *arguments)
        ended = await running.ended()
        self.assertEqual(len(running.err.strip().splitlines()), 1, running.printed)
        return ended.status, running.err

    async def test_an_open_address_in_plain_text(self) -> None:
        status, words = await self.ended({}, "--host", "0.0.0.0")
        self.assertEqual(status, 78)
        for named in ("gateway.tls.enabled", "trustedProxies", "--allow-plaintext"):
            self.assertIn(named, words)

    async def test_a_suite_that_is_none(self) -> None:
        tree = {
            "gateway": {"tls": {"enabled": True}},
            "security": {"transport": {"tls": {"ciphers": ["TLS_NULL"]}}},
        }
        status, words = await self.ended(tree)
        self.assertEqual(status, 78)
        self.assertIn("security.transport.tls.ciphers[0]", words)

    async def test_a_certificate_that_is_not_there(self) -> None:
        files = {"cert": "/nowhere/a.crt", "key": "/nowhere/a.key"}
        status, words = await self.ended({"gateway": {"tls": {"enabled": True, **files}}})
        self.assertEqual(status, 78)
        self.assertIn("gateway.tls.cert: cannot read /nowhere/a.crt", words)

    async def test_the_owners_word_is_enough(self) -> None:
        self.place.configure({})
        options = (*self.place.options(), "--host", "0.0.0.0", "--allow-plaintext")
        running = await self.place.ready(self.place.start(*options))
        self.assertEqual((await running.stop()).status, 0)
