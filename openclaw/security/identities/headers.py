"""Users whom a proxy or Tailscale names in a header; the listener decides whom to believe."""

from collections.abc import Mapping

from attrs import evolve

from openclaw.config.access import ProxyUsers
from openclaw.interfaces.security import NamedUser, Peer
from openclaw.security.addresses import parse

_TAILSCALE_USER = "tailscale-user-login"
_FUNNEL = "tailscale-funnel-request"
MAX_NAME = 256


def with_proxy_user(peer: Peer, headers: Mapping[str, str], users: ProxyUsers) -> Peer:
    """Add the user that a trusted proxy names.

    Only what came through one of ``trustedProxies``, and says for whom, is looked at.

    :param headers: by lowercase name; repeated ones joined with commas.
    """
    if not (peer.forwarded and peer.attributed):
        return peer
    name = _name(headers.get(users.header, ""))
    complete = all(headers.get(one, "").strip() for one in users.required)
    return evolve(peer, user=NamedUser("trusted-proxy", name)) if name and complete else peer


def tailscale_peer(socket_address: str, headers: Mapping[str, str]) -> Peer:
    """Tell who comes through ``tailscale serve``, on the listener that is only for it.

    Tailscale takes these headers out of requests and sets its own, for users of the tailnet; from
    the internet (funnel) and from tagged machines there are none. Nobody here is local.
    """
    peer = Peer(
        address=_client(headers, socket_address),
        loopback=True,
        forwarded=True,
        origin=headers.get("origin"),
        host=headers.get("host", "").strip().lower(),
    )
    name = "" if _FUNNEL in headers else _name(headers.get(_TAILSCALE_USER, ""))
    return evolve(peer, user=NamedUser("tailscale", name)) if name else peer


def _name(text: str) -> str:
    """A user's name; empty if two were sent, or something that is no name."""
    name = text.strip()
    usable = 0 < len(name) <= MAX_NAME and "," not in name and name.isprintable()
    return name if usable else ""


def _client(headers: Mapping[str, str], socket_address: str) -> str:
    """The nearest hop, which Tailscale itself has added."""
    nearest = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return str(parse(nearest) or parse(socket_address) or socket_address)
