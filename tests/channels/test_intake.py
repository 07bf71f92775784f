"""What platforms hand in, up to the inbox."""

from collections.abc import Mapping
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.bursts import ALBUM_SECONDS
from openclaw.interfaces.channels import Taken
from openclaw.interfaces.messages import Person
from openclaw.interfaces.queue import QueueFull
from openclaw.queue.rules import QueueRules
from openclaw.queue.sqlite import SQLiteQueue
from openclaw.storage.memory import MemoryStore
from tests.channels.doors import EVERYBODY, Door, made_account
from tests.channels.kit import START_MS
from tests.channels.samples import inbound

MINUTE = 60_000
GROUP: Mapping[str, Any] = {"chat_type": "group", "chat_id": "-100", "batch": "a"}


class IntakeCase(SynchronousTestCase):
    """One account over a journal that outlives its processes."""

    debounce_ms = 0

    rules = EVERYBODY

    def setUp(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(Clock())
        self.store.startService()
        self.addCleanup(self.store.stopService)
        self.restart()

    def restart(self) -> None:
        """The next process, over the same journal."""
        self.queue = SQLiteQueue(self.store, QueueRules(remember_ms=24 * 60 * MINUTE), self.now_ms)
        self.successResultOf(self.queue.open())
        self.account = made_account(
            "default", self.clock, self.now_ms, debounce_ms=self.debounce_ms
        )
        self.door = Door(
            self.store,
            self.queue,
            self.clock,
            self.now_ms,
            lambda *_: self.account,
            self.rules,
        )

    def now_ms(self) -> int:
        return START_MS + int(self.clock.seconds() * 1000)

    def hand_in(self, number: int, **more: Any) -> Deferred[Taken]:
        return self.door.intake.take(self.account, inbound(number, **more))

    def taken(self) -> list[str]:
        """Work on everything that waits, and tell what it was."""
        texts: list[str] = []
        while claimed := self.successResultOf(self.queue.claim("in", 10, MINUTE)):
            for one in claimed:
                texts.append(one.body.decode())
                self.successResultOf(self.queue.ack(one))
        return texts


class AgainTests(IntakeCase):
    def test_what_comes_again_is_taken_once(self) -> None:
        self.assertEqual(self.successResultOf(self.hand_in(1)), "queued")
        self.assertEqual(self.successResultOf(self.hand_in(1)), "duplicate")
        self.assertEqual(len(self.taken()), 1)
        self.restart()
        self.assertEqual(self.successResultOf(self.hand_in(1)), "duplicate")
        self.assertEqual(self.taken(), [])


class AtOnceTests(IntakeCase):
    debounce_ms = 1000

    def test_the_same_event_twice_at_once_is_one(self) -> None:
        first, second = self.hand_in(1), self.hand_in(1)
        self.assertNoResult(second)
        self.clock.advance(1)
        self.assertEqual(self.successResultOf(first), "queued")
        self.assertEqual(self.successResultOf(second), "duplicate")
        (text,) = self.taken()
        self.assertEqual(text.count("message 1"), 1)

    def test_if_the_first_cannot_be_taken_neither_can_the_second(self) -> None:
        full = fail(QueueFull("full"))
        self.patch(self.queue, "enqueue", lambda _: full)
        first, second = self.hand_in(1), self.hand_in(1)
        self.clock.advance(1)
        self.failureResultOf(first, QueueFull)
        self.failureResultOf(second, QueueFull)
        del self.queue.enqueue
        again = self.hand_in(1)
        self.clock.advance(1)
        self.assertEqual(self.successResultOf(again), "queued")


class GroupAlbumTests(IntakeCase):
    """A group where the assistant hears only what addresses it."""

    rules = evolve(EVERYBODY, require_mention=True)

    def album(self, *mentions: str) -> list[Deferred[Taken]]:
        return [
            self.hand_in(number, mention=mention, **GROUP)
            for number, mention in enumerate(mentions)
        ]

    def test_the_words_under_one_picture_let_the_whole_album_in(self) -> None:
        waiting = self.album("native", "none", "none")
        self.clock.advance(ALBUM_SECONDS)
        self.assertEqual([self.successResultOf(one) for one in waiting], ["queued"] * 3)
        (body,) = self.taken()
        for number in range(3):
            self.assertIn(f"message {number}", body)

    def test_an_album_that_addresses_others_stays_out(self) -> None:
        waiting = self.album("none", "none")
        self.assertEqual([self.successResultOf(one) for one in waiting], ["noted"] * 2)

    def test_nobody_joins_the_album_of_somebody_else(self) -> None:
        (first,) = self.album("native")
        other = self.hand_in(7, sender=Person(id="43"), **GROUP)
        self.assertEqual(self.successResultOf(other), "noted")
        self.clock.advance(ALBUM_SECONDS)
        self.assertEqual(self.successResultOf(first), "queued")

    def test_what_a_stop_cut_off_comes_again_and_nothing_twice(self) -> None:
        self.album("native", "none")
        self.door.intake.close()
        self.restart()
        waiting = self.album("native", "none", "none")
        self.clock.advance(ALBUM_SECONDS)
        self.assertEqual([self.successResultOf(one) for one in waiting], ["queued"] * 3)
        (body,) = self.taken()
        self.assertEqual([body.count(f'"message {n}"') for n in range(3)], [1, 1, 1])


class BurstTests(IntakeCase):
    debounce_ms = 1000

    def burst(self, *numbers: int) -> list[Taken]:
        waiting = [self.hand_in(number) for number in numbers]
        self.clock.advance(1)
        return [self.successResultOf(one) for one in waiting]

    def test_every_message_of_a_burst_is_known_after_a_restart(self) -> None:
        self.assertEqual(self.burst(1, 2, 3), ["queued"] * 3)
        (body,) = self.taken()
        for text in ("message 1", "message 2", "message 3"):
            self.assertIn(text, body)
        self.restart()
        self.assertEqual(self.burst(2, 3), ["duplicate"] * 2)
        self.assertEqual(self.burst(3), ["duplicate"])
        self.assertEqual(self.taken(), [])

    def test_what_is_new_in_a_burst_that_comes_again_is_taken(self) -> None:
        self.burst(1, 2)
        self.taken()
        self.restart()
        self.assertEqual(self.burst(1, 2, 3, 4), ["queued"] * 4)
        (body,) = self.taken()
        self.assertNotIn("message 2", body)
        self.assertIn("message 3", body)
        self.assertIn("message 4", body)
