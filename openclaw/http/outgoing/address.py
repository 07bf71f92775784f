"""Addresses of others, read strictly: what cannot be read in one way only is not asked."""

import re
from ipaddress import IPv4Address, IPv6Address

from attrs import frozen

from openclaw.interfaces.outbound import OutboundError

PORTS = {"https": 443, "wss": 443, "tls": None, "http": 80, "ws": 80, "tcp": None}
SECURE = frozenset({"https", "wss", "tls"})
# No blank, no control character, no backslash, which browsers take for a slash.
_ADDRESS = re.compile(r"([A-Za-z]+)://([^/?#]*)([^#]*)(?:#.*)?", re.ASCII)
_FORBIDDEN = re.compile(r"[^\x21-\x7e]|\\")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# What a resolver may take for a number: ``2130706433``, ``0x7f.1``, ``0177.0.0.1``.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


@frozen
class Address:
    """One address, taken apart.

    :ivar scheme: one of ``https``, ``wss``, ``tls``, ``http``, ``ws``, ``tcp``.
    :ivar host: a lowercase name, or a literal address in its one spelling, without brackets.
    :ivar resource: path and query, beginning with a slash.
    """

    scheme: str
    host: str
    port: int
    resource: str = "/"

    @property
    def secure(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self.scheme in SECURE

    @property
    def literal(self) -> bool:
        """Whether the host is an IP address."""
        return ":" in self.host or self.host.rpartition(".")[2].isdigit()

    @property
    def bracketed(self) -> str:
        """The host as it stands in an address."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def peer(self) -> str:
        """Host and port, for people."""
        return f"{self.bracketed}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port: what credentials belong to."""
        return f"{self.scheme}://{self.peer}"


def read_address(url: str) -> Address:
    """Take an address apart.

    :raises OutboundError: of kind ``refused`` if it is none, names a user, or spells its host in a
        way that others could read differently. The words never repeat the address.
    """
    if len(url) > 8192 or _FORBIDDEN.search(url):
        raise _refused("it has characters that no address has, or is too long")
    found = _ADDRESS.fullmatch(url)
    if found is None or found[1].lower() not in PORTS:
        raise _refused(f"it begins with none of {', '.join(f'{name}://' for name in PORTS)}")
    scheme, place, rest = found[1].lower(), found[2], found[3]
    if "@" in place:
        raise _refused("it names a user")
    host, port = _place(place.lower())
    number = PORTS[scheme] if port is None else port
    if number is None:
        raise _refused("it needs a port")
    return Address(scheme, host, number, rest if rest.startswith("/") else f"/{rest}")


def _place(text: str) -> tuple[str, int | None]:
    """Host and port."""
    if text.startswith("["):
        inside, closed, port = text[1:].partition("]")
        if not closed:
            raise _refused("its bracket is not closed")
        return _literal_v6(inside), _port(port)
    host, colon, port = text.partition(":")
    return _host(host), _port(f"{colon}{port}")


def _port(text: str) -> int | None:
    if text in ("", ":"):
        return None
    digits = text[1:]
    if not text.startswith(":") or not digits.isdecimal() or not 0 < int(digits[:6]) < 65_536:
        raise _refused("its port is none")
    return int(digits)


def _literal_v6(text: str) -> str:
    try:
        return str(IPv6Address(text)) if "%" not in text else _no_zone()
    except ValueError:
        raise _refused("what is in brackets is no IPv6 address") from None


def _no_zone() -> str:
    raise _refused("an address with a zone is for this machine's networks")


def _host(text: str) -> str:
    labels = text.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(text))
        except ValueError:
            raise _refused("its number is no IPv4 address in the usual spelling") from None
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _refused("its host is no name in the usual spelling")
    return text


def _refused(why: str) -> OutboundError:
    return OutboundError(f"this address cannot be asked: {why}", "refused")
