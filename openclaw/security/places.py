"""Where a client is, and what is agreed for that place; the address decides, never a claim."""

from collections.abc import Callable
from ipaddress import ip_network

from openclaw.interfaces.security import DeviceToken, Peer
from openclaw.security.addresses import Address, parse
from openclaw.security.grants import issued_at_ms
from openclaw.security.origins import Origins, is_local
from openclaw.security.policy import PairingPolicy, Place, PlacePolicy

_TAILNET = [ip_network(one) for one in ("100.64.0.0/10", "fd7a:115c:a1e0::/48")]
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
_LAN = [ip_network(one) for one in (*_PRIVATE, "169.254.0.0/16", "fe80::/10")]


def nobody(address: Address) -> bool:
    """A host that has no address of its own."""
    return False


class Places:
    """Tell where clients are, and what they may do there.

    :param is_own: whether an address is one of this host; asked only for tailnet addresses.
    """

    def __init__(
        self,
        policy: PairingPolicy,
        origins: Origins,
        is_own: Callable[[Address], bool] = nobody,
    ) -> None:
        self.policy = policy
        self._origins = origins
        self._is_own = is_own

    def place(self, peer: Peer) -> Place:
        """Where a client is; what cannot be told is far away.

        A loopback socket under a foreign name is not this machine: any page can reach loopback.
        """
        if is_local(peer) or self._origins.is_loopback_page(peer):
            return "localhost"
        address = parse(peer.address)
        if address is None or address.is_loopback:
            return "wan"
        if any(address in network for network in _TAILNET):
            own = self.policy.own_tailnet and not peer.forwarded and peer.origin is None
            return "localhost" if own and self._is_own(address) else "tailnet"
        return "lan" if any(address in network for network in _LAN) else "wan"

    def of(self, peer: Peer) -> PlacePolicy:
        """What is agreed for where this client is."""
        return self.at(self.place(peer))

    def at(self, place: Place) -> PlacePolicy:
        """What is agreed for one place."""
        found: PlacePolicy = getattr(self.policy, place)
        return found

    def end_ms(self, token: DeviceToken, peer: Peer) -> int | None:
        """When a token is too old to be used from there, Unix milliseconds; ``None``: never."""
        lifetime = self.of(peer).lifetime_seconds
        if lifetime is None:
            return None
        since_ms = issued_at_ms(token)
        if self.policy.renew_tokens and token.last_used_at_ms is not None:
            since_ms = max(since_ms, token.last_used_at_ms)
        return since_ms + int(lifetime * 1000)

    def expired(self, token: DeviceToken, peer: Peer, now_ms: int) -> bool:
        """Whether a token is too old to be used from there."""
        end_ms = self.end_ms(token, peer)
        return end_ms is not None and now_ms >= end_ms
