"""Identity headers count where the listener believes them, and nowhere else."""

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.access import ProxyUsers
from openclaw.interfaces.security import NamedUser
from openclaw.security.identities.headers import tailscale_peer, with_proxy_user
from openclaw.security.origins import is_local
from openclaw.security.peers import PeerReader

PROXY = "10.0.0.2"
USERS = ProxyUsers("x-user", frozenset(), ("x-forwarded-proto",))
COMPLETE = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https", "x-user": "alice"}


def user(headers: dict[str, str], address: str = PROXY) -> str:
    """Whom a request over the ordinary port names; empty if nobody."""
    peer = PeerReader([PROXY]).read(address, headers)
    found = with_proxy_user(peer, headers, USERS).user
    return "" if found is None else found.name


class ProxyTests(SynchronousTestCase):
    def test_the_proxys_word_counts(self) -> None:
        peer = with_proxy_user(PeerReader([PROXY]).read(PROXY, COMPLETE), COMPLETE, USERS)
        self.assertEqual(peer.user, NamedUser("trusted-proxy", "alice"))
        self.assertEqual(peer.address, "203.0.113.9")

    def test_nobody_elses_does(self) -> None:
        """Only the declared proxy that says for whom it speaks."""
        sockets = ("127.0.0.1", "::1", "10.0.0.3", "203.0.113.9", "::ffff:10.0.0.3", "", "unix")
        for address, forwarded in product(sockets, (True, False)):
            headers = dict(COMPLETE)
            if not forwarded:
                del headers["x-forwarded-for"]
            self.assertEqual(user(headers, address), "", (address, forwarded))
        self.assertEqual(user(COMPLETE, f"::ffff:{PROXY}"), "alice")

    def test_the_proxy_has_to_say_for_whom(self) -> None:
        """A request of the proxy's own host, without a client, has signed in nobody."""
        for spoiled in ("", "unknown", "203.0.113.9, nonsense"):
            self.assertEqual(user({**COMPLETE, "x-forwarded-for": spoiled}), "", spoiled)
        self.assertEqual(user({"x-user": "alice", "x-forwarded-proto": "https"}), "")

    def test_required_headers_have_to_be_there(self) -> None:
        for value in (None, "", "  "):
            headers = {name: text for name, text in COMPLETE.items() if name != "x-forwarded-proto"}
            if value is not None:
                headers["x-forwarded-proto"] = value
            self.assertEqual(user(headers), "")

    def test_names_that_are_none(self) -> None:
        """Two headers are joined by a comma: a client's own beside the proxy's."""
        for name in ("", " ", "mallory,alice", "alice,", "a\x00", "a\nb", "x" * 257):
            self.assertEqual(user({**COMPLETE, "x-user": name}), "", name)
        self.assertEqual(user({**COMPLETE, "x-user": " alice@b.example "}), "alice@b.example")

    def test_tailscales_headers_mean_nothing_on_the_ordinary_port(self) -> None:
        """They are refused as forwarding headers that nobody vouches for."""
        peer = PeerReader([PROXY]).read("127.0.0.1", {"tailscale-user-login": "alice"})
        self.assertEqual((peer.user, peer.attributed, is_local(peer)), (None, False, False))


class TailscaleTests(SynchronousTestCase):
    def test_its_user_counts_and_its_client_is_the_peer(self) -> None:
        headers = {"tailscale-user-login": "alice@b.example", "x-forwarded-for": "100.64.1.2"}
        peer = tailscale_peer("127.0.0.1", headers)
        self.assertEqual(peer.user, NamedUser("tailscale", "alice@b.example"))
        self.assertEqual(peer.address, "100.64.1.2")
        self.assertTrue(peer.attributed)

    def test_nobody_is_local_there(self) -> None:
        """Whatever the headers say, also if there are none at all."""
        for headers in (
            {},
            {"host": "127.0.0.1:18788"},
            {"host": "localhost", "tailscale-user-login": "alice"},
        ):
            self.assertFalse(is_local(tailscale_peer("127.0.0.1", headers)))

    def test_the_internet_has_no_user(self) -> None:
        """What comes by funnel names nobody, even if a header slipped through."""
        headers = {"tailscale-funnel-request": "?1", "tailscale-user-login": "alice"}
        self.assertIsNone(tailscale_peer("127.0.0.1", headers).user)
        self.assertIsNone(tailscale_peer("127.0.0.1", {"x-forwarded-for": "100.64.1.2"}).user)

    def test_a_client_cannot_choose_its_address(self) -> None:
        """Tailscale adds what it sees at the end."""
        told = {"x-forwarded-for": "127.0.0.1, 100.64.1.2"}
        self.assertEqual(tailscale_peer("127.0.0.1", told).address, "100.64.1.2")
        self.assertEqual(tailscale_peer("127.0.0.1", {"x-forwarded-for": "x"}).address, "127.0.0.1")
