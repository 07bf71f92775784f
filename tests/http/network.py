"""A network around real loopback servers: names, public addresses, and who went where."""

import socket
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import (
    IHostnameResolver,
    IHostResolution,
    IReactorPluggableNameResolver,
)
from zope.interface import implementer

real: Any = the_reactor
PUBLIC = ("93.184.216.34", "1.1.1.1", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946")


@implementer(IReactorPluggableNameResolver, IHostnameResolver)
class Network:
    """A reactor for clients: what they connect to is noted, and only what is served answers.

    :ivar served: from a literal address to the loopback port that stands for it, at any port.
    :ivar names: what each name means at the first look-up, at the second, and so on; the last
        answer stays. Numbers in odd spellings mean what the C library makes of them.
    :ivar dialled: the addresses that were connected to.
    :ivar lookups: the names that were looked up.
    """

    def __init__(self, served: Mapping[str, int]) -> None:
        self.served = dict(served)
        self.names: dict[str, list[Sequence[str]]] = {}
        self.dialled: list[str] = []
        self.lookups: list[str] = []
        self.nameResolver = self

    def __getattr__(self, name: str) -> Any:
        return getattr(real, name)

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Part of the interface; there is only this one."""
        raise NotImplementedError

    def connectTCP(self, host: str, port: int, factory: Any, *args: Any, **how: Any) -> Any:
        """Note where it goes; port 1 of this machine stands for what does not answer."""
        self.dialled.append(host)
        return real.connectTCP("127.0.0.1", self.served.get(host, 1), factory, *args, **how)

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Any = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Look a name up."""
        self.lookups.append(hostName)
        resolution = _Resolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        for host in self.meaning(hostName):
            kind = IPv6Address if ":" in host else IPv4Address
            resolutionReceiver.addressResolved(kind("TCP", host, portNumber))
        resolutionReceiver.resolutionComplete()
        return resolution

    def meaning(self, name: str) -> Sequence[str]:
        """What a name means now."""
        answers = self.names.get(name)
        if answers:
            return answers.pop(0) if len(answers) > 1 else answers[0]
        if ":" in name:
            return [name]
        try:
            return [socket.inet_ntoa(socket.inet_aton(name.rstrip(".")))]
        except OSError:
            return []


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """It is over before anybody could."""
