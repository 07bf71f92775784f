"""Tests of names and endpoints: who is looked up when, and what is kept of TLS."""

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import BrowserLikePolicyForHTTPS
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from openclaw.http.outgoing.dialing import REMEMBERED, Dialing
from openclaw.http.outgoing.names import LOOK_UPS, SystemNames


class _Slow:
    """A system that answers when it is told to."""

    def __init__(self) -> None:
        self.nameResolver = self
        self.begun: list[tuple[str, Any]] = []

    def resolveHostName(self, receiver: Any, host: str) -> None:
        """Begin."""
        self.begun.append((host, receiver))

    def answer(self, number: int, *addresses: str) -> None:
        """End one."""
        receiver = self.begun[number][1]
        for address in addresses:
            receiver.addressResolved(IPv4Address("TCP", address, 0))
        receiver.resolutionComplete()


class NameTests(SynchronousTestCase):
    """Look-ups, which cost threads."""

    def setUp(self) -> None:
        self.system = _Slow()
        self.names = SystemNames(self.system)

    def test_addresses_come_in_the_systems_order(self) -> None:
        found = self.names("a.example")
        self.system.answer(0, "2.2.2.2", "1.1.1.1")
        self.assertEqual(self.successResultOf(found), ["2.2.2.2", "1.1.1.1"])

    def test_only_a_few_run_even_if_nobody_waits_any_more(self) -> None:
        asked = [self.names(f"{number}.example") for number in range(LOOK_UPS + 3)]
        self.assertEqual(len(self.system.begun), LOOK_UPS)
        for found in asked[:-1]:
            found.cancel()
            self.failureResultOf(found)
        self.assertEqual(len(self.system.begun), LOOK_UPS)
        self.system.answer(0, "1.1.1.1")
        # Those who gave up before their turn are not looked up at all.
        self.assertEqual(self.system.begun[-1][0], f"{LOOK_UPS + 2}.example")
        self.system.answer(LOOK_UPS, "1.1.1.1")
        self.assertEqual(self.successResultOf(asked[-1]), ["1.1.1.1"])


@implementer(IPolicyForHTTPS)
class _Counted:
    """Counts what is made."""

    def __init__(self) -> None:
        self.made: list[bytes] = []
        self._policy = BrowserLikePolicyForHTTPS()

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """One more."""
        self.made.append(hostname)
        return self._policy.creatorForNetloc(hostname, port)


class DialingTests(SynchronousTestCase):
    """Endpoints."""

    def setUp(self) -> None:
        self.reactor: Any = MemoryReactorClock()
        self.policy = _Counted()
        self.dialing = Dialing(self.reactor, self.policy)

    def endpoint(self, host: str, *addresses: str, secure: bool = True) -> Any:
        """Make one."""
        return self.dialing.endpoint(host, 443, secure=secure, addresses=addresses, seconds=1)

    def test_tls_settings_are_made_once_for_each_host_and_not_kept_for_ever(self) -> None:
        for number in range(REMEMBERED):
            self.endpoint(f"{number}.example")
            self.endpoint("0.example")
        self.assertEqual(len(self.policy.made), REMEMBERED)
        self.endpoint("one-more.example")
        self.endpoint("0.example")
        self.assertEqual(len(self.policy.made), REMEMBERED + 1)
        self.endpoint("1.example")
        self.assertEqual(len(self.policy.made), REMEMBERED + 2)
        self.endpoint("plain.example", secure=False)
        self.assertEqual(len(self.policy.made), REMEMBERED + 2)

    def test_it_connects_to_the_given_address_whatever_the_name_means(self) -> None:
        connecting: Deferred[Any] = self.endpoint("a.example", "192.0.2.7").connect(_Nothing())
        self.assertEqual(self.reactor.tcpClients[0][:2], ("192.0.2.7", 443))
        connecting.cancel()
        self.failureResultOf(connecting)


class _Nothing:
    """A factory that is never used."""

    noisy = False

    def doStart(self) -> None:
        """Part of it."""

    def doStop(self) -> None:
        """Part of it."""

    def buildProtocol(self, addr: Any) -> None:
        """Part of it."""
