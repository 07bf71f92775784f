"""S9: strangers that want to pass for the owner's machine, or for somebody a proxy has named."""

import itertools
import random
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from attrs import evolve

from openclaw.config.access import ProxyUsers
from openclaw.gateway import connection
from openclaw.interfaces.security import Admitted, Peer
from openclaw.security import origins, peers
from openclaw.security.identities import headers as identity_headers
from openclaw.security.identities.headers import with_proxy_user
from openclaw.security.peers import PeerReader
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.attacks.live import Caller, LiveCase, connect
from tests.gateway import wire
from tests.security.clients import NONCE, Door, params

SOCKETS = ("127.0.0.1", "::1", "::ffff:127.0.0.1", "127.8.9.1", "10.0.0.5", "203.0.113.7", "")
HERE = frozenset(SOCKETS[:4])
FORWARDING = {
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-host": "127.0.0.1:18789",
    "x-forwarded-proto": "http",
    "x-forwarded-port": "18789",
    "x-forwarded-server": "localhost",
    "x-forwarded-prefix": "/",
    "forwarded": "for=127.0.0.1;host=localhost",
    "x-real-ip": "127.0.0.1",
    "cf-connecting-ip": "127.0.0.1",
    "tailscale-user-login": "owner@example.org",
    "tailscale-user-name": "The Owner",
    "tailscale-headers-info": "x",
}
ORIGINS = (None, "http://127.0.0.1:18789", "http://evil.example", "null")
HOSTS: tuple[str, ...] = (
    "127.0.0.1:18789",
    "localhost:18789",
    "[::1]:18789",
    "::1",
    "localhost",
    "evil.example",
)
HOSTS += ("localhost.evil.example", "127.0.0.1.evil.example:18789", "localhost.", "127.0.0.2", "")
HOSTS += ("0.0.0.0:18789", "127.0.0.1:18789,evil.example", "evil.example,127.0.0.1", "[::]:1")
OWN_HOSTS = frozenset(HOSTS[:5])
PROXIES = ("127.0.0.1/32", "10.0.0.0/8", "fd00::/8")
Headers = dict[str, str]


def claims() -> Iterator[tuple[str, Headers]]:
    """Every socket, with every header that a proxy or tunnel sets, origin and host."""
    sets: list[Headers] = [{}, FORWARDING]
    sets += [{name: value} for name, value in FORWARDING.items()]
    for socket, forwarding, origin, host in itertools.product(SOCKETS, sets, ORIGINS, HOSTS):
        yield (
            socket,
            {**forwarding, "host": host, **({} if origin is None else {"origin": origin})},
        )


def is_here(socket: str, headers: Headers) -> bool:
    """The oracle: this machine's socket, its name, and nobody in between."""
    between = FORWARDING.keys() & headers.keys() or "origin" in headers
    return socket in HERE and not between and headers["host"] in OWN_HOSTS


class LocalAttacks(AttackCase):
    """The owner's command line needs no device on the same machine; nobody else is believed."""

    def claim(self) -> Verdict:
        verdict, door, reader = Verdict(), Door(), PeerReader(())
        asked = params("cli/cli")
        for socket, headers in claims():
            peer = reader.read(socket, headers)
            # Whoever nobody vouches for is not even asked who he is.
            if door.admission.refuses_upgrade(peer):
                verdict.note((socket, headers), False)
                continue
            got = self.scopes(door, asked, peer)
            verdict.note((socket, headers), bool(got), is_here(socket, headers))
        return verdict

    def scopes(self, door: Door, asked: object, peer: Peer) -> tuple[str, ...]:
        try:
            decision = door.admission.admit(asked, peer, NONCE)  # type: ignore[arg-type]
        except Exception:
            return ()
        return decision.scopes if isinstance(decision, Admitted) else ()

    @hostile(5860)
    def test_cve_2026_53817_forwarded_request_passes_for_local(self) -> None:
        """A proxy on the same host made everybody local (8.7; also CVE-2026-35656, PR #1795)."""
        self.held(self.claim())
        self.patch(peers, "is_forwarding", lambda name: False)
        self.caught(self.claim())

    @hostile(5860)
    def test_ghsa_rggc_m335_3wvj_loopback_alone_is_trusted(self) -> None:
        """A loopback socket was enough, whatever name was asked for."""
        self.held(self.claim())
        self.patch(origins, "_unforwarded_loopback", lambda peer: peer.loopback)
        self.caught(self.claim())

    def chains(self) -> Iterator[tuple[str, Headers, str]]:
        """Lists of hops whose left part an enemy wrote; with where he really is."""
        choose = random.Random(9)
        lies: tuple[str, ...] = (
            "127.0.0.1",
            "10.0.0.1",
            "::1",
            "unknown",
            "",
            "localhost",
            '"',
            "for=1.2.3.4",
            ";",
        )
        lies += ("8.8.8.8", "[::1]:80", "127.0.0.1:18789", '"10.0.0.1', "_hidden", "\t", "0", "1e9")
        for _ in range(1500):
            true = choose.choice(("203.0.113.", "198.51.100.")) + str(choose.randrange(256))
            if choose.random() < 0.3:
                true = f"2001:db8::{choose.getrandbits(16):x}"
            left = [choose.choice(lies) for _ in range(choose.randrange(5))]
            right = [f"10.0.0.{choose.randrange(256)}" for _ in range(choose.randrange(3))]
            yield "127.0.0.1", {"x-forwarded-for": ", ".join([*left, true, *right])}, true
            literal = f'"[{true}]:4711"' if ":" in true else true
            hops = [*(f"for={lie}" for lie in left), f"for={literal};proto=https"]
            hops += [f"for={one}" for one in right]
            yield "10.9.9.9", {"forwarded": ", ".join(hops)}, true

    def forge(self) -> Verdict:
        verdict, reader = Verdict(), PeerReader(PROXIES)
        for socket, headers, true in self.chains():
            peer = reader.read(socket, {**headers, "host": "127.0.0.1:18789"})
            believed = peer.attributed and ip_address(peer.address) != ip_address(true)
            verdict.note((socket, headers, true), believed or origins.is_local(peer))
        return verdict

    @hostile(3000)
    def test_ghsa_pchc_86f6_8758_spoofed_hops(self) -> None:
        """``X-Forwarded-For`` was read from the left, where the client writes what it likes."""
        self.held(self.forge())
        self.patch(PeerReader, "_nearest_stranger", lambda self, hops: peers._hop(hops[0]))
        self.caught(self.forge())

    def name_somebody(self) -> Verdict:
        verdict, reader = Verdict(), PeerReader(PROXIES)
        users = ProxyUsers(header="x-user", allowed=frozenset(), required=("x-proxy-proof",))
        hops = (None, "203.0.113.9", "", "unknown", "127.0.0.1, 203.0.113.9")
        names = ("owner", "owner,owner", " ", "own\ner", "o" * 300)
        for socket, hop, name in itertools.product(SOCKETS[:6], hops, names):
            for proof, header in itertools.product((None, "", "yes"), ("x-user", "X_User", "x-u")):
                given = {header: name, "host": "gateway.example"}
                given |= {} if hop is None else {"x-forwarded-for": hop}
                given |= {} if proof is None else {"x-proxy-proof": proof}
                peer = with_proxy_user(reader.read(socket, given), given, users)
                proxy = any(
                    ip_address(socket.removeprefix("::ffff:")) in ip_network(one) for one in PROXIES
                )
                may = proxy and hop in (hops[1], hops[4]) and (name, proof) == ("owner", "yes")
                verdict.note((socket, given), peer.user is not None, may and header == "x-user")
        return verdict

    @hostile(1344)
    def test_ghsa_xc7w_v5x6_cc87_forged_identity_header(self) -> None:
        """Identity headers of anybody were believed; here only a trusted proxy's, complete ones."""
        self.held(self.name_somebody())

        def believing(peer: Peer, headers: Headers, users: ProxyUsers) -> Peer:
            return identity_headers.with_proxy_user(
                evolve(peer, forwarded=True, attributed=True), headers, users
            )

        self.patch(__import__(__name__, fromlist=["x"]), "with_proxy_user", believing)
        self.caught(self.name_somebody())


class LiveLocalAttacks(LiveCase):
    """The same on real sockets of this machine, with the right token."""

    async def come(self) -> Verdict:
        verdict = Verdict()
        for name, value in ({"": ""} | FORWARDING).items():
            for host in (self.host, "localhost", "evil.example", "127.0.0.1.evil.example"):
                given = {"Host": host} | ({name: value} if name else {})
                caller = await self.dial(**given)
                answer = await caller.ask(connect("cli/cli")) if caller else None
                granted = ((answer or {}).get("payload") or {}).get("auth", {}).get("scopes")
                verdict.note(given, bool(granted), not name and host in (self.host, "localhost"))
                if caller is not None:
                    await caller.leave()
        return verdict

    @hostile(50)
    async def test_ghsa_c37p_4qqg_3p76_tunnel_to_loopback(self) -> None:
        """Tunnels end on loopback: what they add to a request gives them away."""
        self.held(await self.come())
        self.patch(peers, "is_forwarding", lambda name: False)
        self.caught(await self.come())


BREAKS = ("\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\r\n ", "\r\n\t")
HIDDEN: tuple[str, ...] = (
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-For: 10.0.0.9",
    "Forwarded: for=10.0.0.9",
)
HIDDEN += ("X-Real-IP: 127.0.0.1", "X-Auth-User: root", "X-Auth-User : root")


class HiddenHeaderAttacks(LiveCase):
    """A header inside of another one's value, which a proxy passes on without having seen it."""

    def configure(self) -> Mapping[str, Any]:
        """A proxy on this machine, which signs people in."""
        trusted = {"userHeader": "X-Auth-User"}
        return {
            "gateway": {
                "trustedProxies": ["127.0.0.1"],
                "auth": {"mode": "trusted-proxy", "trustedProxy": trusted},
            }
        }

    async def smuggle(self) -> Verdict:
        """Through the first request of a connection, and through a later one."""
        verdict = Verdict()
        for again, hidden, ends in itertools.product((False, True), HIDDEN, BREAKS):
            talk = await self.talk()
            if again:
                talk.say(f"GET /healthz HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
                await talk.until(lambda heard: b"live" in heard)
                talk.heard = b""
            proxied = {"Host": self.host, "X-Forwarded-For": "203.0.113.7"}
            head = wire.upgrade({**proxied, "X-Foo": f"a{ends}{hidden}"})
            talk.say(head.replace("\x85".encode(), b"\x85"))
            await talk.until(lambda heard: b"\r\n\r\n" in heard)
            caller = Caller(talk)
            await talk.until(lambda _, one=caller: one.closed or bool(one.seen))  # type: ignore[misc]
            seen = [one.peer_facts for one in self.gateway._parts.door.sockets()]  # type: ignore[attr-defined]
            for peer in seen:
                fooled = peer.address != "203.0.113.7" or peer.user is not None
                verdict.note((again, hidden, ends), fooled)
            if not seen:
                verdict.note((again, hidden, ends), False)
            await talk.leave()
        return verdict

    @hostile(120)
    async def test_headers_that_a_proxy_never_saw(self) -> None:
        """Autobahn ends lines where Python does; with that, addresses and users were free."""
        self.held(await self.smuggle())
        self.patch(connection, "plain_head", lambda head: head)
        self.caught(await self.smuggle())
