"""A tick for everybody at a fixed interval."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.ticker import Ticker
from tests.gateway.people import Person


class TickerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.broadcaster = Broadcaster()
        self.person, self.node = Person("a", scopes=()), Person("n", role="node", scopes=())
        for one in (self.person, self.node):
            self.broadcaster.join(one.client)
        self.ticker = Ticker(self.broadcaster, self.clock, lambda: 42, 30_000)

    def test_everybody_hears_it_every_interval_and_not_before(self) -> None:
        self.ticker.startService()
        self.clock.advance(29.9)
        self.assertEqual(self.person.heard(), [])
        self.clock.pump([0.1, 30, 30])
        for one in (self.person, self.node):
            self.assertEqual(
                one.heard(),
                [
                    {"type": "event", "event": "tick", "payload": {"ts": 42}, "seq": seq}
                    for seq in (1, 2, 3)
                ],
            )
        self.ticker.stopService()

    def test_it_stops_and_starts_again(self) -> None:
        for _ in range(2):
            self.ticker.startService()
            self.clock.advance(30)
            self.ticker.stopService()
            self.assertEqual(self.clock.getDelayedCalls(), [])
        self.clock.advance(300)
        self.assertEqual(len(self.person.heard()), 2)

    def test_a_stop_without_a_start_is_harmless(self) -> None:
        self.ticker.stopService()
