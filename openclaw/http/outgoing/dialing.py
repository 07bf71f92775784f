"""How a host is reached: at which addresses, and who is believed there; sends nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint

from openclaw.http.outgoing.names import Decided

if TYPE_CHECKING:
    from twisted.web.iweb import IPolicyForHTTPS

REMEMBERED = 64
"""Hosts whose TLS settings are kept. Each reads the system's authorities, which takes 10 ms."""


class Dialing:
    """Makes endpoints.

    :param tls: which servers are believed; the platform's authorities unless given.
    :param pins: keys of which a server must show one besides, by lowercase host name.
    """

    def __init__(
        self,
        reactor: Any,
        tls: IPolicyForHTTPS | None = None,
        pins: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.reactor = reactor
        self._policy = tls
        self._pins = pins or {}
        self._narrowed: IPolicyForHTTPS | None = None
        self._creators: OrderedDict[tuple[bytes, int], IOpenSSLClientConnectionCreator] = (
            OrderedDict()
        )

    def endpoint(
        self, host: str, port: int, *, secure: bool, addresses: Sequence[str], seconds: float
    ) -> IStreamClientEndpoint:
        """Say how to reach a host.

        :param addresses: literal ones to connect to, whatever the name means by then; none to look
            the name up.
        :param seconds: how long each of the addresses gets.
        """
        reactor = Decided(self.reactor, addresses) if addresses else self.reactor
        endpoint = HostnameEndpoint(reactor, host, port, timeout=seconds)
        return wrapClientTLS(self._creator(host, port), endpoint) if secure else endpoint

    def _creator(self, host: str, port: int) -> IOpenSSLClientConnectionCreator:
        key = (host.encode("ascii"), port)
        creator = self._creators.pop(key, None)
        if creator is None:
            creator = self._trust().creatorForNetloc(*key)
        self._creators[key] = creator
        if len(self._creators) > REMEMBERED:
            self._creators.popitem(last=False)
        return creator

    def _trust(self) -> IPolicyForHTTPS:
        if self._narrowed is None:
            # At first use: together they bring Twisted's HTTP client along.
            from twisted.web.client import BrowserLikePolicyForHTTPS

            from openclaw.http.pinned import PinnedKeys

            policy = BrowserLikePolicyForHTTPS() if self._policy is None else self._policy
            self._narrowed = PinnedKeys(policy, self._pins) if self._pins else policy
        return self._narrowed
