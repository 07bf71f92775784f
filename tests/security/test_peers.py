"""Tests of local trust and attribution: every combination of headers against an oracle."""

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConfigError
from openclaw.security.origins import is_local
from openclaw.security.peers import PeerReader, is_forwarding

SOCKETS = {
    "127.0.0.1": True,
    "::1": True,
    "::ffff:127.0.0.1": True,
    "10.0.0.9": False,
    "2001:db8::9": False,
    "": False,
}
HOSTS = {
    "127.0.0.1:18789": True,
    "localhost": True,
    "[::1]:18789": True,
    "LocalHost:1": True,
    None: False,
    "": False,
    "evil.example": False,
    "localhost.evil.example": False,
    "127.0.0.1.evil.example:18789": False,
    "10.0.0.5": False,
    "localhost, evil.example": False,
    "user@localhost": False,
}
ORIGINS = (None, "http://127.0.0.1:18789", "null", "")
FORWARDING: tuple[dict[str, str], ...] = (
    {},
    {"x-forwarded-for": "203.0.113.5"},
    {"x-forwarded-for": "127.0.0.1"},
    {"x-forwarded-for": ""},
    {"forwarded": "for=203.0.113.5"},
    {"x-real-ip": "127.0.0.1"},
    {"x-forwarded-proto": "https"},
    {"x-forwarded-host": "localhost"},
    {"cf-connecting-ip": "203.0.113.5"},
    {"tailscale-user-login": "someone@example"},
)


class LocalTrustTests(SynchronousTestCase):
    """Local is: loopback socket, nothing forwarded, no Origin, loopback Host. Nothing else."""

    def test_header_combinations_against_the_oracle(self) -> None:
        """Every combination, seen by gateways that trust nobody and that trust a local proxy."""
        cases = list(product(SOCKETS, HOSTS, ORIGINS, FORWARDING))
        self.assertGreaterEqual(len(cases), 800)
        local = 0
        for trusted in ((), ("127.0.0.1", "::1"), ("10.0.0.0/8",), ("0.0.0.0/0", "::/0")):
            reader = PeerReader(trusted, real_ip_fallback=True)
            for socket, host, origin, forwarding in cases:
                headers = {"user-agent": "x", **forwarding}
                headers |= {} if host is None else {"host": host}
                headers |= {} if origin is None else {"origin": origin}
                peer = reader.read(socket, headers)
                expected = SOCKETS[socket] and HOSTS[host] and origin is None and not forwarding
                self.assertIs(is_local(peer), expected, (trusted, socket, headers))
                self.assertIs(peer.forwarded, bool(forwarding))
                local += expected
        self.assertEqual(local, 4 * 3 * 4)

    def test_which_headers_only_proxies_send(self) -> None:
        """The list, and names that only look alike."""
        for name in (
            *("x-forwarded-for", "x-forwarded-port", "forwarded", "x-real-ip"),
            *("true-client-ip", "x-client-ip", "fastly-client-ip", "x-original-forwarded-for"),
            *("x-envoy-external-address", "x-azure-clientip", "fly-client-ip"),
        ):
            self.assertTrue(is_forwarding(name))
        self.assertTrue(is_forwarding("cf-connecting-ip") and is_forwarding("tailscale-user-name"))
        for name in ("host", "origin", "x-forward", "real-ip", "user-agent", "x-requested-with"):
            self.assertFalse(is_forwarding(name))


class AttributionTests(SynchronousTestCase):
    """Whose address it is, from right to left past our own proxies."""

    def attributed(self, headers: dict[str, str], *trusted: str, fallback: bool = False) -> str:
        """The address, or ``?`` if nobody vouches for one; the socket is 127.0.0.1."""
        peer = PeerReader(trusted, real_ip_fallback=fallback).read("127.0.0.1", headers)
        return peer.address if peer.attributed else "?"

    def test_nobody_is_believed_by_default(self) -> None:
        """A same-host proxy that nobody configured attributes nobody."""
        self.assertEqual(self.attributed({"x-forwarded-for": "203.0.113.5"}), "?")
        self.assertEqual(self.attributed({"x-forwarded-for": "203.0.113.5"}, "10.0.0.0/8"), "?")
        self.assertEqual(self.attributed({}), "127.0.0.1")

    def test_hops_are_read_from_the_right(self) -> None:
        """What the client wrote itself stands on the left and is never reached."""
        for hops, expected in (
            ("203.0.113.5", "203.0.113.5"),
            ("6.6.6.6, 203.0.113.5", "203.0.113.5"),
            ("127.0.0.1, 203.0.113.5", "203.0.113.5"),
            ("6.6.6.6, 203.0.113.5, 10.0.0.1", "203.0.113.5"),
            ("not an address, 203.0.113.5,10.0.0.1", "203.0.113.5"),
            ("203.0.113.5:4711", "203.0.113.5"),
            ("[2001:db8::5]:4711", "2001:db8::5"),
            ("::ffff:203.0.113.5", "203.0.113.5"),
            ("10.0.0.2, 10.0.0.1", "10.0.0.2"),
            ("203.0.113.5, unknown", "?"),
            ("203.0.113.5, unknown, 10.0.0.1", "?"),
            ("", "?"),
            ("203.0.113.5,", "?"),
        ):
            headers = {"x-forwarded-for": hops}
            self.assertEqual(self.attributed(headers, "127.0.0.1", "10.0.0.0/8"), expected, hops)

    def test_the_standard_header(self) -> None:
        """RFC 7239, quoted and not."""
        for header, expected in (
            ("for=203.0.113.5", "203.0.113.5"),
            ('For="[2001:db8::5]:4711";proto=https;by=10.0.0.1', "2001:db8::5"),
            ("for=6.6.6.6, proto=https;for=203.0.113.5", "203.0.113.5"),
            ("for=203.0.113.5, for=10.0.0.1", "203.0.113.5"),
            ("for=_hidden", "?"),
            ("proto=https", "?"),
        ):
            headers = {"forwarded": header}
            self.assertEqual(self.attributed(headers, "127.0.0.1", "10.0.0.0/8"), expected, header)

    def test_lists_that_disagree_are_worth_nothing(self) -> None:
        """One of them was passed on unread, and we cannot know which."""
        headers = {"x-forwarded-for": "203.0.113.5", "forwarded": "for=203.0.113.5"}
        self.assertEqual(self.attributed(headers, "127.0.0.1"), "203.0.113.5")
        headers["forwarded"] = "for=6.6.6.6"
        self.assertEqual(self.attributed(headers, "127.0.0.1"), "?")

    def test_a_single_address_header_counts_only_when_asked_for(self) -> None:
        """Clients can send ``X-Real-IP`` through a proxy that does not set it."""
        headers = {"x-real-ip": "203.0.113.5"}
        self.assertEqual(self.attributed(headers, "127.0.0.1"), "?")
        self.assertEqual(self.attributed(headers, "127.0.0.1", fallback=True), "203.0.113.5")
        headers["x-forwarded-for"] = "203.0.113.6"
        self.assertEqual(self.attributed(headers, "127.0.0.1", fallback=True), "203.0.113.6")

    def test_headers_that_name_no_client(self) -> None:
        """A tunnel's identity headers alone attribute nobody, even from a trusted proxy."""
        for name in ("tailscale-user-login", "cf-connecting-ip", "x-forwarded-proto"):
            self.assertEqual(self.attributed({name: "203.0.113.5"}, "127.0.0.1"), "?")

    def test_a_bad_proxy_setting_names_itself(self) -> None:
        """The path and what was expected."""
        error = self.assertRaises(ConfigError, PeerReader, ["10.0.0.0/8", "proxy.example"])
        self.assertEqual(error.path, "gateway.trustedProxies[1]")
        self.assertIn("CIDR", str(error))
