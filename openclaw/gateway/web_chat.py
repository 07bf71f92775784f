"""The channel that needs no platform: pages that talk over the gateway's own socket."""

from collections.abc import Callable

from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.client import Client
from openclaw.interfaces.channels import AccountStatus
from openclaw.protocol.connect import BROWSER_CLIENTS

WEB_CHAT = "webchat"

NOT_A_TARGET = (
    "unsupported channel: webchat (internal-only). "
    "Use `chat.send` for WebChat UI messages or choose a deliverable channel."
)
"""In the words of the original, to whoever wants to send through it: sessions are its chats."""


class WebChat:
    """How the web chat does, as a channel beside the platforms."""

    def __init__(self, broadcaster: Broadcaster, now_ms: Callable[[], int]) -> None:
        self._broadcaster = broadcaster
        self._now_ms = now_ms
        self._started_at_ms = now_ms()
        self._heard_at_ms = 0

    def heard(self, client: Client) -> None:
        """A client handed a message in."""
        if _is_page(client):
            self._heard_at_ms = self._now_ms()

    def status(self) -> AccountStatus:
        """The one account; whoever reads this over the gateway's port sees that it is open."""
        pages = [one.connected_at_ms for one in self._broadcaster if _is_page(one)]
        return AccountStatus(
            channel=WEB_CHAT,
            account="default",
            state="connected",
            label="WebChat",
            mode="websocket",
            clients=len(pages),
            last_start_at=self._started_at_ms,
            last_connected_at=max(pages, default=0),
            last_inbound_at=self._heard_at_ms,
        )


def _is_page(client: Client) -> bool:
    return client.info.mode == "webchat" or client.info.id in BROWSER_CLIENTS
