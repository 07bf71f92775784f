"""IP addresses in one spelling, and what counts as one client; no headers, no trust."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

Address = IPv4Address | IPv6Address
# Overlay networks such as Tailscale hand out these; Python calls them neither private nor global.
_CARRIER_GRADE_NAT = IPv4Network("100.64.0.0/10")


def parse(text: str) -> Address | None:
    """Read an address; a v4-mapped one becomes IPv4, a zone (``%eth0``) is dropped.

    :return: ``None`` if it is no IP address, as for a UNIX socket.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def bucket(text: str) -> str:
    """Name what failures and sockets are counted by: an IPv4 address, or an IPv6 /64.

    One customer commonly holds a whole /64, so single IPv6 addresses would be free budgets.
    """
    address = parse(text)
    if isinstance(address, IPv6Address):
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return text if address is None else str(address)


def is_near(address: Address) -> bool:
    """Whether an address is this machine's, a private network's or an overlay's."""
    if isinstance(address, IPv4Address) and address in _CARRIER_GRADE_NAT:
        return True
    return (address.is_private or address.is_link_local) and not address.is_unspecified
