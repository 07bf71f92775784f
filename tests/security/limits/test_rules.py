"""Which addresses may connect."""

import random
from ipaddress import IPv4Address, ip_address, ip_network

from twisted.trial.unittest import SynchronousTestCase

from openclaw.interfaces.security import Peer
from openclaw.security.limits.rules import AddressRules

LISTED = ("192.168.1.0/24", "10.0.0.0/8", "2001:db8:7::/48", "198.51.100.7/32")


def rules(proxies: tuple[str, ...] = ()) -> AddressRules:
    """Rules with that list."""
    return AddressRules(map(ip_network, LISTED), map(ip_network, proxies))


class SocketTests(SynchronousTestCase):
    """Judged when a connection is made, by the socket alone."""

    def test_listed_and_not(self) -> None:
        """Edges included, mapped addresses folded, zones dropped."""
        cases = {
            "192.168.1.0": True,
            "192.168.1.255": True,
            "192.168.2.0": False,
            "192.168.0.255": False,
            "10.255.255.255": True,
            "11.0.0.0": False,
            "9.255.255.255": False,
            "198.51.100.7": True,
            "198.51.100.8": False,
            "::ffff:10.1.2.3": True,
            "::ffff:0a01:0203": True,
            "::ffff:11.0.0.1": False,
            "2001:db8:7:ffff::1": True,
            "2001:db8:8::1": False,
            "2001:db8:7::1%eth0": True,
            "::10.0.0.1": False,
            "64:ff9b::10.0.0.1": False,
            "": False,
            "/run/gateway.sock": False,
            "10.0.0": False,
            "0x0a.0.0.1": False,
        }
        judged = rules()
        for address, accepted in cases.items():
            self.assertEqual(judged.accepts(address), accepted, address)

    def test_this_machine_always(self) -> None:
        """Else its owner could lock himself out for good."""
        for address in ("127.0.0.1", "127.200.0.9", "::1", "::ffff:127.0.0.1"):
            self.assertTrue(rules().accepts(address), address)

    def test_trusted_proxies_may_connect(self) -> None:
        """They are asked for whom."""
        judged = rules(("203.0.113.5/32",))
        self.assertTrue(judged.accepts("203.0.113.5"))
        self.assertFalse(judged.accepts("203.0.113.6"))

    def test_any_address_against_plain_arithmetic(self) -> None:
        """Twenty thousand of them, half of them near a listed network."""
        dice, judged = random.Random(7), rules()
        ranges = [(192 << 24 | 168 << 16 | 1 << 8, 256), (10 << 24, 1 << 24)]
        ranges.append((int(IPv4Address("198.51.100.7")), 1))
        ranges.append((127 << 24, 1 << 24))
        for index in range(20_000):
            start, size = dice.choice(ranges)
            near = start + dice.randrange(-2 * size, 3 * size)
            number = (near if index % 2 else dice.randrange(1 << 32)) % (1 << 32)
            inside = any(0 <= number - first < size for first, size in ranges)
            self.assertEqual(judged.accepts(str(ip_address(number))), inside, number)


class ClientTests(SynchronousTestCase):
    """Judged once the headers are there."""

    def test_the_reported_client_counts(self) -> None:
        """Through a proxy on this machine, or a trusted one elsewhere."""
        judged = rules(("203.0.113.5/32",))
        for loopback in (True, False):
            inside = Peer("10.1.2.3", loopback=loopback, forwarded=True)
            outside = Peer("11.1.2.3", loopback=loopback, forwarded=True)
            self.assertTrue(judged.allows(inside))
            self.assertFalse(judged.allows(outside))

    def test_programs_on_this_machine(self) -> None:
        """Always; not what a proxy calls loopback, which is the proxy's own machine."""
        self.assertTrue(rules().allows(Peer("127.0.0.1", loopback=True)))
        self.assertFalse(rules().allows(Peer("127.0.0.1", loopback=True, forwarded=True)))
        self.assertFalse(rules().allows(Peer("::1", loopback=False, forwarded=True)))

    def test_what_a_proxy_asks_for_itself(self) -> None:
        """It is a client like others."""
        self.assertFalse(rules(("203.0.113.5/32",)).allows(Peer("203.0.113.5", loopback=False)))

    def test_nobody_known(self) -> None:
        """What is no address is not listed."""
        self.assertFalse(rules().allows(Peer("unknown", loopback=False, forwarded=True)))


class NameTests(SynchronousTestCase):
    """What names lead to."""

    def test_only_what_they_lead_to_now(self) -> None:
        """Before the first answer nothing; later the latest."""
        judged, first, second = rules(), ip_address("203.0.113.1"), ip_address("203.0.113.2")
        self.assertFalse(judged.accepts("203.0.113.1"))
        judged.resolved({"a": [first], "b": [second]})
        self.assertTrue(judged.accepts("203.0.113.1"))
        self.assertTrue(judged.allows(Peer("::ffff:203.0.113.2", loopback=False)))
        judged.resolved({"a": [], "b": [second]})
        self.assertFalse(judged.accepts("203.0.113.1"))
        judged.resolved({})
        self.assertFalse(judged.accepts("203.0.113.2"))
        self.assertTrue(judged.accepts("10.0.0.1"))
