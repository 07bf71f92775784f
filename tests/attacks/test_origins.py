"""S3: pages of strangers, names rebound to this machine, and requests that ride on a browser."""

import itertools
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from openclaw.errors import ConnectRefused
from openclaw.http import site
from openclaw.interfaces.security import Admitted, Peer
from openclaw.security.origins import Origins
from openclaw.security.peers import PeerReader
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.attacks.live import LiveCase, connect
from tests.http.exchanges import TOKEN, Port
from tests.security.clients import NONCE, Door, KeyedDevice, params

ALLOWED = "https://panel.example"
GOOD_HOSTS: tuple[str, ...] = (
    "127.0.0.1:18789",
    "localhost:18789",
    "[::1]:18789",
    "192.168.1.5:18789",
)
GOOD_HOSTS += ("panel.example", "10.0.0.7")
BAD_HOSTS: tuple[str, ...] = (
    "evil.example:18789",
    "127.0.0.1.evil.example:18789",
    "localhost.evil.example",
)
BAD_HOSTS += ("localhost.:18789", "127.0.0.1:18789,evil.example", "panel.example.evil.example")
BAD_HOSTS += ("evil.example#127.0.0.1", "evil.example/127.0.0.1", "gateway", "0x7f.1:18789", "")
DECORATIONS = (
    "{scheme}://evil.example",
    "{scheme}://{host}.evil.example",
    "{scheme}://{host}@evil.example",
    "{scheme}://evil.example:18789",
    "{scheme}://evil.example/{host}",
    "{scheme}://evil.example#{host}",
    "{scheme}://evil.example?{host}",
    "{scheme}://x{host}",
    "{scheme}://{host}1",
    "{scheme}://{host} ",
    "{scheme}://{host}/",
    "{scheme}://{host},{scheme}://evil.example",
    "{scheme}://sub.{host}",
    "{scheme}:{host}",
    "{scheme}://{host}",
)
ODD: tuple[str, ...] = (
    "null",
    "NULL",
    "",
    "*",
    "file://",
    "about:blank",
    "https://panel.example:444",
    "//x",
)
ODD += ("http://panel.example", "https://panel.example.", "chrome-extension://abcdefgh", "http://")
ROUTES: tuple[str, ...] = (
    "/",
    "/chat/",
    "/chat/main.js",
    "/health",
    "/healthz",
    "/readyz",
    "/startupz",
)
ROUTES += ("/control-ui-config.json", "/v1/models", "/anything")
PROBES = frozenset(("/health", "/healthz", "/readyz", "/startupz"))
CLIENTS = ("webchat-ui/webchat", "gateway-client/backend", "cli/cli", "openclaw-tui/ui")
DEVICE = KeyedDevice(3)


def origins(host: str) -> Iterator[str]:
    """Origins that want to pass for the page served under this host."""
    for scheme, shape in itertools.product(("http", "https", "ws", "HTTP"), DECORATIONS):
        yield shape.format(scheme=scheme, host=host)
    yield from ODD


def _place(text: str) -> tuple[str, int | None] | None:
    """The oracle's reading of ``host:port``, by the standard library."""
    try:
        parts = urlsplit(f"//{text}")
        plain = parts.netloc == text and not set(text) & set(" ,@\\") and "[" not in text[1:]
        return (str(parts.hostname), parts.port) if plain and parts.hostname else None
    except ValueError:
        return None


def knows(host: str) -> bool:
    """The oracle for names: loopback, a literal address, or the host of the allowed page."""
    place = _place(host)
    if place is None:
        return False
    try:
        return bool(ip_address(place[0]))
    except ValueError:
        return place[0] in ("localhost", "panel.example")


def welcome(origin: str, host: str) -> bool:
    """The oracle for pages: exactly the allowed one, or our own under a name that is ours."""
    scheme, _, rest = origin.lower().partition("://")
    place, own = _place(rest), _place(host)
    if place is None:
        return False
    if (scheme, place) == ("https", ("panel.example", None)):
        return True
    if scheme not in ("http", "https") or own is None or not knows(host):
        return False
    usual = {"http": 80, "https": 443}[scheme]
    return (place[0], place[1] or usual) == (own[0], own[1] or usual)


class OriginAttacks(AttackCase):
    """Every pair of names at the door and on every route."""

    def at_the_door(self) -> Verdict:
        verdict, reader = Verdict(), PeerReader(())
        door = Door(allowed_origins=(ALLOWED,))
        for host in (*GOOD_HOSTS, *BAD_HOSTS):
            for origin, client in itertools.product(origins(host), CLIENTS):
                peer = reader.read("127.0.0.1", {"host": host, "origin": origin})
                code = _code(door, client, peer)
                happened = code != "CONTROL_UI_ORIGIN_NOT_ALLOWED"
                verdict.note((origin, host, client), happened, welcome(origin, host))
        return verdict

    @hostile(4820)
    def test_cve_2026_28458_foreign_page_opens_a_socket(self) -> None:
        """Pages of strangers spoke to the loopback socket (also CVE-2026-26317, ClawJacked).

        Here they are told so before any credential is looked at, whoever they say they are.
        """
        self.held(self.at_the_door())
        self.patch(
            Origins, "problem", lambda _, peer: "" if peer.host in peer.origin else "foreign"
        )
        self.caught(self.at_the_door())

    def over_http(self) -> Verdict:
        configuration = {"gateway": {"controlUi": {"allowedOrigins": [ALLOWED]}}}
        port, verdict = Port(self.mktemp(), configuration), Verdict()
        for host in (*GOOD_HOSTS[:3], *BAD_HOSTS):
            for number, origin in enumerate(origins(host)):
                path = ROUTES[number % len(ROUTES)]
                # Blanks at the end of a header are none of it.
                may = welcome(origin.strip(), host)
                if not may:
                    answer = port.ask(path, Host=host or " ", Origin=origin or " ")
                    verdict.note((path, origin, host), answer.status < 400)
        return verdict

    @hostile(990)
    def test_ghsa_5wcw_8jjv_m286_foreign_page_reads_over_http(self) -> None:
        """Loopback endpoints answered any page."""
        self.held(self.over_http())
        self.patch(Origins, "problem", lambda self, peer: None)
        self.caught(self.over_http())

    def rebound(self) -> Verdict:
        configuration = {"gateway": {"controlUi": {"allowedOrigins": [ALLOWED]}}}
        port, verdict = Port(self.mktemp(), configuration), Verdict()
        for host, path in itertools.product((*GOOD_HOSTS, *BAD_HOSTS), ROUTES):
            answer = port.ask(path, Host=host or " ")
            told = answer.status not in (400, 403)
            if path in PROBES:
                # Anybody may ask whether it lives; only who is here learns more.
                told = not knows(host) and b"uptime" in answer.body
                verdict.note((path, host), told)
            else:
                verdict.note((path, host), told, knows(host))
        return verdict

    @hostile(134)
    def test_cve_2026_26317_name_rebound_to_this_machine(self) -> None:
        """A page whose own name was pointed at 127.0.0.1 has no foreign origin to show."""
        self.held(self.rebound())
        self.patch(Origins, "knows_host", lambda self, host: True)
        self.caught(self.rebound())

    def submitted(self) -> Verdict:
        port, verdict = Port(self.mktemp()), Verdict()
        changing = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
        kinds = ("text/plain", "application/x-www-form-urlencoded")
        for path, method, kind in itertools.product(ROUTES, changing, kinds):
            for cookie in ("", f"token={TOKEN}"):
                more = {"Content_Type": kind, "Cookie": cookie, "Content_Length": "0"}
                answer = port.ask(path, method, **more)
                verdict.note((path, method, kind, cookie), answer.status < 400)
        return verdict

    @hostile(280)
    def test_cve_2026_26317_state_changed_by_a_form(self) -> None:
        """A form, an image or a link of a page must not change anything: there is no such route."""
        self.held(self.submitted())
        self.patch(site, "_READING", (b"GET", b"HEAD", b"POST"))
        self.caught(self.submitted())


def _code(door: Door, client: str, peer: Peer) -> object:
    """What somebody with the right token and a key of its own is told; ``None``: admitted."""
    try:
        decision = door.admission.admit(params(client, device=DEVICE), peer, NONCE)
    except ConnectRefused as refused:
        return (refused.details or {}).get("code")
    if isinstance(decision, Admitted):
        return None
    failed: list[Any] = []
    decision.addCallbacks(lambda _: None, failed.append)
    return (failed[0].value.details or {}).get("code") if failed else None


class LivePageAttacks(LiveCase):
    """The same on real sockets, from the upgrade to the answer."""

    async def come(self) -> Verdict:
        verdict = Verdict()
        for host in (self.host, f"evil.example:{self.port}"):
            for origin in origins(host):
                caller = await self.dial(Origin=origin, Host=host)
                if caller is None:
                    verdict.note((origin, host), False, False)
                    continue
                answer = await caller.ask(connect("openclaw-control-ui/webchat"))
                code = ((answer or {}).get("error") or {}).get("details", {}).get("code")
                foreign = code == "CONTROL_UI_ORIGIN_NOT_ALLOWED"
                verdict.note((origin, host, code), not foreign, welcome(origin.strip(), host))
                await caller.leave()
        return verdict

    @hostile(138)
    async def test_clawjacked_page_at_the_real_socket(self) -> None:
        """With the right token, and still refused: the page is not ours."""
        self.held(await self.come())
        self.patch(Origins, "problem", lambda self, peer: None)
        self.caught(await self.come())
