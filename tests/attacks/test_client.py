"""S31, S32: our own client, led to somebody else."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from twisted.internet import reactor as the_reactor
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from openclaw.client import blocking_tls
from openclaw.client import socket as client_socket
from openclaw.client.address import GatewayAddress, parse_address
from openclaw.client.blocking import BlockingClient
from openclaw.client.dial import Dialer
from openclaw.client.errors import ClientError
from openclaw.client.gateway import GatewayClient
from openclaw.client.pins import PinnedCertificates
from openclaw.client.settings import Credentials, Introduction
from openclaw.client.socket import SocketFactory
from openclaw.security.tls.pairs import Pair, make_pair
from tests.attacks.judging import AttackCase, Verdict, caught, held, hostile
from tests.client.stand_in import StandIn

reactor: Any = the_reactor
LOOPBACK = [ip_network(one) for one in ("127.0.0.0/8", "::1/128")]
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")
INSIDE = [ip_network(one) for one in (*PRIVATE, "fc00::/7", "fe80::/10")]
NAMES = ("gateway.example", "localhost", "127.0.0.1", "printer.local", "10.0.0.5", "::1")


def peers(count: int) -> Iterator[str]:
    """Where a name may lead: near, next door, and all over the internet."""
    choose = random.Random(32)
    near = (
        "10.{}.{}.7",
        "192.168.{}.{}",
        "172.{}.{}.1",
        "100.{}.{}.3",
        "127.{}.{}.1",
        "169.254.{}.{}",
    )
    for number in range(count):
        a, b = choose.randrange(256), choose.randrange(256)
        kind = number % 4
        if kind == 0:
            text = choose.choice(near).format(a, b)
        elif kind == 1:
            text = f"{choose.choice((1, 8, 11, 52, 93, 126, 128, 203))}.{a}.{b}.9"
        elif kind == 2:
            text = f"{choose.choice(('2a00:1450', 'fd00', 'fe80', '2600:9000'))}::{a:x}:{b:x}"
        else:
            text = f"::ffff:{choose.choice((8, 10, 127, 192))}.{a}.{b}.1"
        yield text + ("%eth0" if text.startswith("fe80") and a % 2 else "")


def may_be_plain(peer: str, allowed: bool) -> bool:
    """The oracle: this machine always, its own network if the user said so, nothing else."""
    address: Any = ip_address(peer.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    inside = allowed and any(address in one for one in INSIDE if one.version == address.version)
    return inside or any(address in one for one in LOOPBACK if one.version == address.version)


class PlaintextAttacks(AttackCase):
    """A connection is there; what matters is where it really leads."""

    def connect(self, count: int = 2000) -> Verdict:
        verdict, clock = Verdict(), Clock()
        for number, peer in enumerate(peers(count)):
            allowed = number % 3 == 0
            address = GatewayAddress(NAMES[number % len(NAMES)])
            factory: Any = SocketFactory(address, lambda *_: None, clock, allowed)  # type: ignore[arg-type]
            kind = IPv6Address if ":" in peer else IPv4Address
            transport: Any = StringTransport(peerAddress=kind("TCP", peer, 18789))
            transport.setTcpNoDelay = transport.abortConnection = lambda *_: None
            protocol = factory.buildProtocol(None)
            protocol.opened.addErrback(lambda _: None)
            protocol.makeConnection(transport)
            said = bool(transport.value())
            verdict.note((peer, allowed), said, may_be_plain(peer, allowed))
        return verdict

    @hostile(1589)
    def test_issue_37177_plain_text_to_public_addresses(self) -> None:
        """Tokens went over ``ws://`` to anywhere, as the name looked harmless (PR #37212)."""
        self.held(self.connect())
        self.patch(client_socket, "check_plaintext", lambda host, allowed: None)
        self.caught(self.connect(200))

    def read(self, parse: Callable[[str], GatewayAddress]) -> Verdict:
        verdict = Verdict()
        for text in _URLS:
            verdict.note(text, _reads(parse, text))
        for text in ("ws://127.0.0.1:1", "wss://gateway.example/path", "gateway:80", "[::1]:8"):
            verdict.note(text, _reads(parse, text), may=True)
        return verdict

    @hostile(27)
    def test_cve_2026_25253_credentials_in_addresses(self) -> None:
        """What is no plain address of a gateway is not guessed at."""
        self.held(self.read(parse_address))
        self.caught(self.read(lambda text: GatewayAddress(urlsplit(text).netloc)))


def _reads(parse: Callable[[str], GatewayAddress], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


_URLS = (
    *("ftp://gateway", "file:///etc/passwd", "javascript:alert(1)//", "ssh://gateway", "unix:///x"),
    *("ws://user@gateway", "ws://user:pass@gateway", "wss://127.0.0.1@evil.example", "ws://@evil"),
    *("ws://gateway?token=x", "wss://gateway/#token=x", "ws://gateway/?x#y", "gateway?a=b"),
    *("ws://", "wss:///path", "ws://:80", "", "://gateway", "ws://[::1", "ws://gateway:99999"),
    *("ws://gateway:x", "gopher://gateway", "data:text/plain,x", "ws://gateway:-1", "user@gateway"),
    *("http://a@b@evil.example", "ws+unix://socket"),
)


class PinAttacks(TestCase):
    """A real server with another certificate: nothing is said to it."""

    timeout = 120

    def setUp(self) -> None:
        until = timedelta(days=1)
        self.pinned = make_pair(["127.0.0.1"], datetime.now(UTC), until)
        self.pairs = [self.pinned] + [
            make_pair(names, datetime.now(UTC), until)
            for names in (["127.0.0.1"], ["localhost", "127.0.0.1"], ["gateway.example"])
        ]

    async def meet(self, pair: Pair, pins: tuple[str, ...], blocking: bool) -> tuple[bool, int]:
        """Meet a server with this certificate; whether all went well, and what it was told."""
        gateway = StandIn(reactor)
        gateway.listen(pair=pair)
        address = parse_address(gateway.url)
        introduction = Introduction(credentials=Credentials("right"), scopes=("operator.read",))
        try:
            await (self.block if blocking else self.dial)(address, introduction, pins)
            inside = True
        except ClientError:
            inside = False
        told = len(gateway.requests)
        await gateway.stop()
        return inside, told

    async def dial(self, address: Any, introduction: Any, pins: tuple[str, ...]) -> None:
        client = GatewayClient(Dialer(address, introduction, reactor, pins=pins))
        try:
            await client.connect()
        finally:
            await client.close()

    def block(self, address: Any, introduction: Any, pins: tuple[str, ...]) -> Deferred[None]:
        def work() -> None:
            client = BlockingClient(address, introduction, pins=pins)
            try:
                client.connect(5)
            finally:
                client.close()

        return deferToThread(work)

    async def meet_all(self) -> Verdict:
        verdict = Verdict()
        cut = self.pinned.fingerprint[:-3]
        ours = self.pinned.fingerprint
        for pins in ((ours,), (cut,), (ours[::-1],), ("AB:" * 31 + "AB",), ()):
            for number, pair in enumerate(self.pairs):
                for blocking in (False, True):
                    inside, told = await self.meet(pair, pins, blocking)
                    may = pair is self.pinned and pins == (ours,)
                    verdict.note((pins, number, blocking), inside or told > 0, may)
        return verdict

    @hostile(38)
    async def test_ghsa_pv58_549p_qh99_changed_pin_is_an_error(self) -> None:
        """A record found in the network replaced address and pin without a word.

        Whoever has another certificate than the pinned one hears no credential.
        """
        held(self, await self.meet_all())
        self.patch(PinnedCertificates, "_verify", lambda *_: True)
        self.patch(blocking_tls, "fingerprint", lambda _: self.pinned.fingerprint)
        caught(self, await self.meet_all())
