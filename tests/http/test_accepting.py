"""Who is kept out at the very first: no protocol, so no TLS, no byte read."""

import socket
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from openclaw.http.accepting import AcceptingFactory


class Counting(Factory):
    """Knows whether it was started, and what it made."""

    protocol = Protocol
    noisy = False
    started = 0
    stopped = 0

    def startFactory(self) -> None:
        """Count it."""
        self.started += 1

    def stopFactory(self) -> None:
        """Count it."""
        self.stopped += 1


class AcceptingFactoryTests(SynchronousTestCase):
    """Before a factory."""

    def setUp(self) -> None:
        """Only one address may come in."""
        self.behind = Counting()
        self.refused: list[str] = []
        self.factory = AcceptingFactory(
            self.behind, lambda address: address == "10.0.0.1", self.refused.append
        )

    def made(self, address: Any) -> bool:
        """Whether a connection from there gets a protocol."""
        return self.factory.buildProtocol(address) is not None

    def test_who_may_and_who_may_not(self) -> None:
        """The refused are told to whoever keeps notes."""
        self.assertTrue(self.made(IPv4Address("TCP", "10.0.0.1", 5)))
        self.assertFalse(self.made(IPv4Address("TCP", "10.0.0.2", 5)))
        self.assertFalse(self.made(IPv6Address("TCP", "2001:db8::1", 5)))
        self.assertFalse(self.made(UNIXAddress(b"/run/x")))
        self.assertFalse(self.made(None))
        self.assertEqual(self.refused, ["10.0.0.2", "2001:db8::1", "", ""])

    def test_what_stands_behind_starts_and_stops_with_it(self) -> None:
        """Once each."""
        self.factory.doStart()
        self.factory.doStop()
        self.assertEqual((self.behind.started, self.behind.stopped), (1, 1))


class RealPortTests(TestCase):
    """A port of the system."""

    timeout = 120

    async def test_a_refused_socket_is_closed_unread(self) -> None:
        """Whatever it sends, TLS or not; the next one that may come in does."""
        reactor: Any = the_reactor
        allowed: list[str] = []
        behind = Counting()
        behind.protocol = Greeting
        factory = AcceptingFactory(behind, allowed.__contains__, lambda address: None)
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.assertIn(await deferToThread(visit, port.getHost().port), (b"", b"reset"))
        allowed.append("127.0.0.1")
        self.assertEqual(await deferToThread(visit, port.getHost().port), b"come in")


class Greeting(Protocol):
    """Says one thing."""

    def connectionMade(self) -> None:
        """Say it."""
        assert self.transport is not None
        self.transport.write(b"come in")
        self.transport.loseConnection()


def visit(port: int) -> bytes:
    """Everything one connection hears."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as one:
        try:
            one.sendall(b"\x16\x03\x01")
            return one.recv(100)
        except ConnectionError:
            return b"reset"
