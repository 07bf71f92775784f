"""The official Control UI in a real browser (rungs 35 and 36)."""

import http.client
from collections.abc import Mapping
from typing import Any

from tests.conformance import packages
from tests.conformance.cases import ConformanceCase
from tests.conformance.driven import Driven
from tests.conformance.target import ORIGINAL
from tests.standins.behaviour import REPLY

_COMPOSER = 'textarea[aria-label="Chat composer"]'

_BUBBLES = ".chat-thread-inner .chat-text"


class ControlUITests(ConformanceCase):
    """One page, from the empty state to a reload."""

    needs = (
        packages.node,
        packages.control_ui,
        packages.browser,
        lambda: packages.package("playwright-core"),
    )

    @classmethod
    def configuration(cls) -> Mapping[str, Any]:
        """Ours serves the built Control UI out of the official package."""
        root = {"controlUi": {"root": str(packages.control_ui())}}
        return {} if ORIGINAL else {"gateway": root}

    def setUp(self) -> None:
        """Open the page with the token in its fragment, as the login link does."""
        super().setUp()
        self.page = Driven("browser.mjs", self.gateway)
        self.addCleanup(self.page.stop)
        address = f"{self.gateway.http}/#token={self.gateway.token}"
        self.page.ask("open", program=str(packages.browser()), url=address, seconds=60)
        self.page.ask("shows", text="Connected", seconds=40)

    def faults(self) -> list[str]:
        """What went wrong in the page so far: thrown, blocked by its own policy, or refused."""
        found = []
        for line in self.page.collect():
            blocked = "Content Security Policy" in line.get("console", "")
            refused = line.get("status", 0) in (401, 403) or line.get("status", 0) >= 500
            if "pageError" in line or blocked or refused:
                found.append(str(line)[:400])
        return found

    def send(self, text: str) -> None:
        """Type a message and press Enter."""
        self.page.ask("fill", selector=_COMPOSER, text=text, press="Enter", seconds=40)

    def shows(self, text: str) -> None:
        """Wait until the page shows some text."""
        self.page.ask("shows", text=text, seconds=40)

    def test_empty_state(self) -> None:
        """Rung 35: a chat page, connected, nothing thrown, the token gone from the address."""
        self.page.ask("fill", selector=_COMPOSER, text="not sent", seconds=40)
        self.assertIn("/chat", self.page.ask("address"))
        self.assertNotIn(self.gateway.token, self.page.ask("address"))
        self.assertEqual(self.faults(), [])

    def test_deep_addresses_are_the_same_page(self) -> None:
        """Rung 35: a page below ``/chat/`` may be opened or reloaded; what is no page is 404."""
        for path, status, kind in (
            ("/chat/main", 200, "text/html"),
            ("/settings/devices", 200, "text/html"),
            ("/assets/nosuch.js", 404, "text/plain"),
            ("/api/nosuch", 404, ""),
        ):
            found, header = self.fetch(path)
            self.assertEqual(found, status, path)
            self.assertTrue(header.startswith(kind), (path, header))

    def fetch(self, path: str) -> tuple[int, str]:
        """Status and content type of one page, fetched without a browser."""
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers={"Accept": "text/html"})
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type", "")

    def test_talk_and_reload(self) -> None:
        """Rung 36: the answer streams in; after a reload both sides are there, each once."""
        self.send("[chunks=6 delay=300] browser question")
        self.shows("w1 w2 w3")
        self.shows("w1 w2 w3 w4 w5 w6")
        self.send("second question")
        self.shows(REPLY)
        self.page.ask("reload", seconds=60)
        self.shows("w1 w2 w3 w4 w5 w6")
        self.shows(REPLY)
        bubbles = [text.strip() for text in self.page.ask("texts", selector=_BUBBLES)]
        questions = ["[chunks=6 delay=300] browser question", "second question"]
        self.assertEqual(bubbles, [questions[0], "w1 w2 w3 w4 w5 w6", questions[1], REPLY])
        self.assertEqual(self.faults(), [])
