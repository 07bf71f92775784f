"""Which pages may talk to us: ``Origin`` and ``Host`` against each other and the allow-list."""

import re
from collections.abc import Iterable

from openclaw.interfaces.security import Peer
from openclaw.security.addresses import parse

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
MISSING = "origin missing or invalid"
FOREIGN = "origin not allowed"

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN = re.compile(r"([a-z][a-z0-9+.\-]*)://([^/?#@\s]+)")
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:/?#@,\s]+))(?::([0-9]{1,5}))?")

Origin = tuple[str, str, int | None]


def split_host(text: str) -> tuple[str, int | None] | None:
    """Split a lowercase ``host:port``, brackets taken off; ``None`` if it is neither."""
    if text == "::1":
        return text, None
    match = _HOST.fullmatch(text)
    if match is None:
        return None
    return match[1] or match[2], int(match[3]) if match[3] else None


def read_origin(text: str) -> Origin | None:
    """Split an ``Origin``: scheme, host, port; ``None`` for ``null`` and everything malformed."""
    match = _ORIGIN.fullmatch(text.lower())
    place = split_host(match[2]) if match else None
    if match is None or place is None:
        return None
    host, port = place
    return match[1], host, _DEFAULT_PORTS.get(match[1]) if port is None else port


def is_loopback_host(host: str) -> bool:
    """Whether a ``Host`` header names this machine by a loopback name; an absent one does not."""
    place = split_host(host)
    return place is not None and place[0] in LOOPBACK_HOSTS


def _unforwarded_loopback(peer: Peer) -> bool:
    return peer.loopback and not peer.forwarded and is_loopback_host(peer.host)


def is_local(peer: Peer) -> bool:
    """Local trust: loopback socket, nothing forwarded, no ``Origin``, a loopback ``Host``."""
    return peer.origin is None and _unforwarded_loopback(peer)


class Origins:
    """Judge browsers by their ``Origin``.

    :param allowed: exact origins, such as ``https://gateway.example``; there is no wildcard.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        read = (read_origin(text) for text in allowed)
        self._allowed = frozenset(origin for origin in read if origin is not None)
        self._hosts = frozenset(host for _, host, _ in self._allowed)

    def problem(self, peer: Peer) -> str | None:
        """Say why this page may not connect; ``None`` if it may."""
        origin = read_origin(peer.origin or "")
        if origin is None:
            return MISSING
        if origin in self._allowed or self.is_same(peer):
            return None
        return FOREIGN

    def is_same(self, peer: Peer) -> bool:
        """Whether the page came from the very host and port it talks to, under a known name.

        Host and Origin also agree when a foreign name was rebound to our address, so the name
        itself has to be one that nobody else can point at us.
        """
        origin, place = read_origin(peer.origin or ""), split_host(peer.host)
        if origin is None or place is None or origin[0] not in _DEFAULT_PORTS:
            return False
        host, port = place
        port = _DEFAULT_PORTS[origin[0]] if port is None else port
        return (host, port) == origin[1:] and self.knows_host(peer.host)

    def knows_host(self, host: str) -> bool:
        """Whether a ``Host`` is a loopback name, an IP address or an allowed origin's host."""
        place = split_host(host)
        if place is None:
            return False
        name = place[0]
        return name in LOOPBACK_HOSTS or name in self._hosts or parse(name) is not None

    def is_loopback_page(self, peer: Peer) -> bool:
        """Whether the page was served by this gateway to a browser on this machine."""
        return _unforwarded_loopback(peer) and self.is_same(peer)
