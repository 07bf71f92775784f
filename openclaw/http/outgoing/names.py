"""Names of other hosts, looked up; and connecting to the very addresses that were looked at."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
)
from zope.interface import implementer

Resolver = Callable[[str], Deferred[Sequence[str]]]
"""From a host's name to its literal addresses, best first; none if there is no such host."""


LOOK_UPS = 3
"""How many names are looked up at once.

Each takes a thread until the system gives up, though nobody may wait any more; the journal needs
threads too, and strangers must not be able to take all of them.
"""


class SystemNames:
    """The system's own look-up, as every other connection of this process uses it."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._running = 0
        self._waiting: deque[tuple[str, Deferred[Sequence[str]]]] = deque()

    def __call__(self, host: str) -> Deferred[Sequence[str]]:
        """Look a name up, as soon as it is its turn."""
        found: Deferred[Sequence[str]] = Deferred()
        self._waiting.append((host, found))
        self._begin()
        return found

    def _begin(self) -> None:
        while self._waiting and self._running < LOOK_UPS:
            host, found = self._waiting.popleft()
            if not found.called:  # Whoever asked may have given up.
                self._running += 1
                self._reactor.nameResolver.resolveHostName(_Found(found, self._ended), host)

    def _ended(self) -> None:
        self._running -= 1
        self._begin()


@implementer(IResolutionReceiver)
class _Found:
    """Collects what a look-up finds; one that nobody waits for any more ends unheard."""

    def __init__(self, found: Deferred[Sequence[str]], ended: Callable[[], object]) -> None:
        self._found = found
        self._ended = ended
        self._hosts: list[str] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Nothing to do: there is no way to stop it that the system knows."""

    def addressResolved(self, address: IAddress) -> None:
        """One more."""
        if isinstance(address, IPv4Address | IPv6Address):
            self._hosts.append(address.host)

    def resolutionComplete(self) -> None:
        """That was all."""
        if not self._found.called:
            self._found.callback(self._hosts)
        self._ended()


@implementer(IReactorPluggableNameResolver, IHostnameResolver)
class Decided:
    """A reactor to which every name means the given addresses.

    With it Twisted's endpoint tries them side by side as it does with its own look-up, but looks
    nothing up: an answer that changes in between changes nothing.
    """

    def __init__(self, reactor: Any, addresses: Sequence[str]) -> None:
        self._reactor = reactor
        self._addresses = addresses
        self.nameResolver = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Part of the interface; the addresses are decided."""
        raise NotImplementedError

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Tell the addresses at once."""
        resolution = _Done(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        for host in self._addresses:
            kind = IPv6Address if ":" in host else IPv4Address
            resolutionReceiver.addressResolved(kind("TCP", host, portNumber))
        resolutionReceiver.resolutionComplete()
        return resolution


@implementer(IHostResolution)
class _Done:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """It is over before anybody could."""
