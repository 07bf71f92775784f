"""Makes what limits clients: addresses, sockets, traffic, work; what was configured decides."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from attrs import frozen
from twisted.internet.interfaces import IProtocolFactory

from openclaw.config.schema.traffic import RateLimiting
from openclaw.config.settings import Settings
from openclaw.config.units import PerMinute
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Check
from openclaw.gateway.step_up import StepUp
from openclaw.http.accepting import AcceptingFactory
from openclaw.interfaces.security import Peer
from openclaw.protocol.methods import Method
from openclaw.security.limits.buckets import Rate
from openclaw.security.limits.names import NameWatch, system_resolver
from openclaw.security.limits.rules import AddressRules
from openclaw.security.limits.traffic import Traffic
from openclaw.security.limits.work import WorkLimit
from openclaw.security.limits.writes import WriteLimit
from openclaw.security.peers import PeerReader
from openclaw.security.sockets import WaitingSockets

# A browser opens six; a keep-alive connection stays for a minute.
PAGES_PER_CLIENT = 64
PAGES_TOTAL = 1024


@frozen(kw_only=True)
class Limits:
    """What stands in a client's way, besides its rights.

    :ivar waiting: sockets that have proven nothing.
    :ivar pages: connections that only speak HTTP.
    :ivar traffic: ``None`` where nothing is configured.
    :ivar rules: ``None`` where every address may connect.
    :ivar names: ``None`` where no host name is listed.
    """

    waiting: WaitingSockets
    pages: WaitingSockets
    traffic: Traffic | None
    work: WorkLimit
    writes: WriteLimit
    rules: AddressRules | None
    names: NameWatch | None

    def may_connect(self, peer: Peer) -> bool:
        """Whether the address of a client is one that may connect at all."""
        return self.rules is None or self.rules.allows(peer)

    def guarded(
        self, factory: IProtocolFactory, noticed: Callable[[str, str], None]
    ) -> IProtocolFactory:
        """The factory to listen with."""
        if self.rules is None:
            return factory
        return AcceptingFactory(
            factory, self.rules.accepts, lambda address: noticed("address-refused", address)
        )

    def check_of(self, method: Method, step_up: StepUp) -> Check | None:
        """What may refuse a method's requests, beside its scope, in this order."""
        checks: list[Check] = []
        if step_up.covers(method):
            checks.append(step_up.check)
        if method.control:
            checks.append(self._writes(method.name))
        if method.work:
            checks.append(self._work(method.name))
        if len(checks) < 2:
            return checks[0] if checks else None

        def check(client: Client) -> None:
            for one in checks:
                one(client)

        return check

    def _work(self, method: str) -> Check:
        take = self.work.take

        def check(client: Client) -> None:
            take(method, client.admitted.device_id, client.peer)

        return check

    def _writes(self, method: str) -> Check:
        take = self.writes.take

        def check(client: Client) -> None:
            take(method, client.admitted.device_id or f"a client at {client.peer.address}")

        return check


def make_limits(settings: Settings, reactor: Any) -> Limits:
    """Make them."""
    seconds = reactor.seconds
    proxies = PeerReader(settings.trusted_proxies)
    work = settings.config.gateway.rate_limit
    traffic = _traffic(settings.config.access.rate_limiting, seconds)
    rules, names = _rules(settings, reactor)
    return Limits(
        waiting=WaitingSockets(is_proxy=proxies.trusts),
        pages=WaitingSockets(
            per_client=PAGES_PER_CLIENT, total=PAGES_TOTAL, is_proxy=proxies.trusts
        ),
        traffic=traffic if traffic.limited else None,
        work=WorkLimit(seconds, Rate(work.requests_per_minute, work.burst)),
        writes=WriteLimit(seconds),
        rules=rules,
        names=names,
    )


def _traffic(configured: RateLimiting, seconds: Callable[[], float]) -> Traffic:
    def rate(per_minute: PerMinute | None) -> Rate | None:
        return None if per_minute is None else Rate(per_minute)

    return Traffic(
        seconds,
        gateway=rate(configured.all),
        address=rate(configured.per_ip),
        connection=rate(configured.per_connection),
    )


def _rules(settings: Settings, reactor: Any) -> tuple[AddressRules | None, NameWatch | None]:
    listed = settings.address_list
    if not listed:
        return None, None
    rules = AddressRules(listed.networks, map(ip_network, settings.trusted_proxies))
    if not listed.names:
        return rules, None
    return rules, NameWatch(listed.names, system_resolver(reactor), rules.resolved, reactor)
