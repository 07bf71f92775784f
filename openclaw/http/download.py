"""Files from addresses that strangers choose: redirects, limits; it keeps nothing on disk.

Each step is a request of its own, so the guard judges every address of a chain anew. What it
connects to is what it judged.
"""

from collections.abc import Callable, Collection, Mapping
from urllib.parse import quote, urljoin

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.http.outgoing.address import Address, read_address
from openclaw.interfaces.outbound import (
    Downloaded,
    IDownloads,
    IOutboundHTTP,
    IOutboundResponse,
    OutboundError,
)

REDIRECTS = 5
IDLE_SECONDS = 30.0
_MOVED = frozenset({301, 302, 303, 307, 308})
_EVERYWHERE = frozenset({"accept", "accept-language", "user-agent"})
"""Headers that say nothing of who asks: all others stay with the origin they were meant for."""
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


@frozen
class _Step:
    """One request of a chain.

    :ivar own: it leads to an origin of the operator's own, and no stranger led there.
    :ivar left: how many more redirects are followed.
    """

    url: str
    address: Address
    headers: Mapping[str, str]
    own: bool
    left: int = REDIRECTS


class _Rules:
    """Where one download may go, and what goes along."""

    def __init__(self, hosts: Collection[str], trusted: Collection[str]) -> None:
        self._hosts = tuple(host.lower() for host in hosts)
        self._trusted = frozenset(read_address(origin).origin for origin in trusted)

    def first(self, url: str, headers: Mapping[str, str]) -> _Step:
        """Where it begins."""
        named = {"accept": "*/*", **{name.lower(): value for name, value in headers.items()}}
        text = quote(url, safe=_PRINTABLE)
        address = read_address(text)
        return _Step(text, address, named, own=address.origin in self._trusted)

    def check(self, step: _Step) -> None:
        """Raise if the step leads to a host that is not on the list."""
        address = step.address
        if address.scheme not in ("https", "http"):
            raise OutboundError("files are fetched from https and http addresses only", "refused")
        if step.own or not self._hosts:
            return
        if not any(_matches(address.host, host) for host in self._hosts):
            raise OutboundError(f"no files are fetched from {address.host} here", "refused")

    def follow(self, step: _Step, place: str) -> _Step:
        """Where a redirect leads; across origins nothing goes along that says who asks."""
        here = step.address
        if not step.left:
            words = f"more than {REDIRECTS} redirects, the last by {here.host}"
            raise OutboundError(words, "refused")
        url, address = _read(step.url, place)
        if here.secure and not address.secure:
            raise OutboundError("a redirect leads from https to http", "refused")
        headers = step.headers
        if address.origin != here.origin:
            headers = {name: value for name, value in headers.items() if name in _EVERYWHERE}
        # Once a stranger leads, the operator's own hosts are no longer open to the chain.
        own = step.own and address.origin in self._trusted
        return _Step(url, address, headers, own, step.left - 1)


@implementer(IDownloads)
class Downloads:
    """Fetches files through the outbound client."""

    def __init__(self, http: IOutboundHTTP, clock: IReactorTime) -> None:
        self._http = http
        self._clock = clock

    @deferred
    async def fetch(
        self,
        url: str,
        on_data: Callable[[bytes], None],
        *,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        hosts: Collection[str] = (),
        trusted: Collection[str] = (),
        seconds: float = 300.0,
    ) -> Downloaded:
        """Fetch a file; see :class:`IDownloads`."""
        rules = _Rules(hosts, trusted)
        first = rules.first(url, headers or {})
        fetching = Deferred.fromCoroutine(self._fetch(first, rules, max_bytes, on_data))
        try:
            return await fetching.addTimeout(seconds, self._clock)
        except TooLate:
            words = f"the file was not here within {seconds:g} s"
            raise OutboundError(words, "timeout") from None

    async def _fetch(
        self, step: _Step, rules: _Rules, limit: int, on_data: Callable[[bytes], None]
    ) -> Downloaded:
        while True:
            rules.check(step)
            answer = await self._ask(step)
            place = answer.header("location") if answer.status in _MOVED else ""
            if not place:
                return await self._take(answer, step, limit, on_data)
            answer.release()
            step = rules.follow(step, place)

    def _ask(self, step: _Step) -> Deferred[IOutboundResponse]:
        return self._http.request(
            "GET", step.url, step.headers, idle_seconds=IDLE_SECONDS, trusted=step.own
        )

    async def _take(
        self, answer: IOutboundResponse, step: _Step, limit: int, on_data: Callable[[bytes], None]
    ) -> Downloaded:
        """Hand the body on; of one that is no file, nothing."""
        size = 0
        too_large = OutboundError(f"the file is longer than {limit} bytes", "too_large")
        if answer.status == 200 and _length(answer) > limit:
            answer.release()
            raise too_large

        def count(data: bytes) -> None:
            nonlocal size
            size += len(data)
            if size > limit:
                raise too_large
            on_data(data)

        if answer.status == 200:
            await answer.deliver(count)
        else:
            answer.release()
        return Downloaded(
            status=answer.status,
            size=size,
            content_type=answer.header("content-type"),
            disposition=answer.header("content-disposition"),
            host=step.address.host,
        )


def _read(base: str, place: str) -> tuple[str, Address]:
    try:
        url = quote(urljoin(base, place), safe=_PRINTABLE)
    except ValueError:
        raise OutboundError("a redirect leads to no address at all", "refused") from None
    return url, read_address(url)


def _matches(host: str, allowed: str) -> bool:
    """``.example.com`` allows all names below it, ``example.com`` that name alone."""
    return host.endswith(allowed) if allowed.startswith(".") else host == allowed


def _length(answer: IOutboundResponse) -> int:
    text = answer.header("content-length")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
