"""Limits of plain traffic, on sockets: which frames count, and what their senders are told."""

from openclaw.gateway.client import Client
from openclaw.security.limits.buckets import Rate
from openclaw.security.limits.traffic import Traffic
from tests.gateway import wire
from tests.gateway.rig import Rig, Socket, answers, connect_request
from tests.gateway.sockets import ConnectionCase


class TrafficCase(ConnectionCase):
    """A gateway that lets a connection send six frames a minute, an address ten."""

    def make(self) -> Rig:
        rig = super().make()
        rig.door.traffic = Traffic(
            rig.clock.seconds, connection=Rate(6), address=Rate(10), gateway=Rate(1000)
        )
        return rig

    def ask(self, socket: Socket, times: int, method: str = "health") -> list[bool]:
        """Which of so many requests were served."""
        for number in range(times):
            socket.send({"type": "req", "id": f"r{number}", "method": method})
        self.rig.turn()
        return [one["ok"] for one in answers(socket.taken())]


class FrameTests(TrafficCase):
    """What counts."""

    def test_the_handshake_is_the_first_frame(self) -> None:
        self.assertEqual(self.ask(self.connect(), 7), [True] * 5 + [False] * 2)

    def test_the_refusal_says_when(self) -> None:
        socket = self.connect()
        self.ask(socket, 5)
        socket.send({"type": "req", "id": "late", "method": "health"})
        self.rig.turn()
        (refused,) = answers(socket.taken())
        self.assertEqual(refused["id"], "late")
        error = refused["error"]
        self.assertEqual((error["code"], error["retryable"]), ("UNAVAILABLE", True))
        self.assertEqual(error["retryAfterMs"], 10_000)
        self.assertEqual(error["details"]["code"], "RATE_LIMITED")
        self.assertEqual(error["details"]["layer"], "connection")
        self.rig.clock.advance(10)
        self.assertEqual(self.ask(socket, 2), [True, False])

    def test_unknown_and_forbidden_methods_count(self) -> None:
        socket = self.connect()
        self.ask(socket, 5, "no.such.method")
        self.assertEqual(self.ask(socket, 1), [False])

    def test_bad_frames_count(self) -> None:
        """Else there would be a way to ask without being counted."""
        for bad in (b'{"type":"req"}', b"[]", b"not json"):
            self.tearDown()
            self.setUp()
            socket = self.connect()
            for _ in range(5):
                socket.feed(wire.frame(wire.TEXT, bad))
            socket.taken()
            self.assertEqual(self.ask(socket, 1), [False], bad)

    def test_a_bad_frame_too_many_is_told_so(self) -> None:
        socket = self.connect()
        self.ask(socket, 5)
        socket.feed(wire.frame(wire.TEXT, b'{"type":"req","id":"x"}'))
        (refused,) = answers(socket.taken())
        self.assertEqual(refused["error"]["details"]["code"], "RATE_LIMITED")

    def test_pings_pongs_and_ours_are_free(self) -> None:
        socket = self.connect()
        for _ in range(50):
            socket.feed(wire.frame(wire.PING, b"x"))
            socket.feed(wire.frame(wire.PONG, b"x"))
        socket.taken()
        self.assertEqual(self.ask(socket, 5), [True] * 5)

    def test_an_address_over_several_connections(self) -> None:
        served = [sum(self.ask(self.connect(), 3)) for _ in range(2)]
        self.assertEqual(served, [3, 3])
        self.assertEqual(sum(self.ask(self.sockets[0], 3)), 2)

    def test_a_connect_too_many_is_refused_politely(self) -> None:
        for _ in range(10):
            self.connect()
        socket = self.dial()
        socket.taken()
        socket.send(connect_request())
        said, closed = self.ending(socket)
        self.assertEqual(said[0]["error"]["details"]["layer"], "address")
        self.assertEqual(said[0]["error"]["retryAfterMs"], 6000)
        self.assertTrue(said[0]["error"]["retryable"])
        assert closed is not None
        self.assertEqual(closed[0], 1013)


class UnlimitedTests(ConnectionCase):
    """Nothing configured, as nearly everywhere."""

    def test_no_client_has_a_meter(self) -> None:
        """So nothing is looked up for any frame."""
        client: Client = self.rig.client(self.connect())
        self.assertIsNone(client.meter)
