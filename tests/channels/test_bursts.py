"""Messages that belong together."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.bursts import ALBUM_SECONDS, MOST_TOGETHER, Bursts
from openclaw.errors import StoreError
from openclaw.interfaces.channels import Taken
from openclaw.interfaces.messages import Inbound, Person
from tests.channels.samples import inbound


class BurstsCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.flushed: list[list[str]] = []
        self.failing: Exception | None = None
        self.bursts = Bursts(self.clock, self.flush)
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def flush(self, messages: Sequence[Inbound]) -> Deferred[Taken]:
        self.flushed.append([one.text for one in messages])
        return fail(self.failing) if self.failing else succeed("queued")


class AlbumTests(BurstsCase):
    def test_the_pictures_of_an_album_are_one(self) -> None:
        taken = [self.bursts.take(inbound(n, f"p{n}", batch="a"), 0) for n in range(3)]
        self.assertEqual(self.flushed, [])
        self.assertNoResult(taken[0])
        self.clock.advance(ALBUM_SECONDS)
        self.assertEqual(self.flushed, [["p0", "p1", "p2"]])
        self.assertEqual([self.successResultOf(one) for one in taken], ["queued"] * 3)

    def test_two_albums_are_two(self) -> None:
        for number in range(4):
            self.bursts.take(inbound(number, f"p{number}", batch="ab"[number // 2]), 0)
        self.clock.advance(ALBUM_SECONDS)
        self.assertEqual(self.flushed, [["p0", "p1"], ["p2", "p3"]])

    def test_the_next_part_is_known_by_album_sender_and_place(self) -> None:
        self.bursts.take(inbound(1, batch="a"), 0)
        for more, expected in (
            ({"batch": "a"}, True),
            ({"batch": "b"}, False),
            ({}, False),
            ({"batch": "a", "chat_id": "43"}, False),
            ({"batch": "a", "sender": Person(id="43")}, False),
        ):
            self.assertEqual(self.bursts.gathers(inbound(2, **more)), expected, more)
        self.clock.advance(ALBUM_SECONDS)
        self.assertFalse(self.bursts.gathers(inbound(3, batch="a")))

    def test_a_failure_is_told_to_all_of_it(self) -> None:
        self.failing = StoreError("disk full")
        taken = [self.bursts.take(inbound(n, batch="a"), 0) for n in range(2)]
        self.clock.advance(ALBUM_SECONDS)
        for one in taken:
            self.failureResultOf(one, StoreError)

    def test_an_album_without_end_is_cut(self) -> None:
        for number in range(MOST_TOGETHER + 1):
            self.bursts.take(inbound(number, batch="a"), 0)
            self.clock.advance(ALBUM_SECONDS / 2)
        self.assertEqual(len(self.flushed[0]), MOST_TOGETHER)
        self.clock.advance(ALBUM_SECONDS)


class DebounceTests(BurstsCase):
    def test_off_unless_configured(self) -> None:
        self.bursts.take(inbound(1, "a"), 0)
        self.assertEqual(self.flushed, [["a"]])

    def test_what_one_person_writes_in_quick_succession_is_one(self) -> None:
        for number in range(3):
            self.bursts.take(inbound(number, str(number)), 2.0)
            self.clock.advance(1.0)
        self.clock.advance(1.0)
        self.assertEqual(self.flushed, [["0", "1", "2"]])

    def test_somebody_else_and_commands_end_it_and_keep_the_order(self) -> None:
        self.bursts.take(inbound(1, "a", chat_type="group"), 2.0)
        self.bursts.take(inbound(2, "b", chat_type="group", sender=Person(id="7")), 2.0)
        self.bursts.take(inbound(3, "/status", chat_type="group", sender=Person(id="7")), 2.0)
        self.assertEqual(self.flushed, [["a"], ["b"], ["/status"]])

    def test_chats_do_not_wait_for_one_another(self) -> None:
        self.bursts.take(inbound(1, "a"), 2.0)
        self.bursts.take(inbound(2, "b", chat_id="43"), 0)
        self.assertEqual(self.flushed, [["b"]])
        self.clock.advance(2.0)
        self.assertEqual(self.flushed, [["b"], ["a"]])

    def test_after_the_close_nothing_is_taken_or_acknowledged(self) -> None:
        taken = self.bursts.take(inbound(1), 2.0)
        self.bursts.close()
        self.clock.advance(10)
        self.assertEqual(self.flushed, [])
        self.assertNoResult(taken)
