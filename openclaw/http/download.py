"""Files from addresses that strangers choose: redirects, limits; it keeps nothing on disk.

Each step is a request of its own, so the guard judges every address of a chain anew. What it
connects to is what it judged.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NoReturn, TypeVar
from urllib.parse import quote, urljoin

from attrs import frozen
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.http.outgoing.address import Address, read_address
from openclaw.interfaces.outbound import (
    IDownloads,
    IOutboundHTTP,
    IOutboundResponse,
    OutboundError,
)

T = TypeVar("T")
REDIRECTS = 5
IDLE_SECONDS = 30.0
_MOVED = frozenset({301, 302, 303, 307, 308})
_EVERYWHERE = frozenset({"accept", "accept-language", "user-agent"})
"""Headers that say nothing of who asks: all others stay with the origin they were meant for."""
_PRINTABLE = "".join(set(map(chr, range(0x21, 0x7F))) - set('\\"<>^`{|}'))


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


@frozen
class _Ends:
    """When a download has to be over.

    :ivar at: on the clock's own scale.
    :ivar seconds: how long it was given in all.
    """

    at: float
    seconds: float

    def hurry(self, work: Deferred[T], clock: IReactorTime) -> Deferred[T]:
        """End a part of the download when its time is over."""

        def too_late(outcome: object, seconds: float) -> NoReturn:
            raise OutboundError(f"the file was not here within {self.seconds:g} s", "timeout")

        left = max(0.0, self.at - clock.seconds())
        return work.addTimeout(left, clock, onTimeoutCancel=too_late)


@implementer(IOutboundResponse)
class _File:
    """The answer at the end of a chain; its body is in a hurry, as the whole download is."""

    def __init__(self, answer: IOutboundResponse, clock: IReactorTime, ends: _Ends) -> None:
        self.status: int = answer.status
        self._answer = answer
        self._clock = clock
        self._ends = ends

    def header(self, name: str) -> str:
        """The first header of that name, or an empty text."""
        return self._answer.header(name)

    def deliver(self, on_data: Callable[[bytes], None]) -> Deferred[None]:
        """Hand the body on as it arrives."""
        return self._ends.hurry(self._answer.deliver(on_data), self._clock)

    def read(self, limit: int) -> Deferred[bytes]:
        """Collect the body; one that says that it is longer is not begun."""
        if _length(self._answer) > limit:
            self._answer.release()
            return fail(_too_large(limit))
        return self._ends.hurry(self._answer.read(limit), self._clock)

    def release(self) -> None:
        """Want nothing more."""
        self._answer.release()


@implementer(IDownloads)
class Downloads:
    """Fetches files through the outbound client."""

    def __init__(self, http: IOutboundHTTP, clock: IReactorTime) -> None:
        self._http = http
        self._clock = clock

    @deferred
    async def open(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        hosts: Collection[str] = (),
        trusted: Collection[str] = (),
        seconds: float = 300.0,
    ) -> IOutboundResponse:
        """Begin to fetch a file; see :class:`IDownloads`."""
        rules = _Rules(hosts, trusted)
        first = rules.first(url, headers or {})
        ends = _Ends(self._clock.seconds() + seconds, seconds)
        following = Deferred.fromCoroutine(self._follow(first, rules))
        answer = await ends.hurry(following, self._clock)
        return _File(answer, self._clock, ends)

    async def _follow(self, step: _Step, rules: _Rules) -> IOutboundResponse:
        while True:
            rules.check(step)
            answer = await self._http.request(
                "GET", step.url, step.headers, idle_seconds=IDLE_SECONDS, trusted=step.own
            )
            place = answer.header("location") if answer.status in _MOVED else ""
            if not place:
                return answer
            answer.release()
            step = rules.follow(step, place)


def _read(base: str, place: str) -> tuple[str, Address]:
    try:
        url = quote(urljoin(base, place), safe=_PRINTABLE)
    except ValueError:
        raise OutboundError("a redirect leads to no address at all", "refused") from None
    return url, read_address(url)


def _matches(host: str, allowed: str) -> bool:
    """``.example.com`` allows all names below it, ``example.com`` that name alone."""
    return host.endswith(allowed) if allowed.startswith(".") else host == allowed


def _too_large(limit: int) -> OutboundError:
    return OutboundError(f"the file is longer than {limit} bytes", "too_large")


def _length(answer: IOutboundResponse) -> int:
    text = answer.header("content-length")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
