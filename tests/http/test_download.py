"""Tests of downloads: redirects, lists, limits; against real servers under names of our own."""

from collections.abc import Callable
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.server import Request
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.http import download
from openclaw.http.download import Downloads
from openclaw.http.outbound import TreqOutbound
from openclaw.http.outgoing.guard import PublicOnly
from openclaw.http.outgoing.names import SystemNames
from openclaw.interfaces.outbound import (
    IOutboundHTTP,
    IOutboundResponse,
    OutboundError,
)
from tests.http.network import PUBLIC, Network
from tests.http.upstream import Upstream, cut, later

reactor: Any = the_reactor
SECRETS = {"Authorization": "Bearer t", "Cookie": "a=b", "X-Api-Key": "k", "Accept": "image/*"}


class DownloadCase(TestCase):
    """Two public hosts, and a client for them.

    :ivar pages: what the servers answer, by path.
    """

    timeout = 120

    def setUp(self) -> None:
        self.pages: dict[str, Callable[[Request], None]] = {"/file": _file}
        self.here, self.there = Upstream(self.script), Upstream(self.script)
        self.network = Network({PUBLIC[0]: self.here.port, PUBLIC[1]: self.there.port})
        self.network.names["here.example"] = [PUBLIC[:1]]
        self.network.names["there.example"] = [PUBLIC[1:2]]
        guard = PublicOnly(SystemNames(self.network), plain=True)
        self.client = TreqOutbound(self.network, guard)
        self.downloads = Downloads(self.client, reactor)
        self.got = b""
        self.addCleanup(self.stop)

    async def stop(self) -> None:
        """End everything."""
        await self.client.stopService()
        await self.here.stop()
        await self.there.stop()

    def script(self, request: Request) -> None:
        """Answer a request."""
        self.pages[request.path.decode()](request)

    def lead(self, path: str, place: str, status: int = 302) -> None:
        """Make a page that leads elsewhere."""

        def away(request: Request) -> None:
            request.setResponseCode(status)
            request.setHeader("Location", place.encode())
            request.finish()

        self.pages[path] = away

    @deferred
    async def fetch(
        self, url: str = "http://here.example/file", max_bytes: int = 1000, **how: Any
    ) -> IOutboundResponse:
        """Fetch a file, and keep it."""
        self.got = b""
        answer = await self.downloads.open(url, **how)
        if answer.status == 200:
            self.got = await answer.read(max_bytes)
        else:
            answer.release()
        return answer

    async def refusal(self, work: Deferred[Any]) -> OutboundError:
        """Wait for the error that it must end with."""
        error: OutboundError = await self.assertFailure(work, OutboundError)
        return error


class FetchTests(DownloadCase):
    """Files that come, and files that do not."""

    async def test_a_file_comes_with_what_the_server_says_of_it(self) -> None:
        found = await self.fetch()
        self.assertEqual((self.got, found.status), (b"the file", 200))
        self.assertEqual(found.header("content-type"), "image/png")
        self.assertEqual(self.network.dialled, [PUBLIC[0]])

    async def test_other_statuses_hand_nothing_on(self) -> None:
        def missing(request: Request) -> None:
            request.setResponseCode(404)
            request.write(b"no")
            request.finish()

        self.pages["/file"] = missing
        self.assertEqual(((await self.fetch()).status, self.got), (404, b""))

    async def test_words_of_other_languages_are_packed(self) -> None:
        self.pages["/%C3%BC%20a%7Cb"] = _file
        await self.fetch("http://here.example/\xfc a|b?c=%20|")
        self.assertEqual(self.here.requests[0][1], "/%C3%BC%20a%7Cb?c=%20%7C")

    async def test_the_limit_counts_announced_and_delivered_bytes(self) -> None:
        announced = await self.refusal(self.fetch(max_bytes=7))
        self.assertEqual((announced.kind, self.got), ("too_large", b""))

        def endless(request: Request) -> None:
            request.write(b"x" * 1001)

        self.pages["/file"] = endless
        self.assertEqual((await self.refusal(self.fetch())).kind, "too_large")
        self.assertEqual(self.got, b"")
        await self.here.gone

    async def test_a_small_packed_file_counts_unpacked(self) -> None:
        import gzip

        def bomb(request: Request) -> None:
            request.setHeader("Content-Encoding", "gzip")
            request.write(gzip.compress(bytes(1_000_000)))
            request.finish()

        self.pages["/file"] = bomb
        self.assertEqual((await self.refusal(self.fetch(max_bytes=5000))).kind, "too_large")

    async def test_a_broken_file_is_an_error(self) -> None:
        def half(request: Request) -> None:
            request.setHeader("content-length", "100")
            request.write(b"half")
            later(request, 0.02, cut, request)

        self.pages["/file"] = half
        self.assertEqual((await self.refusal(self.fetch())).kind, "lost")

    async def test_silence_and_a_drip_end(self) -> None:
        self.patch(download, "IDLE_SECONDS", 0.05)

        def drip(request: Request) -> None:
            request.write(b".")
            later(request, 0.01, drip, request)

        self.pages["/file"] = lambda request: None
        self.assertEqual((await self.refusal(self.fetch())).kind, "timeout")
        self.here.gone = Deferred()
        self.pages["/file"] = drip
        error = await self.refusal(self.fetch(seconds=0.2))
        self.assertEqual(error.kind, "timeout")
        self.assertIn("within 0.2 s", error.message)
        await self.here.gone

    async def test_cancelling_closes_the_connection(self) -> None:
        asked: Deferred[None] = Deferred()
        self.pages["/file"] = lambda request: asked.callback(None)
        pending = self.fetch()
        await asked
        pending.cancel()
        await self.assertFailure(pending, CancelledError)
        await self.here.gone


class RedirectTests(DownloadCase):
    """Chains."""

    async def test_five_are_followed_and_a_sixth_is_not(self) -> None:
        for number in range(1, 6):
            self.lead(f"/{number}", f"/{number - 1}", (301, 302, 303, 307, 308)[number - 1])
        self.pages["/0"] = _file
        await self.fetch("http://here.example/5")
        self.assertEqual((self.got, len(self.here.requests)), (b"the file", 6))
        self.lead("/6", "/5")
        self.assertIn(
            "5 redirects", (await self.refusal(self.fetch("http://here.example/6"))).message
        )

    async def test_credentials_stay_with_their_origin(self) -> None:
        self.lead("/a", "/b")
        self.lead("/b", "http://there.example/c")
        self.lead("/c", "http://here.example/file")
        await self.fetch("http://here.example/a", headers=SECRETS)
        (first, second, back), (away,) = self.here.requests, self.there.requests
        for row in (first, second):
            self.assertEqual(row[2]["authorization"], "Bearer t")
        for row in (away, back):
            self.assertEqual(row[2]["accept"], "image/*")
            self.assertEqual({"authorization", "cookie", "x-api-key"} & row[2].keys(), set())

    async def test_another_port_is_another_origin(self) -> None:
        self.lead("/a", "http://here.example:8080/file")
        await self.fetch("http://here.example/a", headers=SECRETS)
        self.assertNotIn("authorization", self.here.requests[1][2])

    async def test_they_lead_to_no_private_place(self) -> None:
        self.network.names["inside.example"] = [("10.0.0.7",)]
        for place in ("http://127.0.0.1/", "http://inside.example/", "//localhost/", "file:///etc"):
            self.lead("/a", place)
            self.assertEqual(
                (await self.refusal(self.fetch("http://here.example/a"))).kind, "refused"
            )
        self.assertEqual(set(self.network.dialled), {PUBLIC[0]})

    async def test_the_list_of_hosts_holds_at_each_step(self) -> None:
        self.lead("/a", "http://there.example/file")
        url = "http://here.example/a"
        for hosts in (["here.example"], [".here.example", "here.example"], ["HERE.example"]):
            error = await self.refusal(self.fetch(url, hosts=hosts))
            self.assertEqual((error.kind, self.there.requests), ("refused", []))
        for hosts in (["here.example", "there.example"], [".example"], []):
            await self.fetch(url, hosts=hosts)
            self.assertEqual(self.there.requests.pop()[1], "/file")
        for hosts in (["there.example"], [".here.example"], ["ere.example"]):
            self.assertEqual((await self.refusal(self.fetch(url, hosts=hosts))).kind, "refused")

    async def test_a_place_that_cannot_be_read_is_refused(self) -> None:
        for place in ("http://[", "http://u:p@there.example/", "http://there.example./"):
            self.lead("/a", place)
            self.assertEqual(
                (await self.refusal(self.fetch("http://here.example/a"))).kind, "refused"
            )

    async def test_a_redirect_without_a_place_is_its_status(self) -> None:
        self.lead("/a", "")
        self.assertEqual((await self.fetch("http://here.example/a")).status, 302)


class OwnTests(DownloadCase):
    """The operator's own servers, which may be private."""

    async def test_they_are_asked_without_the_guard(self) -> None:
        self.network.served["127.0.0.1"] = self.here.port
        url = f"http://127.0.0.1:{self.here.port}"
        self.assertEqual((await self.refusal(self.fetch(url + "/file"))).kind, "refused")
        await self.fetch(url + "/file", trusted=[url + "/bot"], hosts=["other.example"])
        self.assertEqual(self.got, b"the file")

    async def test_no_stranger_leads_to_them(self) -> None:
        self.network.served["127.0.0.1"] = self.here.port
        own = f"http://127.0.0.1:{self.here.port}"
        self.lead("/out", "http://there.example/back")
        self.lead("/back", f"{own}/file")
        for start in (f"{own}/out", "http://there.example/back"):
            self.assertEqual((await self.refusal(self.fetch(start, trusted=[own]))).kind, "refused")
        self.lead("/on", f"{own}/file")
        await self.fetch(f"{own}/on", trusted=[own])


@implementer(IOutboundResponse)
class _Moved:
    status = 302

    def __init__(self, place: str) -> None:
        self._place = place

    def header(self, name: str) -> str:
        return self._place

    def deliver(self, on_data: Callable[[bytes], None]) -> Deferred[None]:
        raise NotImplementedError

    def read(self, limit: int) -> Deferred[bytes]:
        raise NotImplementedError

    def release(self) -> None:
        """Nothing."""


@implementer(IOutboundHTTP)
class _Leads:
    """Leads from https to http."""

    def request(self, *args: Any, **how: Any) -> Deferred[IOutboundResponse]:
        found: Deferred[IOutboundResponse] = Deferred()
        found.callback(_Moved("http://there.example/"))
        return found


class DowngradeTests(SynchronousTestCase):
    """From TLS to none."""

    def test_a_redirect_to_plain_text_is_refused(self) -> None:
        clock = Clock()
        fetching = Downloads(_Leads(), clock).open("https://here.example/")
        self.assertIn("to http", self.failureResultOf(fetching, OutboundError).value.message)
        self.assertEqual(clock.getDelayedCalls(), [])


def _file(request: Request) -> None:
    request.setHeader("Content-Type", "image/png")
    request.setHeader("Content-Disposition", 'attachment; filename="a.png"')
    request.setHeader("Content-Length", "8")
    request.write(b"the file")
    request.finish()
