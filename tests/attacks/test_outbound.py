"""S18, S27: addresses that lead the gateway itself to where it must not go."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from treq.client import HTTPClient
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import succeed
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase
from twisted.web.server import Request

from openclaw.gateway.dispatcher import Dispatcher
from openclaw.http.outbound import ClosedGuard, TreqOutbound
from openclaw.interfaces.outbound import OutboundError
from openclaw.protocol.methods import METHODS
from tests.attacks.judging import Verdict, caught, held, hostile
from tests.attacks.live import TOKEN, LiveCase, connect
from tests.http.upstream import Upstream

reactor: Any = the_reactor
_SCHEMES = ("http://", "HTTP://", "https://", "file://", "ftp://", "gopher://", "//", "data:", "")


def addresses(port: int, count: int) -> Iterator[str]:
    """This machine under all its names, and services that are only for machines inside."""
    hosts = ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "0.0.0.0"]
    hosts += ["localhost", "localhost.", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[::]"]
    hosts += ["127.0.0.1.nip.io", "169.254.169.254", "metadata.google.internal", "[fd00:ec2::254]"]
    hosts += [
        "user@127.0.0.1",
        "evil.example@127.0.0.1",
        "127.0.0.1#evil",
        "127.0.0.1?x",
        "10.0.0.1",
    ]
    hosts += [
        "\uff11\uff12\uff17.0.0.1",
        "127\u30020\u30020\u30021",
        "127.0.0.1%00.evil",
        "%31%32%37.0.0.1",
    ]
    choose = random.Random(18)
    for number in range(count):
        host = hosts[number % len(hosts)]
        scheme = _SCHEMES[number // len(hosts) % len(_SCHEMES)]
        path = choose.choice(("/", "", "/latest/meta-data/", "/?x=1", "/%2e%2e/", "/\r\nX: y"))
        yield f"{scheme}{host}:{port}{path}" if choose.random() < 0.9 else f"{scheme}{host}{path}"


class OutboundAttacks(TestCase):
    """A trap on this machine, and the one client that leads outside."""

    timeout = 120

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        self.trap = Upstream(_answer)
        self.client = TreqOutbound(reactor)
        self.client.startService()
        self.addCleanup(self._stop)

    async def _stop(self) -> None:
        if self.client.running:
            await self.client.stopService()
        await self.trap.stop()

    async def ask(self, url: str, trusted: bool = False) -> int:
        """Ask; the status of the answer, 0 if there was none."""
        secret = {"Authorization": "Bearer a-secret", "X-Api-Key": "a-secret", "Cookie": "a=secret"}
        try:
            answer = await self.client.request(
                "GET", url, secret, connect_seconds=2, idle_seconds=2, trusted=trusted
            )
        except (OutboundError, ValueError):
            return 0
        try:
            await answer.read(1 << 16)
        except OutboundError:
            return 0
        return answer.status

    async def fetch(self, count: int) -> Verdict:
        verdict = Verdict()
        for url in addresses(self.trap.port, count):
            before = self.trap.connections
            status = await self.ask(url)
            verdict.note(url, status != 0 or self.trap.connections > before)
        return verdict

    @hostile(540)
    async def test_ghsa_56f2_hvwg_5743_addresses_of_a_message(self) -> None:
        """Media were fetched from wherever a message said (GHSA-wfp2-v9c7-fh79, CVE-2026-53859).

        Until there is a list of what may be reached, nothing outside the configuration is.
        """
        held(self, await self.fetch(540))
        self.patch(ClosedGuard, "resolve", lambda guard, url: succeed(("127.0.0.1",)))
        caught(self, await self.fetch(1))
        await self.client.stopService()

    async def follow(self, places: Sequence[str]) -> Verdict:
        verdict, origin = Verdict(), Upstream(self.lead_away)
        for status in (301, 302, 303, 307, 308):
            for place in places:
                self.place, self.status = place.partition("\r")[0], status
                before = self.trap.connections
                await self.ask(f"{origin.url}/start", trusted=True)
                led = self.trap.connections > before or len(origin.requests) > 1
                verdict.note((status, place), led)
                origin.requests.clear()
        await origin.stop()
        return verdict

    def lead_away(self, request: Request) -> None:
        """Send whoever asks on to somebody else."""
        request.setResponseCode(self.status)
        request.setHeader("Location", self.place.encode(errors="replace"))
        request.finish()

    @hostile(320)
    async def test_ghsa_9c3v_684m_579c_redirects_take_credentials_along(self) -> None:
        """A redirect took the credentials of one host to another (GHSA-7vwx-582j-j332)."""
        places = [*addresses(self.trap.port, 60), "/", "//evil.example/", "?x", "http:///"]
        held(self, await self.follow(places))
        request = HTTPClient.request
        self.patch(
            HTTPClient,
            "request",
            lambda self, *given, **how: request(self, *given, **{**how, "allow_redirects": True}),
        )
        caught(self, await self.follow([f"{self.trap.url}/"]))


def _answer(request: Request) -> None:
    request.write(b"you should not be here")
    request.finish()


class _Visitor(Protocol):
    """Comes and goes."""

    transport: Any

    def connectionMade(self) -> None:
        self.transport.loseConnection()


class LiveAddressAttacks(LiveCase):
    """Requests that name a gateway to go to, at every method, and a trap that waits there."""

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        await super().setUp()
        self.trap = Upstream(_answer)
        self.addCleanup(self.trap.stop)

    async def name_it(self) -> Verdict:
        verdict = Verdict()
        url = self.trap.url.replace("http", "ws")
        words = {"gatewayUrl": url, "url": url, "host": "127.0.0.1", "port": self.trap.port}
        words |= {"gatewayToken": TOKEN, "endpoint": url, "mediaUrl": self.trap.url, "baseUrl": url}
        for name in sorted(METHODS):
            if name.startswith("encryption."):
                continue
            caller = await self.dial()
            assert caller is not None
            await caller.ask(connect("cli/cli"))
            for params in (
                words,
                {"gatewayUrl": url},
                {"gateway": {"url": url}},
                {"params": words},
            ):
                before = self.trap.connections
                await caller.ask({"type": "req", "id": name, "method": name, "params": params})
                verdict.note((name, params), self.trap.connections > before)
            await caller.leave()
        return verdict

    @hostile(312)
    async def test_ghsa_g6q9_8fvw_f7rf_addresses_in_params(self) -> None:
        """A tool's argument made the gateway connect to somebody else's."""
        self.held(await self.name_it())
        dispatch = Dispatcher.dispatch

        def obliging(dispatcher: Dispatcher, client: Any, request: Any) -> None:
            dial = TCP4ClientEndpoint(reactor, "127.0.0.1", self.trap.port)
            gone = dial.connect(Factory.forProtocol(_Visitor))
            gone.addBoth(lambda _: dispatch(dispatcher, client, request))

        self.patch(Dispatcher, "dispatch", obliging)
        self.caught(await self.name_it())
