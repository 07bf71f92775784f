"""The guard before addresses that nobody configured: public hosts only, looked up once.

What a message, a platform or a redirect names is a stranger's choice. It must not lead the gateway
to this machine, to the networks it stands in, or to the services that clouds keep for their own
machines. The ranges are those of IANA's registries of special-purpose addresses, RFC 6890.
"""

from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from twisted.internet.error import DNSLookupError
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.http.outgoing.address import Address, read_address
from openclaw.http.outgoing.names import Resolver
from openclaw.interfaces.outbound import IOutboundGuard, OutboundError

Network = IPv4Network | IPv6Network

_NOT_PUBLIC_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's or an overlay's address translation
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's service for its own machines, among public addresses
        "169.254.0.0/16",  # link-local: most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo, benchmarks, identifiers that are no places
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 wraps any IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
# Above 1024, and never HTTP: what a browser does not ask either, and stores without a lock.
_SERVICES = frozenset(
    {1719, 1720, 1723, 2049, 3306, 3659, 4045, 4190, 5060, 5061, 5432, 6000, 6379, 6566, 6665}
    | {6666, 6667, 6668, 6669, 6679, 6697, 10080, 11211, 27017}
)
_WEB_PORTS = (80, 443)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address belongs to the public network, and means itself and no other."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _NOT_PUBLIC_V6)


@implementer(IOutboundGuard)
class PublicOnly:
    """Lets addresses pass whose host is public, and says where to connect.

    :param resolve: looks names up; asked once for each request.
    :param plain: schemes without TLS pass too.
    :param networks: besides public ones, addresses in these networks pass.
    """

    def __init__(
        self, resolve: Resolver, *, plain: bool = False, networks: Collection[Network] = ()
    ) -> None:
        self._resolve = resolve
        self._plain = plain
        self._networks = tuple(networks)

    @deferred
    async def resolve(self, url: str) -> tuple[str, ...]:
        """Say where ``url`` leads, if it may be asked."""
        address = read_address(url)
        self._check_form(address)
        found = (address.host,) if address.literal else await self._look_up(address.host)
        # One bad address spoils the name: which one is taken would be chance, or somebody's choice.
        if not all(self._may(host) for host in found):
            raise _refused(f"{address.host} is not on the public network")
        return tuple(found)

    def _check_form(self, address: Address) -> None:
        if not address.secure and not self._plain:
            raise _refused("only addresses with TLS are asked, such as https://")
        if address.port in _SERVICES or (address.port < 1024 and address.port not in _WEB_PORTS):
            raise _refused(f"port {address.port} is kept for another service")
        if not address.literal and "." not in address.host:
            raise _refused("its host is not a full name")

    async def _look_up(self, host: str) -> Sequence[str]:
        try:
            found = await self._resolve(host)
        except (DNSLookupError, OSError):
            found = ()
        if not found:
            raise OutboundError(f"there is no host {host}", "connect")
        return found

    def _may(self, host: str) -> bool:
        try:
            address = ip_address(host)  # A zone stays in it, and is never public.
        except ValueError:
            return False
        if is_public(address):
            return True
        return any(
            address in network for network in self._networks if network.version == address.version
        )


def _refused(why: str) -> OutboundError:
    return OutboundError(f"this address cannot be asked: {why}", "refused")
