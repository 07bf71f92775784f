"""Tests of where clients are: the address decides, and what cannot be told is far away."""

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from openclaw.interfaces.security import DeviceToken, Peer
from openclaw.security.origins import Origins
from openclaw.security.places import Places
from openclaw.security.policy import PairingPolicy, PlacePolicy
from tests.security.clients import LOCAL, OWN, PAGE, REMOTE, REMOTE_PAGE
from tests.security.door import FOREIGN, ODD_HOST, REBOUND

(OWN_ADDRESS,) = OWN
DAY = 86_400_000


def at(address: str, **more: Any) -> Peer:
    """Somebody at an address."""
    peer = Peer(address, loopback=False, host="gateway.example")
    return evolve(peer, **more)


class PlaceTests(SynchronousTestCase):
    """Every kind of address."""

    def place(self, peer: Peer, **policy: Any) -> str:
        """Where a client is."""
        places = Places(PairingPolicy(**policy), Origins(), lambda one: str(one) in OWN)
        return places.place(peer)

    def test_addresses(self) -> None:
        """Private ones are near, a tailnet is its own place, the rest is the world."""
        for address, place in (
            ("10.0.0.1", "lan"),
            ("172.31.255.255", "lan"),
            ("172.32.0.0", "wan"),
            ("192.168.7.7", "lan"),
            ("169.254.1.1", "lan"),
            ("fe80::1", "lan"),
            ("fd00::1", "lan"),
            ("100.64.0.1", "tailnet"),
            ("100.127.255.255", "tailnet"),
            ("100.128.0.0", "wan"),
            ("fd7a:115c:a1e0::5", "tailnet"),
            ("8.8.8.8", "wan"),
            ("2001:db8::1", "wan"),
            ("::ffff:10.0.0.1", "lan"),
            ("", "wan"),
            ("/run/socket", "wan"),
        ):
            self.assertEqual(self.place(at(address)), place, address)

    def test_this_machine(self) -> None:
        """Only under a loopback name, unforwarded, and no foreign page."""
        self.assertEqual(self.place(LOCAL), "localhost")
        self.assertEqual(self.place(PAGE), "localhost")
        self.assertEqual(self.place(REMOTE), "lan")
        self.assertEqual(self.place(REMOTE_PAGE), "lan")
        for peer in (ODD_HOST, FOREIGN, REBOUND, evolve(LOCAL, forwarded=True)):
            self.assertEqual(self.place(peer), "wan", peer)

    def test_own_tailnet_address(self) -> None:
        """Local if configured, and then only from this very host."""
        own = at(OWN_ADDRESS)
        self.assertEqual(self.place(own), "tailnet")
        self.assertEqual(self.place(own, own_tailnet=True), "localhost")
        for peer in (
            at("100.101.102.104"),
            evolve(own, forwarded=True),
            evolve(own, origin="https://gateway.example"),
        ):
            self.assertEqual(self.place(peer, own_tailnet=True), "tailnet", peer)


class LifetimeTests(SynchronousTestCase):
    """How old a token may be."""

    def expired(self, token: DeviceToken, now_ms: int, renew: bool = False) -> bool:
        """Whether it is too old on the network of a house."""
        policy = PairingPolicy(lan=PlacePolicy(lifetime_seconds=30 * 86_400), renew_tokens=renew)
        return Places(policy, Origins()).expired(token, REMOTE, now_ms)

    def test_to_the_millisecond(self) -> None:
        """Good until 30 days are over; rotation starts them anew."""
        token = DeviceToken("operator", (), created_at_ms=1000)
        self.assertFalse(self.expired(token, 1000 + 30 * DAY - 1))
        self.assertTrue(self.expired(token, 1000 + 30 * DAY))
        turned = evolve(token, rotated_at_ms=1000 + 5 * DAY)
        self.assertFalse(self.expired(turned, 1000 + 35 * DAY - 1))
        self.assertTrue(self.expired(turned, 1000 + 35 * DAY))

    def test_use_renews_only_where_configured(self) -> None:
        """And never makes a token older."""
        token = DeviceToken("operator", (), created_at_ms=1000, last_used_at_ms=1000 + 20 * DAY)
        self.assertTrue(self.expired(token, 1000 + 30 * DAY))
        self.assertFalse(self.expired(token, 1000 + 49 * DAY, renew=True))
        self.assertTrue(self.expired(token, 1000 + 50 * DAY, renew=True))

    def test_other_places_have_their_own(self) -> None:
        """What is too old far away is good at home."""
        policy = PairingPolicy(wan=PlacePolicy(lifetime_seconds=7 * 86_400))
        places = Places(policy, Origins())
        token = DeviceToken("operator", (), created_at_ms=0)
        self.assertTrue(places.expired(token, at("8.8.8.8"), 7 * DAY))
        self.assertFalse(places.expired(token, LOCAL, 700 * DAY))
