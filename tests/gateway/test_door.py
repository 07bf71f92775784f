"""The door closes: everybody is told."""

from typing import Any

from tests.gateway import wire
from tests.gateway.sockets import ConnectionCase


class ShutTests(ConnectionCase):
    def test_everybody_is_told_and_closed(self) -> None:
        client, stranger = self.connect(), self.dial()
        stranger.taken()
        self.rig.door.shut("gateway stopping")
        said, closed = self.ending(client)
        self.assertEqual(
            said,
            [
                {
                    "type": "event",
                    "event": "shutdown",
                    "payload": {"reason": "gateway stopping"},
                    "seq": 1,
                }
            ],
        )
        self.assertEqual(closed, (1012, "service restart"))
        self.assertEqual(self.ending(stranger), ([], (1012, "service restart")))

    def test_who_is_slow_is_told_all_the_same(self) -> None:
        client = self.connect()
        producer: Any = client.transport.producer
        producer.pauseProducing()
        self.rig.door.shut("gateway stopping")
        said, closed = self.ending(client)
        self.assertEqual([frame["event"] for frame in said], ["shutdown"])
        self.assertEqual(closed, (1012, "service restart"))

    def test_sockets_can_be_cut(self) -> None:
        client = self.connect()
        self.rig.door.shut("gateway stopping")
        for one in self.rig.door.sockets():
            one.drop()
        self.assertTrue(client.transport.aborted)

    def test_what_comes_afterwards_is_not_read(self) -> None:
        client = self.connect()
        self.rig.door.shut("gateway stopping")
        client.taken()
        client.feed(wire.frame(wire.TEXT, wire.request("late")))
        self.assertEqual(self.ending(client), ([], None))
