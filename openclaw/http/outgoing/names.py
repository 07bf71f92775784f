"""Names of other hosts, looked up; and connecting to the very addresses that were looked at."""

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


def system_names(reactor: Any) -> Resolver:
    """The system's own look-up, as every other connection of this process uses it."""

    def look_up(host: str) -> Deferred[Sequence[str]]:
        found: Deferred[Sequence[str]] = Deferred()
        reactor.nameResolver.resolveHostName(_Found(found), host)
        return found

    return look_up


@implementer(IResolutionReceiver)
class _Found:
    """Collects what a look-up finds; one that nobody waits for any more ends unheard."""

    def __init__(self, found: Deferred[Sequence[str]]) -> None:
        self._found = found
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
