"""What every queue does, whatever keeps its messages; mixed into the tests of each backend."""

from typing import TYPE_CHECKING, Any

from zope.interface.verify import verifyObject

from openclaw.interfaces.queue import (
    Delivery,
    IQueueBackend,
    NewMessage,
    QueueFigures,
    QueueFull,
)
from openclaw.queue.rules import QueueRules

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as Mixed
else:
    Mixed = object  # A test case here would run by itself.

START_MS = 1_800_000_000_000
MINUTE = 60_000
WINDOW = 5 * MINUTE
DAY = 24 * 60 * MINUTE


def message(message_id: str, lane: str = "a", **more: Any) -> NewMessage:
    """A message to the inbox; its body tells its id."""
    return NewMessage(
        **{"id": message_id, "queue": "in", "lane": lane, "body": message_id.encode(), **more}
    )


class QueueContract(Mixed):
    """Mix into a ``twisted.trial.unittest.TestCase`` and provide :meth:`make`."""

    now = START_MS

    def make(self, rules: QueueRules) -> IQueueBackend:
        """Return an empty queue that reads ``self.now`` as the time and remembers ids exactly."""
        raise NotImplementedError

    async def open(self, **rules: Any) -> IQueueBackend:
        """Return a queue that is ready."""
        queue = self.make(QueueRules(**{"remember_ms": WINDOW, **rules}))
        self.assertEqual(await queue.open(), 0)
        return queue

    async def filled(self, *messages: NewMessage, **rules: Any) -> IQueueBackend:
        """Return a queue with these messages."""
        queue = await self.open(**rules)
        for one in messages:
            self.assertTrue(await queue.enqueue(one))
        return queue

    async def claimed(
        self, queue: IQueueBackend, limit: int = 10, visibility_ms: int = MINUTE, name: str = "in"
    ) -> list[str]:
        """The ids of what can be claimed now; the claims stay open."""
        return [one.id for one in await queue.claim(name, limit, visibility_ms)]

    async def one(self, queue: IQueueBackend, visibility_ms: int = MINUTE) -> Delivery:
        """Claim the only message that can be."""
        (delivery,) = await queue.claim("in", 10, visibility_ms)
        return delivery

    async def figures(self, queue: IQueueBackend, name: str = "in") -> QueueFigures:
        """How one queue does."""
        return (await queue.stats()).queues.get(name, QueueFigures())

    async def letters(self, queue: IQueueBackend) -> list[tuple[str, str]]:
        """Id and state of every dead letter."""
        return [(one.id, one.state) for one in await queue.inspect("", 100, 0, "", True)]

    async def refused(self, work: Any) -> QueueFull:
        """What a call fails with that finds no room."""
        try:
            await work
        except QueueFull as error:
            return error
        raise AssertionError("there was room")

    # -- order ---------------------------------------------------------------------------------

    async def test_provides_the_interface(self) -> None:
        verifyObject(IQueueBackend, await self.open())

    async def test_a_claim_shows_the_message(self) -> None:
        queue = await self.filled(message("m1", body=b"\x00\xff"))
        self.now += 5
        delivery = await self.one(queue)
        shown = (delivery.id, delivery.queue, delivery.lane, delivery.body, delivery.attempt)
        self.assertEqual(shown, ("m1", "in", "a", b"\x00\xff", 1))
        self.assertEqual((delivery.interrupted, delivery.enqueued_at_ms), (False, START_MS))

    async def test_lanes_go_beside_each_other_and_each_in_its_order(self) -> None:
        queue = await self.filled(*(message(f"{lane}{n}", lane) for n in "123" for lane in "ab"))
        for n in "123":
            deliveries = await queue.claim("in", 10, MINUTE)
            self.assertEqual([one.id for one in deliveries], [f"a{n}", f"b{n}"])
            self.assertEqual(await self.claimed(queue), [])
            for one in deliveries:
                self.assertTrue(await queue.ack(one))
        self.assertEqual(await self.claimed(queue), [])

    async def test_a_claim_takes_no_more_than_asked_for_and_the_longest_due_first(self) -> None:
        queue = await self.open()
        for n in range(5):
            await queue.enqueue(message(f"m{n}", f"lane{n}"))
            self.now += 1
        self.assertEqual(await self.claimed(queue, 2), ["m0", "m1"])
        self.assertEqual(await self.claimed(queue, 2), ["m2", "m3"])

    async def test_a_busy_lane_does_not_starve_the_others(self) -> None:
        queue = await self.filled(*(message(f"a{n}") for n in range(5)), message("b1", "b"))
        first = (await queue.claim("in", 1, MINUTE))[0]
        self.now += 1
        await queue.ack(first)
        self.assertEqual(await self.claimed(queue, 1), ["b1"])

    async def test_queues_are_apart(self) -> None:
        queue = await self.filled(message("m1"), message("m2", queue="out:irc:x"))
        self.assertEqual(await self.claimed(queue), ["m1"])
        self.assertEqual(await self.claimed(queue, name="out:irc:x"), ["m2"])
        self.assertEqual(await self.claimed(queue, name="out:irc:y"), [])

    async def test_not_before_its_time_and_those_behind_it_wait(self) -> None:
        queue = await self.filled(message("m1", not_before_ms=START_MS + 100), message("m2"))
        self.assertEqual(await self.claimed(queue), [])
        self.now += 100
        delivery = await self.one(queue)
        self.assertEqual(delivery.id, "m1")

    async def test_not_before_its_time_behind_another(self) -> None:
        queue = await self.filled(message("m1"), message("m2", not_before_ms=START_MS + 100))
        self.assertTrue(await queue.ack(await self.one(queue)))
        self.assertEqual(await self.claimed(queue), [])
        self.now += 99
        self.assertEqual(await self.claimed(queue), [])
        self.now += 1
        delivery = await self.one(queue)
        self.assertEqual((delivery.id, delivery.attempt, delivery.interrupted), ("m2", 1, False))

    async def test_global_order(self) -> None:
        queue = await self.filled(message("m1", "a"), message("m2", "b"), guarantee="global")
        self.assertEqual(await self.claimed(queue), ["m1"])

    async def test_no_order(self) -> None:
        queue = await self.filled(message("m1", "a"), message("m2", "a"), guarantee="none")
        self.assertEqual(await self.claimed(queue), ["m1", "m2"])

    # -- claims --------------------------------------------------------------------------------

    async def test_a_claim_lapses_and_the_next_is_told(self) -> None:
        queue = await self.filled(message("m1"), message("m2"))
        old = await self.one(queue)
        self.now += MINUTE - 1
        self.assertEqual(await self.claimed(queue), [])
        self.now += 1
        new = await self.one(queue)
        self.assertEqual((new.id, new.attempt, new.interrupted), ("m1", 2, True))
        for stale in (
            queue.ack(old),
            queue.retry(old, 0, "x"),
            queue.postpone(old, 0),
            queue.bury(old, "x"),
            queue.extend(old, 5 * MINUTE),
        ):
            self.assertFalse(await stale)
        self.assertEqual(await self.letters(queue), [])
        self.assertTrue(await queue.ack(new))
        self.assertFalse(await queue.ack(new))
        self.assertEqual(await self.claimed(queue), ["m2"])

    async def test_a_claim_that_lapsed_is_good_until_there_is_another(self) -> None:
        queue = await self.filled(message("m1"))
        old = await self.one(queue)
        self.now += 2 * MINUTE
        self.assertTrue(await queue.ack(old))

    async def test_a_claim_can_be_extended(self) -> None:
        queue = await self.filled(message("m1"))
        delivery = await self.one(queue)
        self.now += MINUTE - 1
        self.assertTrue(await queue.extend(delivery, MINUTE))
        self.now += MINUTE - 1
        self.assertEqual(await self.claimed(queue), [])
        self.assertTrue(await queue.ack(delivery))

    async def test_what_interrupted_it_once_is_remembered_over_retries(self) -> None:
        queue = await self.filled(message("m1"))
        await self.one(queue, 10)
        self.now += 10
        self.assertTrue(await queue.postpone(await self.one(queue), 0))
        self.assertTrue(await queue.retry(await self.one(queue), 0, "x"))
        self.assertTrue((await self.one(queue)).interrupted)

    async def test_an_old_claim_does_not_hit_a_lane_that_came_back(self) -> None:
        """The lane empties and comes back under the same message id: tokens must not repeat."""
        queue = await self.filled(message("m1"), remember_ms=0)
        old = await self.one(queue, 10)
        self.now += 10
        self.assertTrue(await queue.ack(await self.one(queue, 10)))
        self.assertTrue(await queue.enqueue(message("m1")))
        new = await self.one(queue)
        self.assertFalse(await queue.ack(old))
        self.assertFalse(await queue.bury(old, "x"))
        self.assertTrue(await queue.extend(new, MINUTE))
        self.assertTrue(await queue.ack(new))

    # -- failures ------------------------------------------------------------------------------

    async def test_a_retry_waits_and_its_lane_with_it(self) -> None:
        queue = await self.filled(message("m1"), message("m2"), message("b1", "b"))
        first, other = await queue.claim("in", 10, MINUTE)
        self.assertTrue(await queue.retry(first, 1000, "no luck"))
        self.assertTrue(await queue.ack(other))
        self.now += 999
        self.assertEqual(await self.claimed(queue), [])
        self.now += 1
        again = await self.one(queue)
        self.assertEqual((again.id, again.attempt, again.interrupted), ("m1", 2, False))

    async def test_what_is_postponed_was_no_attempt(self) -> None:
        queue = await self.filled(message("m1"))
        for _ in range(5):
            delivery = await self.one(queue)
            self.assertEqual((delivery.attempt, delivery.interrupted), (1, False))
            self.assertTrue(await queue.postpone(delivery, 50))
            self.assertEqual(await self.claimed(queue), [])
            self.now += 50

    async def test_a_dead_letter_tells_every_failure(self) -> None:
        queue = await self.filled(message("m1"), message("m2"))
        self.assertTrue(await queue.retry(await self.one(queue), 0, "first\nfault"))
        self.now += 61_000
        self.assertTrue(await queue.retry(await self.one(queue), 0, "second fault"))
        self.now += 1
        self.assertTrue(await queue.bury(await self.one(queue), "gave up"))
        (letter,) = await queue.inspect("", 10, 0, "", True)
        self.assertEqual(
            letter.reason,
            "gave up\n"
            "attempt 1, 2027-01-15T08:00:00Z: first fault\n"
            "attempt 2, 2027-01-15T08:01:01Z: second fault",
        )
        self.assertEqual((letter.id, letter.body, letter.state), ("m1", b"m1", "dead"))
        self.assertEqual((letter.attempts, letter.at_ms), (3, self.now))
        self.assertEqual(await self.claimed(queue), ["m2"])

    async def test_a_letter_whose_outcome_is_unknown_says_so(self) -> None:
        queue = await self.filled(message("m1"))
        self.assertTrue(await queue.bury(await self.one(queue), "answer lost", True))
        self.assertEqual(await self.letters(queue), [("m1", "unknown")])
        found = await self.figures(queue)
        self.assertEqual((found.dead, found.unknown), (0, 1))
        self.now += 365 * DAY
        self.assertEqual(await self.claimed(queue), [], "it is never repeated by itself")

    async def test_dead_letters_come_back_at_the_end_of_their_lane(self) -> None:
        queue = await self.filled(message("m1"), message("m2"))
        await self.one(queue, 10)
        self.now += 10
        again = await self.one(queue)
        self.assertTrue(again.interrupted)
        self.assertTrue(await queue.retry(again, 0, "x"))
        self.assertTrue(await queue.bury(await self.one(queue), "x", True))
        self.assertEqual(await queue.revive(["nobody", "m1", "m1"]), ["m1"])
        self.assertEqual(await self.letters(queue), [])
        second = await self.one(queue)
        self.assertEqual(second.id, "m2")
        self.assertTrue(await queue.ack(second))
        first = await self.one(queue)
        self.assertEqual((first.id, first.attempt, first.interrupted), ("m1", 1, False))
        self.assertEqual((first.body, first.enqueued_at_ms), (b"m1", START_MS))
        self.assertTrue(await queue.bury(first, "again"))
        (letter,) = await queue.inspect("", 10, 0, "", True)
        self.assertEqual(letter.reason, "again")

    async def test_dead_letters_can_be_discarded(self) -> None:
        queue = await self.filled(message("m1"), message("m2"))
        for _ in range(2):
            await queue.bury(await self.one(queue), "x")
        self.assertEqual(await queue.discard(["m2", "nobody", "m2"]), ["m2"])
        self.assertEqual(await self.letters(queue), [("m1", "dead")])
        self.assertEqual(await queue.revive(["m2"]), [])
        await queue.revive(["m1"])
        self.assertEqual(await queue.discard(["m1"]), [], "it is no dead letter any more")

    async def test_dead_letters_are_forgotten_after_their_time(self) -> None:
        queue = await self.filled(message("m1"), message("m2"), dead_max_age_ms=7 * DAY)
        await queue.bury(await self.one(queue), "x")
        self.now += DAY
        await queue.bury(await self.one(queue), "x")
        self.assertEqual(await queue.expire(START_MS + 7 * DAY - 1), 0)
        self.assertEqual(await queue.expire(START_MS + 7 * DAY), 1)
        self.assertEqual(await self.letters(queue), [("m2", "dead")])
        self.assertEqual((await queue.stats()).counters["expired"], 1)

    async def test_without_dead_letters_nothing_is_kept(self) -> None:
        queue = await self.filled(message("m1"), keep_dead=False)
        self.assertTrue(await queue.bury(await self.one(queue), "x"))
        self.assertEqual(await self.letters(queue), [])
        self.assertIsNone(await queue.find("m1"))
        self.assertEqual((await queue.stats()).counters["buried"], 1)

    # -- duplicates ----------------------------------------------------------------------------

    async def test_duplicates_are_suppressed_within_the_window(self) -> None:
        queue = await self.filled(message("m1"))
        self.assertTrue(await queue.ack(await self.one(queue)))
        self.now = START_MS + 4 * MINUTE + 59_000
        self.assertFalse(await queue.enqueue(message("m1", "elsewhere", queue="other")))
        self.now = START_MS + 5 * MINUTE + 1000
        self.assertTrue(await queue.enqueue(message("m1", body=b"new")))
        self.assertEqual((await self.one(queue)).body, b"new")
        counters = (await queue.stats()).counters
        self.assertEqual((counters["enqueued"], counters["duplicates"]), (2, 1))

    async def test_the_parts_of_a_message_are_known_with_it(self) -> None:
        queue = await self.filled(message("m1", covers=("m2", "m3")))
        self.assertTrue(await queue.ack(await self.one(queue)))
        self.assertFalse(await queue.enqueue(message("m3")))
        self.assertFalse(await queue.enqueue(message("m2", covers=("m3", "m4"))))
        self.assertTrue(await queue.enqueue(message("m4")), "no part of anything that was stored")
        self.now += WINDOW + 1
        await queue.expire(self.now)
        self.assertTrue(await queue.enqueue(message("m3")))

    async def test_what_is_kept_is_never_accepted_again(self) -> None:
        for remember_ms in (0, WINDOW):
            queue = await self.filled(message("w"), message("d", "b"), remember_ms=remember_ms)
            dead = next(one for one in await queue.claim("in", 9, 10) if one.id == "d")
            await queue.bury(dead, "x")
            self.now += 6 * DAY
            await queue.expire(self.now)
            self.assertFalse(await queue.enqueue(message("w")))
            self.assertFalse(await queue.enqueue(message("d")))
            await queue.discard(["d"])
            self.assertTrue(await queue.enqueue(message("d")))

    async def test_ids_are_forgotten_in_time(self) -> None:
        queue = await self.filled(message("m1"))
        await queue.ack(await self.one(queue))
        await queue.expire(START_MS + WINDOW - 1)
        self.now = START_MS + WINDOW - 1
        self.assertFalse(await queue.enqueue(message("m1")))
        self.now = START_MS + WINDOW
        await queue.expire(self.now)
        self.assertTrue(await queue.enqueue(message("m1")))

    async def test_several_at_once(self) -> None:
        queue = await self.filled(message("m2"))
        found = await queue.enqueue_all(
            [message("m1", "b"), message("m2"), message("m3", "b"), message("m1", "c")]
        )
        self.assertEqual(found, 2)
        self.assertEqual(await self.claimed(queue), ["m2", "m1"])
        self.assertEqual((await self.figures(queue)).lanes, 2)

    # -- bounds --------------------------------------------------------------------------------

    async def test_no_more_than_may_be_held(self) -> None:
        queue = await self.filled(*(message(f"m{n}", f"l{n % 3}") for n in range(5)), max_size=5)
        error = await self.refused(queue.enqueue(message("m5")))
        self.assertIn("5 messages", str(error))
        self.assertFalse(await queue.enqueue(message("m4")), "a duplicate needs no room")
        self.assertTrue(await queue.enqueue(message("o1", queue="other")), "queues are apart")
        delivery = (await queue.claim("in", 1, MINUTE))[0]
        await self.refused(queue.enqueue(message("m5")))
        self.assertTrue(await queue.ack(delivery))
        self.assertTrue(await queue.enqueue(message("m5")), "what was refused is no duplicate")
        await self.refused(queue.enqueue(message("m6")))
        self.assertEqual((await queue.stats()).counters["full"], 3)

    async def test_several_at_once_all_or_none(self) -> None:
        queue = await self.filled(message("m1"), max_size=3)
        await self.refused(queue.enqueue_all([message(f"n{n}", f"l{n}") for n in range(3)]))
        self.assertEqual(await self.claimed(queue), ["m1"])
        self.assertEqual(await queue.enqueue_all([message(f"n{n}") for n in range(2)]), 2)

    async def test_the_dead_take_no_room_until_they_come_back(self) -> None:
        queue = await self.filled(message("m1"), message("m2"), max_size=2)
        await queue.bury(await self.one(queue), "x")
        self.assertTrue(await queue.enqueue(message("m3")))
        await self.refused(queue.revive(["m1"]))
        self.assertEqual(await self.letters(queue), [("m1", "dead")])
        await queue.ack(await self.one(queue))
        self.assertEqual(await queue.revive(["m1"]), ["m1"])

    # -- looking -------------------------------------------------------------------------------

    async def test_figures(self) -> None:
        queue = await self.filled(
            message("r1", "run"), message("r2", "run"), message("d1", "wait"), message("k1", "dead")
        )
        self.now += 1000
        await queue.enqueue(message("f1", "free"))
        for one in await queue.claim("in", 10, MINUTE):
            if one.id == "d1":
                await queue.retry(one, MINUTE, "x")
            elif one.id == "k1":
                await queue.bury(one, "x")
            elif one.id == "f1":
                await queue.postpone(one, 0)
        self.now += 500
        stats = await queue.stats()
        self.assertEqual(
            stats.queues["in"],
            QueueFigures(ready=2, delayed=1, running=1, dead=1, lanes=3, oldest_age_ms=1500),
        )
        expected = {"enqueued": 5, "retried": 1, "buried": 1}
        self.assertEqual({name: stats.counters[name] for name in expected}, expected)
        self.assertEqual(stats.backend, queue.backend)

    async def test_inspecting_page_by_page(self) -> None:
        queue = await self.filled(*(message(f"{lane}{n}", lane) for n in "12" for lane in "ab"))
        await queue.enqueue(message("o1", queue="other"))
        await queue.claim("in", 1, MINUTE)
        first = await queue.inspect("", 3, 0, "", False)
        self.assertEqual([one.id for one in first], ["a1", "b1", "a2"])
        self.assertEqual([one.state for one in first], ["running", "ready", "ready"])
        self.assertEqual([one.attempts for one in first], [1, 0, 0])
        rest = await queue.inspect("", 3, first[-1].position, "", False)
        self.assertEqual([one.id for one in rest], ["b2", "o1"])
        self.assertEqual([one.id for one in await queue.inspect("in", 9, 0, "b", False)],
                         ["b1", "b2"])  # fmt: skip
        self.assertEqual(await queue.inspect("", 9, 0, "", True), [])

    async def test_finding(self) -> None:
        queue = await self.filled(message("m1"), message("m2"))
        await queue.bury(await self.one(queue), "x")
        dead, waiting = await queue.find("m1"), await queue.find("m2")
        assert dead is not None and waiting is not None
        self.assertEqual((dead.state, dead.reason), ("dead", "x"))
        self.assertEqual((waiting.state, waiting.at_ms), ("ready", START_MS))
        self.assertIsNone(await queue.find("m3"))

    async def test_who_asked_is_told_of_work(self) -> None:
        queue = await self.open()
        told: list[str] = []
        undo = queue.on_ready("in", lambda: told.append("in"))
        queue.on_ready("other", lambda: told.append("other"))
        await queue.enqueue_all([message("m1"), message("m2")])
        self.assertEqual(told, ["in"])
        await queue.ack(await self.one(queue))
        self.assertEqual(told, ["in", "in"], "there is more in the lane")
        await queue.bury(await self.one(queue), "x")
        self.assertEqual(told, ["in", "in"])
        await queue.revive(["m2"])
        self.assertEqual(told, ["in", "in", "in"])
        undo()
        undo()
        await queue.enqueue(message("m3"))
        self.assertEqual(len(told), 3)
