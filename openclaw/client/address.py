"""Where a gateway is, and whether credentials may travel there; opens nothing itself."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from urllib.parse import urlsplit

from attrs import frozen

from openclaw.client.errors import UnsafeAddress

DEFAULT_PORT = 18789
# Overlay networks such as Tailscale hand out these; Python calls them neither private nor global.
_CARRIER_GRADE_NAT = IPv4Network("100.64.0.0/10")
_SCHEMES: Mapping[str, bool] = {"ws": False, "http": False, "wss": True, "https": True}


@frozen
class GatewayAddress:
    """A gateway's WebSocket address.

    :ivar host: a name or a literal address, without brackets.
    :ivar path: the request path, beginning with a slash.
    :ivar name: whose certificate it must be; empty for the host's, which a tunnel hides.
    """

    host: str
    port: int = DEFAULT_PORT
    secure: bool = False
    path: str = "/"
    name: str = ""

    @property
    def certificate_name(self) -> str:
        """The name or address that must be in the certificate."""
        return self.name or self.host

    @property
    def url(self) -> str:
        """The address as a ``ws://`` or ``wss://`` URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        path = "" if self.path == "/" else self.path
        return f"{'wss' if self.secure else 'ws'}://{host}:{self.port}{path}"

    @property
    def local(self) -> bool:
        """Whether it can only mean this machine."""
        return self.host == "localhost" or is_loopback(self.host)


def parse_address(text: str) -> GatewayAddress:
    """Read ``ws://``, ``wss://``, ``http://`` or ``https://`` URLs and plain ``host[:port]``.

    :raises ValueError: it is none of these, or carries credentials, a query or a fragment.
    """
    parts = urlsplit(text if "://" in text else f"ws://{text}")
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"not a gateway address: {parts.scheme}:// is not ws:// or wss://")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("a gateway address holds no user, query or fragment; pass --token instead")
    if not parts.hostname:
        raise ValueError("a gateway address needs a host")
    secure = _SCHEMES[parts.scheme]
    return GatewayAddress(
        host=parts.hostname,
        port=_port(parts.port, secure, explicit="://" in text),
        secure=secure,
        path=parts.path or "/",
    )


def _port(given: int | None, secure: bool, explicit: bool) -> int:
    """A URL without a port means the scheme's; ``host`` alone means the gateway's usual one."""
    if given is not None:
        return given
    if not explicit:
        return DEFAULT_PORT
    return 443 if secure else 80


def is_loopback(host: str) -> bool:
    """Whether a literal address is this machine; false for names."""
    try:
        return _literal(host).is_loopback
    except ValueError:
        return False


def check_plaintext(host: str, allow_private: bool) -> None:
    """Refuse an unencrypted connection to where others could listen in.

    :param host: the literal address the socket is, or would be, connected to.
    :param allow_private: the user accepted plain text inside a private network.
    :raises UnsafeAddress: it is not loopback, and not a private address that was allowed.
    """
    address = _literal(host)
    if address.is_loopback:
        return
    private = _is_private(address)
    if private and allow_private:
        return
    if private:
        raise UnsafeAddress(
            f"plain ws:// to {address} would send the token unencrypted over the network. "
            "Use wss://, an SSH tunnel, or --allow-plaintext-lan if you trust this network."
        )
    raise UnsafeAddress(
        f"plain ws:// to {address} would send the token unencrypted over the internet. "
        "Use wss:// or an SSH tunnel."
    )


def _literal(host: str) -> IPv4Address | IPv6Address:
    """Read a literal address without its zone; a v4-mapped one counts as IPv4."""
    address = ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_private(address: IPv4Address | IPv6Address) -> bool:
    if address in _CARRIER_GRADE_NAT:
        return True
    return address.is_private and not address.is_unspecified and not address.is_reserved
