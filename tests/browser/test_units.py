"""The web chat's modules on their own, in Node; no browser and no gateway."""

from twisted.trial.unittest import SynchronousTestCase

from tests.browser.script import run_units
from tests.conformance import packages
from tests.conformance.cases import require

_SECONDS = 60


class UnitTests(SynchronousTestCase):
    """One test for each file of ``units/``."""

    def setUp(self) -> None:
        """Look for Node."""
        require(packages.node)

    def test_outbox_keeps_order_and_keys(self) -> None:
        """Nothing unacknowledged is lost or sent twice under another key."""
        run_units("outbox.test.mjs", _SECONDS)

    def test_wire_comes_back(self) -> None:
        """Handshake, watchdog, back-off, holes in the numbers."""
        run_units("wire.test.mjs", _SECONDS)

    def test_transcript_shows_everything_once(self) -> None:
        """History, acknowledgements and events in any order give one list."""
        run_units("transcript.test.mjs", _SECONDS)

    def test_outages_lose_and_double_nothing(self) -> None:
        """The parts together over bad networks, many stories with fixed seeds."""
        run_units("outages.test.mjs", _SECONDS)

    def test_markdown_is_safe_and_ends(self) -> None:
        """The subset of markdown, unsafe links, hostile texts."""
        run_units("markdown.test.mjs", _SECONDS)

    def test_approvals_are_what_still_waits(self) -> None:
        """Events and lists in any order, decisions that come too late or are refused."""
        run_units("approvals.test.mjs", _SECONDS)

    def test_page_source(self) -> None:
        """CVE-2026-25253, CVE-2026-53841: no way from address to socket, from text to markup."""
        run_units("page.test.mjs", _SECONDS)
