"""Tests of which pages may connect."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.interfaces.security import Peer
from openclaw.security.origins import FOREIGN, MISSING, Origins

SAME = (
    ("http://127.0.0.1:18789", "127.0.0.1:18789"),
    ("http://localhost:18789", "localhost:18789"),
    ("HTTP://LOCALHOST:18789", "localhost:18789"),
    ("http://[::1]:18789", "[::1]:18789"),
    ("http://localhost", "localhost"),
    ("http://localhost", "localhost:80"),
    ("https://192.168.1.5", "192.168.1.5:443"),
    ("http://192.168.1.5:18789", "192.168.1.5:18789"),
    ("https://gateway.example", "gateway.example"),
    ("https://gateway.example:8443", "gateway.example:8443"),
)
FOREIGNERS = (
    ("http://evil.example", "127.0.0.1:18789"),
    ("http://localhost:3000", "localhost:18789"),
    ("http://127.0.0.1:18789", "localhost:18789"),
    ("https://localhost", "localhost:80"),
    ("http://localhost.evil.example:18789", "localhost:18789"),
    ("http://127.0.0.1.evil.example", "127.0.0.1"),
    ("https://gateway.example.evil.example", "gateway.example"),
    ("https://evilgateway.example", "gateway.example"),
    ("http://gateway.example:81", "gateway.example"),
    ("chrome-extension://abcdefgh", "localhost:18789"),
    ("moz-extension://localhost:18789", "localhost:18789"),
    ("ftp://localhost", "localhost"),
    ("http://localhost:18789", ""),
    # A name that was rebound to our address agrees with itself, and is not ours.
    ("http://rebound.evil.example:18789", "rebound.evil.example:18789"),
    ("http://evil.example", "evil.example"),
)
MALFORMED = (
    "",
    "null",
    "localhost:18789",
    "http://",
    "http://localhost:18789/",
    "http://localhost:18789?x",
    "http://user@localhost:18789",
    "http://localhost:18789, http://localhost:18789",
    "http://localhost:18789 ",
    "http://localhost:99999999",
    "http://[::1",
    "javascript:alert(1)",
)


def page(origin: str | None, host: str, *, loopback: bool = True) -> Peer:
    """A browser at the door."""
    return Peer("127.0.0.1", loopback=loopback, origin=origin, host=host)


class OriginTests(SynchronousTestCase):
    """Same host and port under a known name, or on the list; nothing else."""

    def setUp(self) -> None:
        """A gateway behind one name, with one foreign page allowed."""
        self.origins = Origins(["https://gateway.example", "https://app.example:8443", "*"])

    def test_our_own_pages(self) -> None:
        """Each is the same origin and may connect."""
        for origin, host in SAME:
            self.assertIsNone(self.origins.problem(page(origin, host)), (origin, host))
            self.assertTrue(self.origins.is_same(page(origin, host)), (origin, host))

    def test_foreign_pages(self) -> None:
        """Each is refused as foreign."""
        for origin, host in FOREIGNERS:
            self.assertEqual(self.origins.problem(page(origin, host)), FOREIGN, (origin, host))

    def test_missing_and_malformed_origins(self) -> None:
        """Each is refused as missing; a wildcard in the list changes nothing."""
        for origin in (None, *MALFORMED):
            self.assertEqual(self.origins.problem(page(origin, "localhost:18789")), MISSING, origin)

    def test_allowed_pages_are_allowed_but_not_ours(self) -> None:
        """Exact match, whatever the host; such a page never pairs silently."""
        peer = page("https://app.example:8443", "127.0.0.1:18789")
        self.assertIsNone(self.origins.problem(peer))
        self.assertFalse(self.origins.is_loopback_page(peer))

    def test_pages_of_this_machine(self) -> None:
        """The same origin under a loopback name, from a loopback socket, through no proxy."""
        for (origin, host), ours in zip(SAME, [True] * 6 + [False] * 4, strict=True):
            self.assertIs(self.origins.is_loopback_page(page(origin, host)), ours, origin)
            self.assertFalse(self.origins.is_loopback_page(page(origin, host, loopback=False)))
        proxied = Peer("127.0.0.1", True, True, True, "http://localhost", "localhost")
        self.assertFalse(self.origins.is_loopback_page(proxied))
