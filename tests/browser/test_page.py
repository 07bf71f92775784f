"""The web chat in Chromium: signing in, talking, outages, hostile links, keyboard, looks."""

import os
from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.browser.script import run_check
from tests.conformance import packages
from tests.conformance.cases import require
from tests.conformance.proxy import Proxy
from tests.conformance.target import Gateway

_SECONDS = 60
_DISCONNECTS = int(os.environ.get("OPENCLAW_TEST_DISCONNECTS", "25"))


class PageCase(SynchronousTestCase):
    """One test for each script of ``checks/``, each with a gateway of its own."""

    overrides: Mapping[str, Any] = {"gateway": {"trustedProxies": ["127.0.0.1"]}}

    def setUp(self) -> None:
        """Look for what is needed, then start a gateway on an empty state directory."""
        for need in (packages.node, packages.browser, lambda: packages.package("playwright-core")):
            require(need)
        self.gateway = Gateway(self.overrides)
        self.addCleanup(self.gateway.stop)
        self.gateway.start()

    def check(self, name: str, seconds: float = _SECONDS, **settings: Any) -> None:
        """Run one script."""
        run_check(name, self.gateway, seconds, settings)


class PageTests(PageCase):
    """A gateway as it comes."""

    def test_code_is_erased_and_spent_once(self) -> None:
        """Signing in with the link, without it, with a used one; nothing left in the address."""
        self.check("signin.mjs")

    def test_conversation(self) -> None:
        """Send, stream, stop, errors, sessions, reload: history is shown once."""
        self.check("chat.mjs")

    def test_restart_in_between(self) -> None:
        """What was typed while the gateway was away arrives once, in order, also after a reload."""
        self.check("restart.mjs")

    def test_random_disconnects_lose_and_double_nothing(self) -> None:
        """``OPENCLAW_TEST_DISCONNECTS`` breaks of the connection at random moments."""
        seconds = _SECONDS + 3.0 * _DISCONNECTS
        self.check("disconnects.mjs", seconds, disconnects=_DISCONNECTS, seed=20261120)

    def test_hostile_links_reach_nobody_else(self) -> None:
        """CVE-2026-25253: no part of the address makes the page talk to another host."""
        self.check("hostile.mjs")

    def test_a_code_of_another_browser_lets_it_in(self) -> None:
        """#76: it comes through a proxy, so from elsewhere; its code is typed in a chat here."""
        proxy = Proxy(self.gateway.port)
        proxy.start()
        self.addCleanup(proxy.stop)
        self.check("pairing.mjs", far=f"http://127.0.0.1:{proxy.port}")

    def test_keyboard_only(self) -> None:
        """Everything can be done without a pointer."""
        self.check("keyboard.mjs")

    def test_looks_and_labels(self) -> None:
        """Names, landmarks, contrast and layout in light, dark, narrow and Chinese."""
        pictures = os.environ.get("OPENCLAW_TEST_PICTURES", "")
        self.check("looks.mjs", pictures=pictures)


class ApprovalTests(PageCase):
    """A gateway with a tool that needs an approval."""

    overrides: Mapping[str, Any] = {"tools": {"approval": ["session_status"]}}

    def test_approvals(self) -> None:
        """Shown in full, decided in one browser and gone in the other, gone when they expire."""
        self.check("approvals.mjs")
