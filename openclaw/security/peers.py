"""Work out who is at the other end from socket and headers; decides nothing about rights."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network

from openclaw.errors import ConfigError
from openclaw.interfaces.security import Peer
from openclaw.security.addresses import Address, parse
from openclaw.security.origins import split_host

# What proxies and content networks say of the client; one header of these makes nobody local.
_FORWARDING = frozenset(
    (
        *("forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-remote-ip"),
        *("cf-connecting-ip", "cf-connecting-ipv6", "true-client-ip", "fastly-client-ip"),
        *("fly-client-ip", "x-azure-clientip", "x-envoy-external-address", "x-appengine-user-ip"),
    )
)
_FORWARDING_PREFIXES = ("x-forwarded-", "x-original-forwarded-", "tailscale-")


def is_local_program(peer: Peer) -> bool:
    """Whether this is a program on the gateway's own machine, whose tries and work are not counted.

    Pages are: any page can reach this machine from within its owner's browser.
    """
    return peer.loopback and not peer.forwarded and peer.origin is None


def is_forwarding(name: str) -> bool:
    """Whether a header (lowercase name) is one that only proxies and tunnels set."""
    return name in _FORWARDING or name.startswith(_FORWARDING_PREFIXES)


def _networks(trusted: Iterable[str]) -> list[IPv4Network | IPv6Network]:
    networks = []
    for index, text in enumerate(trusted):
        try:
            networks.append(ip_network(text, strict=False))
        except ValueError:
            expected = f"expected an IP address or CIDR range, got {text!r}"
            raise ConfigError(expected, f"gateway.trustedProxies[{index}]") from None
    return networks


def _hop(text: str) -> Address | None:
    """One hop of a forwarding header: an address, perhaps quoted, bracketed or with a port."""
    text = text.strip().strip('"').lower()
    address = parse(text)
    if address is not None:
        return address
    place = split_host(text)
    return parse(place[0]) if place else None


def _forwarded_hops(header: str) -> list[str]:
    """The ``for`` of each element of an RFC 7239 header; empty text where one has none."""
    hops = []
    for element in header.split(","):
        pairs = (pair.strip().partition("=") for pair in element.split(";"))
        hops.append(next((value for name, _, value in pairs if name.lower() == "for"), ""))
    return hops


class PeerReader:
    """Turn a socket's address and a request's headers into a :class:`Peer`.

    :param trusted_proxies: addresses or CIDR ranges whose forwarding headers are believed.
    :param real_ip_fallback: believe ``X-Real-IP`` of a trusted proxy that sends no list of hops.
    :raises openclaw.errors.ConfigError: one of ``trusted_proxies`` is neither.
    """

    def __init__(self, trusted_proxies: Iterable[str] = (), *, real_ip_fallback: bool = False):
        self._trusted = _networks(trusted_proxies)
        self._real_ip_fallback = real_ip_fallback

    def read(self, socket_address: str, headers: Mapping[str, str]) -> Peer:
        """Tell who connects.

        :param socket_address: the socket's peer address; anything but an IP address is remote.
        :param headers: by lowercase name; repeated ones joined with commas.
        """
        address = parse(socket_address)
        forwarded = any(map(is_forwarding, headers))
        client = self._reported(address, headers) if forwarded else address
        return Peer(
            address=str(client or address or socket_address),
            loopback=address is not None and address.is_loopback,
            forwarded=forwarded,
            attributed=not forwarded or client is not None,
            origin=headers.get("origin"),
            host=headers.get("host", "").strip().lower(),
        )

    def trusts(self, socket_address: str) -> bool:
        """Whether this is a trusted proxy's address."""
        address = parse(socket_address)
        return address is not None and self._is_trusted(address)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)

    def _reported(self, proxy: Address | None, headers: Mapping[str, str]) -> Address | None:
        """The client's address as trusted proxies tell it; ``None`` if nobody credible does."""
        if proxy is None or not self._is_trusted(proxy):
            return None
        told = []
        if "x-forwarded-for" in headers:
            told.append(self._nearest_stranger(headers["x-forwarded-for"].split(",")))
        if "forwarded" in headers:
            told.append(self._nearest_stranger(_forwarded_hops(headers["forwarded"])))
        if not told and self._real_ip_fallback:
            told.append(_hop(headers.get("x-real-ip", "")))
        # A proxy that rewrites one list and passes the other on lets clients choose an address:
        # two lists that disagree are therefore worth nothing.
        return told[0] if told and len(set(told)) == 1 else None

    def _nearest_stranger(self, hops: list[str]) -> Address | None:
        """Right to left past our own proxies; what stands further left is the client's claim."""
        address = None
        for text in reversed(hops):
            address = _hop(text)
            if address is None or not self._is_trusted(address):
                return address
        return address
