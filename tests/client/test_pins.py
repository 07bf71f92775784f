"""Tests of pinned certificates: both clients, against a server that speaks TLS."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from openclaw.client.address import parse_address
from openclaw.client.blocking import BlockingClient
from openclaw.client.dial import Dialer
from openclaw.client.errors import GatewayUnreachable, UntrustedCertificate
from openclaw.client.gateway import GatewayClient
from openclaw.client.settings import Credentials, Introduction
from openclaw.config.fingerprints import spelled
from openclaw.deferreds import deferred
from openclaw.security.tls.pairs import make_pair, write_pair
from tests.client.stand_in import StandIn
from tests.client.test_gateway import WebServer

reactor: Any = the_reactor
OTHER = spelled(bytes(range(32)))
INTRODUCTION = Introduction(credentials=Credentials("right"), scopes=("operator.read",))


class PinCase(TestCase):
    """A stand-in that shows a certificate nobody has signed."""

    timeout = 120

    def setUp(self) -> None:
        self.pair = make_pair(["127.0.0.1", "localhost"], datetime.now(UTC), timedelta(days=1))
        self.gateway = StandIn(reactor)
        self.gateway.listen(pair=self.pair)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.gateway.stop()))

    def connect(self, *pins: str) -> Deferred[Any]:
        """Connect with one of the clients; fires with its hello."""
        raise NotImplementedError


class PinContract:
    """What both clients must do; mixed into a :class:`PinCase`."""

    gateway: StandIn
    connect: Any
    pair: Any
    assertEqual: Any
    assertIn: Any
    assertFailure: Any

    async def test_the_pinned_certificate_needs_nobody_else(self) -> None:
        for pins in ((self.pair.fingerprint,), (OTHER, self.pair.fingerprint)):
            hello = await self.connect(*pins)
            self.assertEqual(hello.server_version, "9.9.9")

    async def test_another_one_is_refused_and_sees_no_credential(self) -> None:
        error = await self.assertFailure(self.connect(OTHER), UntrustedCertificate)
        self.assertEqual((error.seen, error.pinned), (self.pair.fingerprint, True))
        self.assertEqual((self.gateway.requests, self.gateway.connections), ([], []))

    async def test_without_a_pin_a_stranger_is_refused(self) -> None:
        error = await self.assertFailure(self.connect(), UntrustedCertificate)
        self.assertEqual(error.pinned, False)
        self.assertEqual((self.gateway.requests, self.gateway.connections), ([], []))

    async def test_a_changed_certificate_is_an_error_until_it_is_pinned(self) -> None:
        pinned = self.pair.fingerprint
        await self.connect(pinned)
        port = self.gateway.port
        await self.gateway.stop()
        self.pair = make_pair(["127.0.0.1"], datetime.now(UTC), timedelta(days=1))
        self.gateway.listen(port, self.pair)
        error = await self.assertFailure(self.connect(pinned), UntrustedCertificate)
        self.assertEqual(error.seen, self.pair.fingerprint)
        await self.connect(pinned, self.pair.fingerprint)

    async def test_no_tls_there_is_said(self) -> None:
        plain = reactor.listenTCP(0, Factory.forProtocol(WebServer), interface="127.0.0.1")
        try:
            url = f"wss://127.0.0.1:{plain.getHost().port}"
            for pins in ((), (OTHER,)):
                await self.assertFailure(self.connect(*pins, url=url), GatewayUnreachable)
        finally:
            await plain.stopListening()


class BlockingPinTests(PinContract, PinCase):
    """The client of commands that only ask."""

    def connect(self, *pins: str, url: str = "") -> Deferred[Any]:
        address = parse_address(url or self.gateway.url)
        client = BlockingClient(address, INTRODUCTION, pins=pins)

        def work() -> Any:
            try:
                return client.connect(5)
            finally:
                client.close()

        return deferToThread(work)

    async def test_the_fingerprint_of_a_stranger_is_told(self) -> None:
        """First use: somebody has to be able to compare it."""
        error = await self.assertFailure(self.connect(), UntrustedCertificate)
        self.assertEqual(error.seen, self.pair.fingerprint)
        self.assertIn("self-signed", error.why)

    async def test_names_are_checked_where_authorities_are_trusted(self) -> None:
        path = Path(self.mktemp())
        write_pair(path, self.pair)
        self.addCleanup(os.environ.pop, "SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(path)
        await self.connect()
        await self.gateway.stop()
        stranger = make_pair(["gateway.example"], datetime.now(UTC), timedelta(days=1))
        write_pair(path, stranger)
        self.gateway.listen(self.gateway.port, stranger)
        error = await self.assertFailure(self.connect(), UntrustedCertificate)
        self.assertIn("mismatch", error.why)


class TwistedPinTests(PinContract, PinCase):
    """The client of everything that stays connected."""

    @deferred
    async def connect(self, *pins: str, url: str = "") -> Any:
        address = parse_address(url or self.gateway.url)
        client = GatewayClient(Dialer(address, INTRODUCTION, reactor, pins=pins))
        try:
            return await client.connect()
        finally:
            await client.close()
