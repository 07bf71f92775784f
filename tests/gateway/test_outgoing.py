"""One write per turn and socket; what a slow socket is owed is bounded."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.gateway.outgoing import EndOfTurn, Outgoing, text_frame
from tests.gateway import wire
from tests.gateway.rig import Transport

LIMIT = 100


class OutgoingCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.turn = EndOfTurn(self.clock)
        self.out = self.make()

    def make(self) -> Outgoing:
        self.transport = Transport()
        self.slow = 0

        def too_slow() -> None:
            self.slow += 1

        return Outgoing(self.transport, self.turn, LIMIT, too_slow)

    def texts(self) -> list[bytes]:
        return [seen.payload for seen in wire.frames(self.transport.value())]


class FrameTests(SynchronousTestCase):
    def test_every_length_is_read_back(self) -> None:
        for size in (0, 1, 125, 126, 127, 65_535, 65_536, 200_000):
            (seen,) = wire.frames(text_frame(b"x" * size))
            self.assertEqual((seen.opcode, len(seen.payload)), (wire.TEXT, size))

    def test_the_shortest_length_is_used(self) -> None:
        for size, head in ((125, 2), (126, 4), (65_535, 4), (65_536, 10)):
            self.assertEqual(len(text_frame(b"x" * size)), head + size)


class TurnTests(OutgoingCase):
    def test_a_turn_is_one_write(self) -> None:
        for word in (b"a", b"b", b"c"):
            self.out.text(word)
        self.assertEqual(self.transport.writes, [])
        self.clock.advance(0)
        self.assertEqual(len(self.transport.writes), 1)
        self.assertEqual(self.texts(), [b"a", b"b", b"c"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_every_turn_is_one_write(self) -> None:
        for word in (b"a", b"b"):
            self.out.text(word)
            self.clock.advance(0)
        self.assertEqual(len(self.transport.writes), 2)

    def test_flushed_early_is_not_written_twice(self) -> None:
        self.out.text(b"a")
        self.out.flush()
        self.out.text(b"b")
        self.out.flush()
        self.clock.advance(0)
        self.assertEqual(self.texts(), [b"a", b"b"])

    def test_one_timer_serves_all_sockets(self) -> None:
        others = [Outgoing(Transport(), self.turn, LIMIT, lambda: None) for _ in range(10)]
        for out in others:
            out.text(b"x")
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_nothing_to_send_is_no_write(self) -> None:
        self.out.flush()
        self.out.force()
        self.assertEqual(self.transport.writes, [])


class SlowTests(OutgoingCase):
    def test_a_slow_socket_gets_nothing_until_it_asks(self) -> None:
        self.out.pauseProducing()
        self.out.text(b"a")
        self.out.text(b"b")
        self.clock.advance(0)
        self.out.flush()
        self.assertEqual(self.transport.writes, [])
        self.out.resumeProducing()
        self.assertEqual(self.texts(), [b"a", b"b"])
        self.assertEqual(len(self.transport.writes), 1)
        self.assertEqual(self.out.buffered_bytes, 0)

    def test_a_pause_in_the_turn_holds_what_was_given(self) -> None:
        self.out.text(b"a")
        self.out.pauseProducing()
        self.clock.advance(0)
        self.assertEqual(self.transport.writes, [])

    def test_more_than_the_limit_is_too_slow_with_the_next_frame(self) -> None:
        self.out.pauseProducing()
        self.out.text(b"x" * LIMIT)
        self.assertTrue(self.out.congested)
        self.assertEqual(self.slow, 0)
        self.out.text(b"y")
        self.assertEqual(self.slow, 1)

    def test_up_to_the_limit_is_not(self) -> None:
        self.out.pauseProducing()
        self.out.text(b"x" * (LIMIT - 4))
        self.out.text(b"")
        self.assertEqual(self.out.buffered_bytes, LIMIT)
        self.assertFalse(self.out.congested)
        self.out.text(b"")
        self.assertEqual(self.slow, 0)
        self.assertTrue(self.out.congested)

    def test_much_in_one_turn_is_not_slow(self) -> None:
        for _ in range(10):
            self.out.text(b"x" * LIMIT)
        self.clock.advance(0)
        self.assertEqual(self.slow, 0)
        self.assertFalse(self.out.congested)
        self.assertEqual(len(self.texts()), 10)

    def test_it_recovers(self) -> None:
        self.out.pauseProducing()
        self.out.text(b"x" * LIMIT)
        self.out.resumeProducing()
        self.assertFalse(self.out.congested)
        self.out.text(b"y")
        self.assertEqual(self.slow, 0)

    def test_the_last_words_leave_although_it_is_slow(self) -> None:
        self.out.pauseProducing()
        self.out.text(b"a")
        self.out.force()
        self.assertEqual(self.texts(), [b"a"])


class EndTests(OutgoingCase):
    def test_nothing_is_sent_after_the_end(self) -> None:
        self.out.text(b"a")
        self.out.stopProducing()
        self.out.text(b"b")
        self.clock.advance(0)
        self.out.resumeProducing()
        self.assertEqual(self.transport.writes, [])
        self.assertEqual(self.out.buffered_bytes, 0)

    def test_it_is_a_producer(self) -> None:
        from twisted.internet.interfaces import IPushProducer

        self.assertTrue(verifyObject(IPushProducer, self.out))
