"""A connection ends when its credential does."""

from functools import partial

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.revocation import Revocation
from tests.gateway.people import Person


class ExpiryTests(SynchronousTestCase):
    def test_ended_credentials_end_their_connections_and_no_others(self) -> None:
        clock, broadcaster = Clock(), Broadcaster()
        revocation = Revocation(broadcaster, clock)
        closed: list[tuple[object, ...]] = []
        people = {"ended": 999, "ends now": 1000, "later": 1001, "never": None}
        for name, ends in people.items():
            client = Person(name).client
            client.admitted = evolve(client.admitted, expires_at_ms=ends)
            client.close = partial(lambda *told: closed.append(told), name)
            broadcaster.join(client)
        revocation.expired(1000)
        self.assertEqual({client.conn_id for client in broadcaster}, {"later", "never"})
        clock.advance(0)
        words = (1008, "credential expired")
        self.assertEqual(closed, [("ended", *words), ("ends now", *words)])
        self.assertEqual(clock.getDelayedCalls(), [])
