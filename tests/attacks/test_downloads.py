"""S18: what strangers name is fetched, and must lead nowhere inside and take nothing along."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, ip_address
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.trial.unittest import TestCase
from twisted.web.server import Request

from openclaw.http import download
from openclaw.http.download import Downloads
from openclaw.http.outbound import TreqOutbound
from openclaw.http.outgoing import guard
from openclaw.http.outgoing.dialing import Dialing
from openclaw.http.outgoing.guard import PublicOnly
from openclaw.http.outgoing.names import SystemNames
from openclaw.interfaces.outbound import OutboundError
from tests.attacks.judging import Verdict, caught, held, hostile
from tests.http.network import PUBLIC, Network
from tests.http.upstream import Upstream

reactor: Any = the_reactor
_INSIDE_V4 = (
    "127.0.0.1",
    "127.255.1.2",
    "10.0.0.1",
    "10.255.255.254",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.170.2",
    "0.0.0.0",
    "0.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
)
_INSIDE_V6 = (
    "::1",
    "::",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "2001::1",
    "2001:2::1",
    "100::1",
    "64:ff9b:1::1",
    "5f00::1",
)
_SECRETS = {"Authorization": "Bearer s", "Cookie": "a=s", "X-Api-Key": "s", "X-Token": "s"}


def inside(host: str) -> bool:
    """The oracle: whether an address is not one of the few public ones of these tests."""
    address = ip_address(host)
    public = {ip_address(text) for text in PUBLIC}
    return address not in public


def spellings(text: str) -> Iterator[str]:
    """One IPv4 address in all the ways that some parser somewhere reads."""
    number = int(IPv4Address(text))
    one, two, three, four = parts = [int(part) for part in text.split(".")]
    yield from (text, f"{text}.", str(number), hex(number), f"0{number:o}", f"{number + 2**32}")
    yield ".".join(hex(part) for part in parts)
    yield ".".join(f"0{part:o}" for part in parts)
    yield ".".join(f"{part:03}" for part in parts)
    yield f"{one}.{number & 0xFFFFFF}"
    yield f"{one}.{two}.{number & 0xFFFF}"
    yield f"0x{one:x}.0{two:o}.{three}.{four}"
    yield from (f"[::ffff:{text}]", f"[::{text}]", f"[64:ff9b::{text}]", f"[::ffff:0:{text}]")
    yield f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]"
    yield f"[2001:0:{number >> 16:x}:{number & 0xFFFF:x}::1]"
    yield f"[64:ff9b:1::{text}]"
    yield from (f"user@{text}", f"good.example@{text}", f"good.example:80@{text}", f"@{text}")
    yield from (f"{text}#@good.example", f"{text}\\@good.example", f"{text}?@good.example")
    yield "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in text)
    yield text.replace(".", "\u3002")
    yield text.replace(".", "%2e")
    yield "".join(f"%{ord(char):02x}" for char in text)
    yield from (f"{text}%00.good.example", f"{text}\t", f"{text}:80:80", f"[{text}]")


def addresses() -> list[str]:
    """Every hostile address, with a scheme."""
    hosts = [spelling for text in _INSIDE_V4 for spelling in spellings(text)]
    hosts += [f"[{text}]" for text in _INSIDE_V6] + ["[fe80::1%25eth0]", "[::1", "localhost"]
    hosts += ["localhost.", "LOCALHOST", "localhost.localdomain", "ip6-localhost", "wiki"]
    strange = ("https://", "HTTP://", "http:\\\\", "//", "http:", "ws://", "ftp://")
    urls = [f"http://{host}/latest/meta-data/" for host in hosts]
    pairs = zip(itertools.cycle(strange), hosts[::5], strict=False)
    return urls + [f"{scheme}{host}/" for scheme, host in pairs]


class GuardAttacks(TestCase):
    """A public host, a trap at every other address, and the client of downloads."""

    timeout = 120

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        self.place, self.round = "", 0
        self.public = Upstream(self.lead)
        self.trap = Upstream(_answer)
        self.network = Network({address: self.public.port for address in PUBLIC})
        inside_ports = {host: self.trap.port for host in (*_INSIDE_V4, *_INSIDE_V6)}
        self.network.served.update(inside_ports)
        self.network.names["good.example"] = [PUBLIC[:1]]
        for name in ("localhost", "localhost.localdomain", "ip6-localhost", "wiki"):
            self.network.names[name] = [("127.0.0.1",)]
        self.client = TreqOutbound(self.network, PublicOnly(SystemNames(self.network), plain=True))
        self.downloads = Downloads(self.client, reactor)
        self.addCleanup(self._stop)

    async def _stop(self) -> None:
        await self.client.stopService()
        await self.public.stop()
        await self.trap.stop()

    def lead(self, request: Request) -> None:
        """Lead whoever asks on to :attr:`place`, if there is one."""
        if self.place and request.path == b"/start":
            request.setResponseCode(302)
            request.setHeader("Location", self.place.encode())
        request.finish()

    async def fetch(
        self, url: str, headers: Mapping[str, str] | None = None, hosts: Sequence[str] = ()
    ) -> bool:
        """Fetch; whether something was connected to that is inside."""
        self.network.dialled.clear()
        # Refusals are hoped for; what was dialled is what counts.
        with contextlib.suppress(OutboundError):
            answer = await self.downloads.open(url, headers=headers, hosts=hosts, seconds=5)
            answer.release()
        return any(inside(host) for host in self.network.dialled)

    async def fetch_all(self, urls: Sequence[str]) -> Verdict:
        """Judge every address, and that the public host is still reached."""
        verdict = Verdict()
        for url in urls:
            verdict.note(url, await self.fetch(url))
        await self.fetch("http://good.example/")
        verdict.note("good.example", self.network.dialled == [PUBLIC[0]], may=True)
        return verdict

    @hostile(882)
    async def test_ghsa_wfp2_v9c7_fh79_spellings_of_places_inside(self) -> None:
        """Files were fetched from this machine, its networks and clouds' metadata services."""
        held(self, await self.fetch_all(addresses()))
        self.patch(guard, "is_public", lambda address: True)
        caught(self, await self.fetch_all(["http://127.0.0.1/", "http://[::1]/"]))

    @hostile(882)
    async def test_cve_2026_53859_redirects_to_places_inside(self) -> None:
        """The first address was judged, and where it led was not."""
        held(self, await self.follow(addresses()))
        self.patch(guard, "is_public", lambda address: True)
        caught(self, await self.follow(["http://10.0.0.1/"]))

    async def follow(self, places: Sequence[str]) -> Verdict:
        """Be led to every place by a public host."""
        verdict = Verdict()
        for place in places:
            self.place = place
            # What is no address of its own is a path of the public host, and harmless.
            verdict.note(place, await self.fetch("http://good.example/start"))
        self.place = "/fine"
        self.public.requests.clear()
        await self.fetch("http://good.example/start")
        verdict.note("/fine", [row[1] for row in self.public.requests][-1] == "/fine", may=True)
        return verdict

    async def rebind(self) -> Verdict:
        """Names that mean something else at each look-up, or several things at once."""
        verdict = Verdict()
        for number, target in enumerate((*_INSIDE_V4, *_INSIDE_V6, "::ffff:127.0.0.1")):
            meanings: list[list[Sequence[str]]] = [
                [PUBLIC[:1], (target,)],
                [(PUBLIC[0], target)],
                [(target, PUBLIC[0])],
                [(target,), PUBLIC[:1]],
            ]
            for kind, answers in enumerate(meanings):
                self.round += 1  # No name twice, or a connection would be used again.
                name = f"n{number}k{kind}r{self.round}.example"
                self.network.names[name] = list(answers)
                self.network.lookups.clear()
                went = await self.fetch(f"http://{name}/")
                verdict.note((name, answers), went or len(self.network.lookups) > 1)
        return verdict

    @hostile(140)
    async def test_ghsa_56f2_hvwg_5743_names_rebound_between_look_ups(self) -> None:
        """A name was public when it was judged and this machine when it was connected to."""
        held(self, await self.rebind())
        endpoint = Dialing.endpoint
        self.patch(
            Dialing,
            "endpoint",
            lambda dialing, *given, **how: endpoint(dialing, *given, **{**how, "addresses": ()}),
        )
        caught(self, await self.rebind())

    async def confuse(self) -> Verdict:
        """Hosts that look like one that is allowed."""
        verdict = Verdict()
        for host in _lookalikes("files.good.example"):
            name = host.partition(":")[0].rstrip(".").lower()
            self.network.names[name] = [PUBLIC[1:2]]
            self.network.names[f"{name}."] = [PUBLIC[1:2]]
            for hosts in (["files.good.example"], [".files.good.example"]):
                await self.fetch(f"http://{host}/", hosts=hosts)
                verdict.note((host, hosts), bool(self.network.dialled))
        self.network.names["files.good.example"] = [PUBLIC[1:2]]
        await self.fetch("http://FILES.good.example/", hosts=["files.good.example"])
        verdict.note("files.good.example", bool(self.network.dialled), may=True)
        return verdict

    @hostile(32)
    async def test_cve_2026_53840_hosts_that_look_allowed(self) -> None:
        """A dot at its end, or the allowed name within a longer one, passed the list of hosts."""
        held(self, await self.confuse())
        self.patch(download, "_matches", lambda host, allowed: allowed.strip(".") in host)
        caught(self, await self.confuse())

    async def carry(self) -> Verdict:
        """Redirects between origins, with every kind of credential."""
        verdict = Verdict()
        hosts: tuple[str, ...] = (
            "http://other.example",
            "http://good.example:8080",
            "http://sub.good.example",
        )
        hosts += (
            "http://GOOD.example:81",
            f"http://{PUBLIC[0]}",
            "http://good.example.evil.example",
        )
        for host, (name, value) in itertools.product(hosts, _SECRETS.items()):
            self.network.names.update(
                {key: [PUBLIC[:1]] for key in ("other.example", "sub.good.example")}
            )
            self.network.names["good.example.evil.example"] = [PUBLIC[:1]]
            self.place = f"{host}/elsewhere"
            self.public.requests.clear()
            await self.fetch("http://good.example/start", {name: value})
            first, *rest = self.public.requests
            verdict.note((host, name), any(name.lower() in row[2] for row in rest))
            verdict.note((host, name), name.lower() in first[2], may=True)
        return verdict

    @hostile(24)
    async def test_ghsa_9c3v_684m_579c_credentials_across_origins(self) -> None:
        """A redirect to another host took the credentials of the first along."""
        held(self, await self.carry())
        kept = frozenset(name.lower() for name in _SECRETS)
        self.patch(download, "_EVERYWHERE", download._EVERYWHERE | kept)
        caught(self, await self.carry())


def _lookalikes(host: str) -> list[str]:
    return [
        f"{host}.",
        f"{host}..",
        f".{host}",
        f"{host}.evil.example",
        f"evil{host}",
        f"evil-{host}",
        f"{host}evil.example",
        f"{host}%2eevil.example",
        f"{host}@evil.example",
        f"evil.example#{host}",
        f"evil.example?{host}",
        f"evil.example\\.{host}",
        "files\uff0egood.example.evil.example",
        "files.g\u03bfod.example",
        "files-good.example",
        "good.example",
    ]


def _answer(request: Request) -> None:
    request.write(b"you should not be here")
    request.finish()
