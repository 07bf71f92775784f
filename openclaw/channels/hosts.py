"""Which hosts are this machine, where a plain connection shows a secret to nobody."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a host, as an address names it, is this machine; other names are not looked up."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def leads_here(url: str) -> bool:
    """Whether the host of an address is this machine."""
    return is_loopback(urlsplit(url).hostname or "")
