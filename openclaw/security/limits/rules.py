"""Which addresses may connect at all: networks, single addresses, host names; no credential."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network

from openclaw.interfaces.security import Peer
from openclaw.security.addresses import Address, parse

Network = IPv4Network | IPv6Network


class AddressRules:
    """Judges addresses.

    Programs on this machine may always connect, else the owner could lock himself out with no way
    back; where they come through a proxy, the client that it reports is judged. A trusted proxy
    may connect too, and whoever it speaks for is judged; what it asks for itself is judged like
    anybody's.

    :param networks: who may connect, besides those whom names lead to.
    :param proxies: trusted proxies.
    """

    def __init__(self, networks: Iterable[Network], proxies: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)
        self._proxies = tuple(proxies)
        self._resolved: frozenset[Address] = frozenset()

    def resolved(self, found: Mapping[str, Iterable[Address]]) -> None:
        """Take what the listed names lead to now; one that leads nowhere lets nobody in."""
        self._resolved = frozenset(address for some in found.values() for address in some)

    def accepts(self, socket_address: str) -> bool:
        """Whether a socket from there is kept; asked before a byte of it is read."""
        address = parse(socket_address)
        if address is None:
            return False
        return address.is_loopback or self._lists(address) or _within(address, self._proxies)

    def allows(self, peer: Peer) -> bool:
        """Whether a client may ask for anything."""
        if peer.loopback and not peer.forwarded:
            return True
        address = parse(peer.address)
        return address is not None and self._lists(address)

    def _lists(self, address: Address) -> bool:
        return _within(address, self._networks) or address in self._resolved


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
