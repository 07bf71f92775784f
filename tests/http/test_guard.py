"""Tests of the guard before addresses that nobody configured."""

from ipaddress import ip_address, ip_network

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import DNSLookupError
from twisted.trial.unittest import SynchronousTestCase

from openclaw.http.outgoing.address import read_address
from openclaw.http.outgoing.guard import PublicOnly, is_public
from openclaw.interfaces.outbound import OutboundError
from tests.http.network import PUBLIC

GOOD = [
    ("https://example.com", "example.com", 443, "/"),
    ("HTTPS://EXAMPLE.com:443/A?b=c#d", "example.com", 443, "/A?b=c"),
    ("https://example.com?b", "example.com", 443, "/?b"),
    ("wss://gateway.example.com/?v=10", "gateway.example.com", 443, "/?v=10"),
    ("https://a_b.xn--bcher-kva.example:8443/%20", "a_b.xn--bcher-kva.example", 8443, "/%20"),
    ("http://93.184.216.34/", "93.184.216.34", 80, "/"),
    ("https://[2606:2800:0220:1::1]:8448/", "2606:2800:220:1::1", 8448, "/"),
    ("tls://irc.example.org:6697", "irc.example.org", 6697, "/"),
]
BAD = [
    "",
    "example.com",
    "//example.com/",
    "https:example.com",
    "https:///path",
    "https://",
    "ftp://example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "tcp://example.com",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://@example.com/",
    "https://example.com./",
    "https://.example.com/",
    "https://exa..mple.com/",
    "https://-example.com/",
    "https://example-.com/",
    "https://ex%61mple.com/",
    "https://exam ple.com/",
    "https://example.com\\@evil.example/",
    "https://example.com/\r\nX: y",
    "https://example.com/\x00",
    "https://b\xfccher.example/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:+443/",
    "https://example.com:4_4/",
    "https://example.com:\u0664/",
    "https://example.com:443:443/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://1.2.3.4.5/",
    "https://example.0x/",
    "https://256.1.1.1/",
    "https://[::1/",
    "https://[::1]x/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[v1.x]/",
    "https://[127.0.0.1]/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 127 + "example/",
    "https://example.com/" + "a" * 9000,
]


class AddressTests(SynchronousTestCase):
    """How addresses are read."""

    def test_usual_ones(self) -> None:
        for url, host, port, resource in GOOD:
            address = read_address(url)
            self.assertEqual((address.host, address.port, address.resource), (host, port, resource))

    def test_what_others_could_read_differently_is_refused_and_not_repeated(self) -> None:
        for url in BAD:
            error = self.assertRaises(OutboundError, read_address, url)
            self.assertEqual(error.kind, "refused", url)
            self.assertNotIn("evil", error.message)
            self.assertNotIn("pass", error.message)


class PublicTests(SynchronousTestCase):
    """Which addresses are public."""

    def test_edges_of_ranges(self) -> None:
        inside = "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 100.64.0.0 100.127.255.255 "
        inside += "127.255.255.255 192.168.255.255 169.254.0.0 0.255.255.255 224.0.0.0 "
        inside += "255.255.255.255 192.0.0.255 198.19.255.255 168.63.129.16 192.88.99.1 "
        inside += "::1 :: ::ffff:1.1.1.1 64:ff9b::101:101 2002:101:101::1 2001::1 2001:db8::1 "
        inside += "fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 100::1 4000::1 5f00::1 ::1.1.1.1"
        outside = "9.255.255.255 11.0.0.0 172.15.255.255 172.32.0.0 100.63.255.255 100.128.0.0 "
        outside += "126.255.255.255 128.0.0.0 192.167.255.255 192.169.0.0 169.253.255.255 1.0.0.0 "
        outside += "223.255.255.255 168.63.129.15 198.17.255.255 198.20.0.0 "
        outside += "2001:200::1 2606:4700::1111 2a00:1450::1 2003::1 2001:db9::1"
        for text in inside.split():
            self.assertFalse(is_public(ip_address(text)), text)
        for text in outside.split():
            self.assertTrue(is_public(ip_address(text)), text)


class GuardTests(SynchronousTestCase):
    """What passes, and where it leads."""

    def setUp(self) -> None:
        self.names: dict[str, tuple[str, ...]] = {"good.example": PUBLIC[:2]}
        self.asked: list[str] = []

    def look_up(self, host: str) -> Deferred[tuple[str, ...]]:
        """A resolver."""
        self.asked.append(host)
        if host not in self.names:
            return fail(DNSLookupError())
        return succeed(self.names[host])

    def refusal(self, url: str, **how: object) -> OutboundError:
        """The error that an address ends with."""
        guard = PublicOnly(self.look_up, **how)  # type: ignore[arg-type]
        error: OutboundError = self.failureResultOf(guard.resolve(url), OutboundError).value
        return error

    def leads(self, url: str, **how: object) -> tuple[str, ...]:
        """Where an address leads."""
        guard = PublicOnly(self.look_up, **how)  # type: ignore[arg-type]
        return self.successResultOf(guard.resolve(url))

    def test_a_public_name_leads_to_all_its_addresses_after_one_look_up(self) -> None:
        self.assertEqual(self.leads("https://good.example/"), PUBLIC[:2])
        self.assertEqual(self.asked, ["good.example"])

    def test_literal_addresses_are_not_looked_up(self) -> None:
        self.assertEqual(self.leads("https://1.1.1.1/"), ("1.1.1.1",))
        self.assertEqual(self.asked, [])

    def test_one_private_address_spoils_a_name(self) -> None:
        for bad in ("10.0.0.1", "::1", "fe80::1%eth0", "::ffff:1.1.1.1", "rubbish"):
            for order in (("1.1.1.1", bad), (bad, "1.1.1.1"), (bad,)):
                self.names["mixed.example"] = order
                self.assertEqual(self.refusal("https://mixed.example/").kind, "refused")

    def test_unknown_names_are_no_refusal(self) -> None:
        self.names["empty.example"] = ()
        for name in ("none.example", "empty.example"):
            self.assertEqual(self.refusal(f"https://{name}/").kind, "connect")

    def test_plain_text_passes_only_where_it_is_allowed(self) -> None:
        for url in ("http://good.example/", "ws://good.example/", "tcp://good.example:7000"):
            self.assertIn("TLS", self.refusal(url).message)
            self.assertEqual(self.leads(url, plain=True), PUBLIC[:2])

    def test_ports_of_other_services_are_refused(self) -> None:
        for port in (1, 22, 25, 53, 110, 143, 445, 587, 993, 6379, 11211, 5432):
            self.assertIn("port", self.refusal(f"https://good.example:{port}/").message)
        for port in (80, 443, 8443, 8448, 9000, 40_000):
            self.leads(f"https://good.example:{port}/")

    def test_names_of_one_word_are_of_the_local_network(self) -> None:
        self.names["localhost"] = self.names["wiki"] = PUBLIC[:1]
        for name in ("localhost", "wiki", "LOCALHOST"):
            self.assertEqual(self.refusal(f"https://{name}/").kind, "refused")
        self.assertEqual(self.asked, [])

    def test_networks_can_be_added(self) -> None:
        networks = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]
        self.names["in.example"] = ("10.1.2.3", "fd00::1")
        self.leads("https://in.example/", networks=networks)
        self.refusal("https://10.2.0.1/", networks=networks)
        self.refusal("https://in.example/")
