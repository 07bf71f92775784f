"""Tests of openclaw.client.upkeep: when it tries again and when it does not, on a clock."""

from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.client.errors import ConnectRefusedByGateway, GatewayUnreachable
from openclaw.client.hello import Hello
from openclaw.client.link import Link
from openclaw.client.upkeep import Upkeep
from tests.client.stand_in import hello
from tests.client.test_link import Recorder

DOWN = GatewayUnreachable("ws://127.0.0.1:1", "connection refused", nobody_listens=True)
Outcome = Exception | Callable[[], tuple[Link, Hello]]


class UpkeepTests(SynchronousTestCase):
    """Attempts against a script of outcomes."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.attempts: list[float] = []
        self.links: list[Link] = []
        self.announced: list[Hello] = []
        self.script: list[Exception | None] = []
        self.upkeep = Upkeep(self.greet, self.announced.append, self.clock)

    async def greet(self) -> tuple[Link, Hello]:
        """The next outcome; success once the script is used up."""
        self.attempts.append(self.clock.seconds())
        outcome = self.script.pop(0) if self.script else None
        if outcome is not None:
            raise outcome
        link = Link(Recorder(), self.clock, Recorder())
        link.challenge.addErrback(lambda _: None)
        self.links.append(link)
        return link, Hello(hello([]))

    def wait(self, seconds: float) -> None:
        """Let time pass in small steps."""
        for _ in range(int(seconds * 4)):
            self.clock.advance(0.25)

    def gaps(self) -> list[float]:
        """Seconds between attempts."""
        return [b - a for a, b in zip(self.attempts, self.attempts[1:], strict=False)]

    def test_waits_double_up_to_half_a_minute(self) -> None:
        """Each with up to a second of jitter."""
        self.script = [DOWN] * 8
        first = self.upkeep.start()
        self.wait(170)
        self.successResultOf(first)
        for least, waited in zip((1, 2, 4, 8, 16, 30, 30, 30), self.gaps(), strict=True):
            self.assertTrue(least <= waited <= least + 1.25, (least, waited))

    def test_a_lost_connection_is_made_again(self) -> None:
        """After the first wait."""
        first = self.upkeep.start()
        self.clock.advance(0)
        self.successResultOf(first)
        self.links[0].lost(1012, "service restart")
        self.wait(3)
        self.assertEqual(len(self.links), 2)
        self.assertEqual(len(self.announced), 2)

    def test_the_gateways_own_wait_is_kept(self) -> None:
        """The value in retryAfterMs beats the back-off."""
        busy = ConnectRefusedByGateway("UNAVAILABLE", "x", retryable=True, retry_after_ms=500)
        self.script = [busy]
        first = self.upkeep.start()
        self.wait(0.5)
        self.successResultOf(first)

    def test_a_pairing_that_waits_for_a_person_is_asked_again(self) -> None:
        """When the gateway recommends it."""
        step = {"code": "PAIRING_REQUIRED", "recommendedNextStep": "wait_then_retry"}
        self.script = [ConnectRefusedByGateway("NOT_PAIRED", "pairing required", step)]
        first = self.upkeep.start()
        self.wait(3)
        self.successResultOf(first)

    def test_a_refusal_for_good_ends_it(self) -> None:
        """No attempt follows, whoever waits is told."""
        self.script = [ConnectRefusedByGateway("INVALID_REQUEST", "protocol mismatch")]
        first = self.upkeep.start()
        self.wait(60)
        self.failureResultOf(first, ConnectRefusedByGateway)
        self.assertEqual(len(self.attempts), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stopping_leaves_nothing_behind(self) -> None:
        """While it waits for its next attempt."""
        self.script = [DOWN]
        first = self.upkeep.start()
        self.successResultOf(self.upkeep.stop())
        self.failureResultOf(first)
        self.assertEqual(self.clock.getDelayedCalls(), [])
