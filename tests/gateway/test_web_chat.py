"""The web chat as a channel beside the platforms."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.client import Client
from openclaw.gateway.web_chat import WebChat
from openclaw.interfaces.security import Admitted
from openclaw.monitoring.channel_views import failing, status_of, summaries_of
from openclaw.protocol.base import to_plain
from openclaw.protocol.connect import ClientInfo
from tests.gateway.people import LOCAL


def client(id: str, mode: str, at_ms: int = 5) -> Client:
    """A client of some kind."""
    info: Any = {"id": id, "mode": mode, "version": "1", "platform": "web"}
    return Client(
        f"{id}-{at_ms}",
        ClientInfo(**info),
        Admitted("operator", ("operator.read",), "token"),
        LOCAL,
        frozenset(),
        at_ms,
        lambda text: None,
        lambda: False,
    )


class WebChatTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 1000
        self.broadcaster = Broadcaster()
        self.web_chat = WebChat(self.broadcaster, lambda: self.now)

    def test_its_pages_are_its_clients(self) -> None:
        page, other = client("webchat-ui", "webchat", 7), client("openclaw-control-ui", "webchat")
        for one in (page, other, client("cli", "cli"), client("node-host", "node")):
            self.broadcaster.join(one)
        status = self.web_chat.status()
        self.assertEqual((status.clients, status.last_connected_at), (2, 7))
        self.broadcaster.leave(page)
        self.broadcaster.leave(other)
        self.assertEqual(self.web_chat.status().clients, 0)

    def test_it_can_be_used_whether_or_not_somebody_looks(self) -> None:
        status = self.web_chat.status()
        self.assertTrue(status.connected)
        self.assertEqual(failing([status]), [])
        summary = summaries_of([status])["webchat"]
        self.assertTrue(summary.configured and summary.running and summary.connected)

    def test_only_pages_are_heard_over_it(self) -> None:
        self.web_chat.heard(client("cli", "cli"))
        self.assertEqual(self.web_chat.status().last_inbound_at, 0)
        self.now = 2000
        self.web_chat.heard(client("webchat-ui", "webchat"))
        self.assertEqual(self.web_chat.status().last_inbound_at, 2000)

    def test_its_row(self) -> None:
        self.broadcaster.join(client("webchat-ui", "webchat"))
        shown = to_plain(status_of([self.web_chat.status()], {}, 9))
        self.assertEqual(shown["channelOrder"], ["webchat"])
        self.assertEqual(shown["channelLabels"], {"webchat": "WebChat"})
        (row,) = shown["channelAccounts"]["webchat"]
        self.assertEqual(
            (row["accountId"], row["state"], row["clients"]), ("default", "connected", 1)
        )
        self.assertEqual(row["mode"], "websocket")
