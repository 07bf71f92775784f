"""One admitted socket: limits, timers, order of answers, slow peers."""

from typing import Any

from openclaw.protocol.base import Raw
from openclaw.protocol.connect import Policy
from openclaw.security.sockets import WaitingSockets
from tests.gateway import wire
from tests.gateway.rig import Socket, answers, connect_request, waiting_handler
from tests.gateway.sockets import ConnectionCase


class LimitTests(ConnectionCase):
    def test_a_frame_before_the_hello_has_64_kib(self) -> None:
        for size, expected in ((65_536, (1000, "")), (65_537, (1009, "")), (200_000, (1009, ""))):
            socket = self.dial()
            socket.taken()
            socket.feed(wire.frame(wire.TEXT, b"x" * size))
            self.assertEqual(self.ending(socket)[1], expected, size)

    def test_fragments_before_the_hello_have_it_together(self) -> None:
        socket = self.dial()
        socket.taken()
        socket.feed(wire.frame(wire.TEXT, b"x" * 60_000, fin=False))
        socket.feed(wire.frame(wire.CONTINUED, b"x" * 60_000))
        self.assertEqual(self.ending(socket)[1], (1009, ""))

    def test_after_the_hello_it_is_the_policy(self) -> None:
        for short_cut in (True, False):
            self.rig = self.make(policy=Policy(max_payload=1000), short_cut=short_cut)
            for size, expected in ((1000, None), (1001, (1009, ""))):
                socket = self.connect()
                socket.feed(wire.frame(wire.TEXT, wire.request("a", size=size)))
                self.assertEqual(self.ending(socket)[1], expected, (short_cut, size))
            for socket in self.sockets:
                socket.lose()
            self.sockets.clear()

    def test_sockets_that_have_not_proven_anything_are_counted(self) -> None:
        self.rig = self.make(waiting=WaitingSockets(local_total=2))
        first, second = self.dial(), self.dial()
        with self.assertRaises(ConnectionRefusedError) as refused:
            self.rig.dial()
        self.assertIn(" 503 ", str(refused.exception))
        self.assertEqual(len(self.rig.waiting), 2)
        first.send(connect_request())
        self.assertEqual(len(self.rig.waiting), 1)
        self.dial().send(connect_request(auth={"token": "wrong"}))
        self.assertEqual(len(self.rig.waiting), 1)
        second.lose()
        self.sockets.remove(second)
        self.assertEqual(len(self.rig.waiting), 0)
        self.connect()
        self.connect()
        self.dial()
        self.rig.clock.advance(15)
        self.assertEqual(len(self.rig.waiting), 0)


class TimerTests(ConnectionCase):
    def test_a_handshake_has_15_seconds(self) -> None:
        socket = self.dial()
        socket.taken()
        self.rig.clock.advance(14.99)
        self.assertEqual(self.ending(socket), ([], None))
        self.rig.clock.advance(0.01)
        self.assertEqual(self.ending(socket), ([], (1000, "")))

    def test_an_admitted_client_has_none(self) -> None:
        socket = self.connect()
        self.rig.clock.advance(20)
        self.assertEqual(self.ending(socket), ([], None))

    def test_a_client_that_does_not_answer_the_close_is_cut_off(self) -> None:
        socket = self.dial()
        self.rig.clock.advance(15)
        self.rig.clock.advance(4.9)
        self.assertFalse(socket.transport.aborted)
        self.rig.clock.advance(0.1)
        self.assertTrue(socket.transport.aborted)

    def test_a_client_that_closes_and_reads_nothing_is_cut_off(self) -> None:
        socket = self.connect()
        socket.feed(wire.close(1000))
        self.assertTrue(socket.transport.disconnecting)
        self.assertFalse(socket.transport.aborted)
        self.rig.clock.advance(5)
        self.assertTrue(socket.transport.aborted)

    def test_pings_every_25_seconds(self) -> None:
        socket = self.connect()
        for _ in range(4):
            self.rig.clock.advance(24.9)
            self.assertEqual(socket.taken(), [])
            self.rig.clock.advance(0.1)
            (ping,) = socket.taken()
            self.assertEqual(ping.opcode, wire.PING)
            socket.feed(wire.frame(wire.PONG, ping.payload))
        self.assertFalse(socket.transport.gone)

    def test_no_pong_for_25_seconds_is_the_end(self) -> None:
        socket = self.connect()
        self.rig.clock.advance(25)
        socket.feed(wire.frame(wire.TEXT, wire.request("a")))
        self.rig.clock.advance(24.9)
        self.assertFalse(socket.transport.gone)
        self.rig.clock.advance(0.1)
        self.assertTrue(socket.transport.aborted)

    def test_a_late_pong_is_in_time_until_then(self) -> None:
        socket = self.connect()
        self.rig.clock.advance(25)
        self.rig.clock.advance(24)
        socket.feed(wire.frame(wire.PONG, b"gateway"))
        self.rig.clock.advance(1)
        self.assertFalse(socket.transport.gone)

    def test_nobody_is_pinged_before_the_hello(self) -> None:
        socket = self.dial()
        socket.taken()
        self.rig.clock.advance(14)
        self.assertEqual(socket.taken(), [])


class OrderTests(ConnectionCase):
    """Answers of one read leave in one write, in the order of the requests."""

    def test_one_read_is_one_write(self) -> None:
        for short_cut in (True, False):
            self.rig = self.make(short_cut=short_cut)
            socket = self.connect()
            socket.feed(b"".join(wire.frame(wire.TEXT, wire.request(str(n))) for n in range(50)))
            self.assertEqual(len(socket.transport.writes), 1)
            self.assertEqual(
                [a["id"] for a in answers(socket.taken())], [str(n) for n in range(50)]
            )
            self.tearDown()
            self.sockets.clear()

    def test_what_waits_does_not_hold_up_the_rest(self) -> None:
        handler, waiting = waiting_handler()
        self.rig = self.make({"status": handler})
        socket = self.connect()
        for request_id, method in (("1", "status"), ("2", "health"), ("3", "status")):
            socket.feed(wire.frame(wire.TEXT, wire.request(request_id, method)))
        waiting[1].callback({})
        self.rig.turn()
        waiting[0].callback({})
        self.rig.turn()
        self.assertEqual([a["id"] for a in answers(socket.taken())], ["2", "3", "1"])

    def test_answers_of_one_turn_are_one_write(self) -> None:
        handler, waiting = waiting_handler()
        self.rig = self.make({"status": handler})
        socket = self.connect()
        for number in range(5):
            socket.feed(wire.frame(wire.TEXT, wire.request(str(number), "status")))
        for one in waiting:
            one.callback({})
        self.rig.turn()
        self.assertEqual(len(socket.transport.writes), 1)
        self.assertEqual(len(answers(socket.taken())), 5)

    def test_two_requests_with_one_id_are_both_answered(self) -> None:
        socket = self.connect()
        socket.feed(wire.frame(wire.TEXT, wire.request("a")) * 2)
        self.assertEqual([a["id"] for a in answers(socket.taken())], ["a", "a"])

    def test_an_answer_that_comes_after_the_close_is_not_sent(self) -> None:
        handler, waiting = waiting_handler()
        self.rig = self.make({"status": handler})
        socket = self.connect()
        socket.feed(wire.frame(wire.TEXT, wire.request("1", "status")) + wire.close(1000))
        waiting[0].callback({})
        self.rig.turn()
        self.assertEqual([seen.code for seen in socket.taken()], [1000])

    def test_an_answer_that_comes_after_the_end_is_nobodys(self) -> None:
        handler, waiting = waiting_handler()
        self.rig = self.make({"status": handler})
        socket = self.connect()
        socket.feed(wire.frame(wire.TEXT, wire.request("1", "status")))
        socket.lose()
        self.sockets.clear()
        waiting[0].callback({})
        self.rig.turn()
        self.assertEqual(socket.taken(), [])

    def test_events_and_answers_keep_their_order(self) -> None:
        def telling(client: Any, params: Any) -> Raw:
            self.rig.broadcaster.publish("chat", Raw(b'{"n":1}'))
            return Raw(b"{}")

        self.rig = self.make({"status": telling})
        socket = self.connect()
        socket.feed(wire.frame(wire.TEXT, wire.request("1", "status")))
        self.assertEqual([a["type"] for a in answers(socket.taken())], ["event", "res"])


class SlowConsumerTests(ConnectionCase):
    def setUp(self) -> None:
        self.rig = self.make(policy=Policy(max_buffered_bytes=1000))

    def fill(self, socket: Socket) -> None:
        """Be owed more than the policy allows."""
        producer: Any = socket.transport.producer
        producer.pauseProducing()
        self.rig.broadcaster.publish("chat", {"text": "x" * 1000})
        self.rig.turn()

    def test_it_is_closed_with_1008(self) -> None:
        socket = self.connect()
        self.fill(socket)
        self.assertEqual(socket.taken(), [])
        self.rig.broadcaster.publish("chat", {})
        self.assertEqual(self.ending(socket), ([], (1008, "slow consumer")))
        self.assertEqual([kind for kind, _ in self.rig.notices], ["slow-consumer"])
        self.rig.broadcaster.publish("chat", {})
        self.assertEqual(self.ending(socket), ([], None))
        self.rig.clock.advance(5)
        self.assertTrue(socket.transport.aborted)

    def test_others_hear_everything(self) -> None:
        slow, quick = self.connect(), self.connect()
        self.fill(slow)
        self.rig.broadcaster.publish("chat", {})
        self.rig.turn()
        self.assertEqual([a["seq"] for a in answers(quick.taken())], [1, 2])

    def test_droppable_events_are_left_out_with_their_number(self) -> None:
        socket = self.connect()
        self.fill(socket)
        self.rig.broadcaster.publish("heartbeat", {})
        producer: Any = socket.transport.producer
        producer.resumeProducing()
        self.rig.broadcaster.publish("heartbeat", {})
        said, closed = self.ending(socket)
        self.assertEqual([(a["event"], a["seq"]) for a in said], [("chat", 1), ("heartbeat", 3)])
        self.assertIsNone(closed)
