"""Which addresses and port the configuration means; binds nothing."""

import ipaddress

from openclaw.config.schema.gateway import Gateway
from openclaw.errors import ConfigError

LOOPBACK = "127.0.0.1"
EVERYWHERE = frozenset({"0.0.0.0", "::"})
BIND_MODES = {
    "loopback": LOOPBACK,
    "auto": LOOPBACK,
    "tailnet": LOOPBACK,
    "lan": "0.0.0.0",
}
_NAMES = {"localhost": LOOPBACK}


def address(text: str, path: str) -> str:
    """Check one address to listen on.

    :param path: where it was written, for the error.
    :raises ConfigError: if it is neither an IP address nor ``localhost``.
    """
    plain = text.strip().removeprefix("[").removesuffix("]")
    try:
        return _NAMES.get(plain.lower()) or str(ipaddress.ip_address(plain))
    except ValueError:
        raise ConfigError(
            f'expected an IP address such as "{LOOPBACK}" or "0.0.0.0", found "{text}"',
            path,
        ) from None


def configured_address(gateway: Gateway) -> str:
    """Tell the address of ``gateway.host`` or ``gateway.bind``; loopback if neither is set.

    :raises ConfigError: if one is wrong, or they contradict each other.
    """
    by_bind = _bind_address(gateway)
    if gateway.host is None:
        return by_bind or LOOPBACK
    by_host = address(gateway.host, "gateway.host")
    if by_bind not in (None, by_host):
        raise ConfigError(
            f'is "{gateway.host}", but gateway.bind is "{gateway.bind}", which means {by_bind}; '
            "keep one of the two",
            "gateway.host",
        )
    return by_host


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this host only."""
    return ipaddress.ip_address(host).is_loopback


def listeners(host: str) -> tuple[str, ...]:
    """All addresses to listen on: one that is not loopback comes with loopback."""
    if host in EVERYWHERE or is_loopback(host):
        return (host,)
    return (host, LOOPBACK)


def port(text: str, where: str) -> int:
    """Read a port given as text.

    :param where: the option or variable it came from, for the error.
    :raises ConfigError: if it is not a port.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ConfigError(f'expected a whole number from 0 to 65535, found "{text}"', where)
    return int(text)


def networks(entries: tuple[str, ...], path: str) -> tuple[str, ...]:
    """Check addresses and networks, ``10.0.0.1`` or ``10.0.0.0/8``.

    :raises ConfigError: for the first that is neither.
    """
    checked = []
    for index, entry in enumerate(entries):
        try:
            checked.append(str(ipaddress.ip_network(entry.strip(), strict=False)))
        except ValueError:
            raise ConfigError(
                f'expected an address or a network such as "10.0.0.0/8", found "{entry}"',
                f"{path}[{index}]",
            ) from None
    return tuple(checked)


def _bind_address(gateway: Gateway) -> str | None:
    if gateway.bind is None:
        return None
    if gateway.bind in BIND_MODES:
        return BIND_MODES[gateway.bind]
    if gateway.bind != "custom":
        try:
            return address(gateway.bind, "gateway.bind")
        except ConfigError:
            modes = ", ".join(f'"{mode}"' for mode in (*BIND_MODES, "custom"))
            raise ConfigError(
                f'expected one of {modes}, or an IP address, found "{gateway.bind}"',
                "gateway.bind",
            ) from None
    if gateway.custom_bind_host is None:
        raise ConfigError('gateway.bind is "custom" and needs it', "gateway.customBindHost")
    return address(gateway.custom_bind_host, "gateway.customBindHost")
