"""What ``access.ipWhitelist`` lists, read: networks, addresses, host names; looks nothing up."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

from attrs import frozen

from openclaw.errors import ConfigError

_PATH = "access.ipWhitelist"
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?=.{{1,253}}\.?$){_LABEL}(?:\.{_LABEL})*\.?", re.IGNORECASE)
_MAPPED = IPv6Network("::ffff:0:0/96")


@frozen
class AddressList:
    """Who may connect; nothing listed: everybody.

    :ivar names: host names, lowercase, each once.
    """

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.networks or self.names)


def read_address_list(entries: Iterable[str]) -> AddressList:
    """Read networks, addresses and host names.

    :raises ConfigError: for the first that is none of them.
    """
    networks: list[IPv4Network | IPv6Network] = []
    names: list[str] = []
    for index, entry in enumerate(entries):
        text = entry.strip()
        network = _network(text)
        if network is not None:
            networks.append(network)
        elif _is_name(text):
            names.append(text.lower().rstrip("."))
        else:
            raise ConfigError(
                'expected an address, a network such as "10.0.0.0/8" or a host name, '
                f'found "{entry}"',
                f"{_PATH}[{index}]",
            )
    return AddressList(tuple(networks), tuple(dict.fromkeys(names)))


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    # Clients that come over v4-mapped addresses are IPv4 to us; so is what is listed that way.
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        return ip_network(f"{mapped}/{network.prefixlen - 96}")
    return network


def _is_name(text: str) -> bool:
    """Whether this can be a host's name; a mistyped address (``10.0.0``) cannot."""
    last = text.rstrip(".").rpartition(".")[2]
    return _NAME.fullmatch(text) is not None and not last.isdigit()
