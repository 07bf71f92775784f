"""Tests of openclaw.client.address: what is an address, and what may travel to it."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.client.address import GatewayAddress, check_plaintext, parse_address
from openclaw.client.errors import UnsafeAddress

GOOD = [
    ("ws://127.0.0.1:18789", "ws://127.0.0.1:18789"),
    ("127.0.0.1", "ws://127.0.0.1:18789"),
    ("localhost:9", "ws://localhost:9"),
    ("http://127.0.0.1:8080/", "ws://127.0.0.1:8080"),
    ("https://gw.example.org", "wss://gw.example.org:443"),
    ("wss://gw.example.org:8443/claw", "wss://gw.example.org:8443/claw"),
    ("ws://[::1]:18789", "ws://[::1]:18789"),
    ("ws://gw.lan", "ws://gw.lan:80"),
    ("WS://LOCALHOST:1", "ws://localhost:1"),
]
BAD = [
    "ftp://127.0.0.1",
    "ws://user:secret@127.0.0.1",
    "ws://127.0.0.1/?token=secret",
    "ws://127.0.0.1/#token=secret",
    "ws://",
    "",
    "ws://127.0.0.1:99999",
    "ws://127.0.0.1:port",
    "file:///etc/passwd",
]
# (literal address, without the flag, with the flag)
PLAINTEXT = [
    ("127.0.0.1", True, True),
    ("127.8.9.10", True, True),
    ("::1", True, True),
    ("::ffff:127.0.0.1", True, True),
    ("10.0.0.7", False, True),
    ("172.16.0.1", False, True),
    ("172.31.255.255", False, True),
    ("192.168.1.20", False, True),
    ("169.254.10.10", False, True),
    ("100.64.0.1", False, True),
    ("100.127.255.254", False, True),
    ("fd12:3456::1", False, True),
    ("fe80::1%eth0", False, True),
    ("::ffff:192.168.1.20", False, True),
    ("172.32.0.1", False, False),
    ("11.0.0.1", False, False),
    ("8.8.8.8", False, False),
    ("100.128.0.1", False, False),
    ("1.1.1.1", False, False),
    ("0.0.0.0", False, False),
    ("::", False, False),
    ("255.255.255.255", False, False),
    ("224.0.0.1", False, False),
    ("ff02::1", False, False),
    ("2001:4860:4860::8888", False, False),
    ("::ffff:8.8.8.8", False, False),
]


def _allowed(host: str, flag: bool) -> bool:
    try:
        check_plaintext(host, flag)
    except UnsafeAddress:
        return False
    return True


class ParseTests(SynchronousTestCase):
    """What a user may type."""

    def test_every_usual_form_is_understood(self) -> None:
        """Schemes, ports, literals and names."""
        for text, url in GOOD:
            self.assertEqual(parse_address(text).url, url, text)

    def test_what_is_no_gateway_address_is_refused(self) -> None:
        """Other schemes, secrets in the URL, nonsense."""
        for text in BAD:
            self.assertRaises(ValueError, parse_address, text)

    def test_a_refusal_does_not_repeat_the_secret(self) -> None:
        """A token typed into the URL must not come back in an error."""
        for text in BAD:
            with self.assertRaises(ValueError) as caught:
                parse_address(text)
            self.assertNotIn("secret", str(caught.exception))

    def test_local_means_this_machine_only(self) -> None:
        """Names other than localhost may point anywhere."""
        for host, local in [("localhost", True), ("127.0.0.1", True), ("::1", True)]:
            self.assertEqual(GatewayAddress(host).local, local)
        for host in ("gw.lan", "192.168.1.1", "localhost.example.org"):
            self.assertFalse(GatewayAddress(host).local)


class PlaintextTests(SynchronousTestCase):
    """Where credentials may go unencrypted."""

    def test_loopback_always_private_by_flag_public_never(self) -> None:
        """The whole table, with and without the flag."""
        for host, without, flagged in PLAINTEXT:
            self.assertEqual(_allowed(host, False), without, host)
            self.assertEqual(_allowed(host, True), flagged, host)
