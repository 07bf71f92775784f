"""The kinds of clients that admission tells apart; what they say of themselves is a claim."""

from openclaw.interfaces.security import Peer
from openclaw.protocol.connect import BROWSER_CLIENTS, ClientInfo
from openclaw.security.origins import is_local
from openclaw.security.refusals import Audience

TERMINAL_UI = "openclaw-tui"

_BACKEND = ("gateway-client", "backend")
_DEVICELESS_OPERATORS = frozenset({("cli", "cli"), _BACKEND})


def is_browser(client: ClientInfo, peer: Peer) -> bool:
    """A web page: nothing else sends an ``Origin``, and these clients are pages."""
    return peer.origin is not None or client.mode == "webchat" or client.id in BROWSER_CLIENTS


def needs_device_to_show(client: ClientInfo, peer: Peer) -> bool:
    """A client with a screen of its own, which is told so when it has no device key."""
    return is_browser(client, peer) or client.id == TERMINAL_UI


def is_backend(client: ClientInfo) -> bool:
    """The client library inside another program."""
    return (client.id, client.mode) == _BACKEND


def is_deviceless_operator(client: ClientInfo) -> bool:
    """The owner's own tools, which on the same machine need no device key for their scopes."""
    return (client.id, client.mode) in _DEVICELESS_OPERATORS


def audience(client: ClientInfo, peer: Peer) -> Audience:
    """Whom a refusal talks to, which decides what it advises."""
    if is_browser(client, peer):
        return "browser"
    if client.id == "cli" or client.mode == "cli":
        return "local-cli" if is_local(peer) else "remote-cli"
    return "other"
