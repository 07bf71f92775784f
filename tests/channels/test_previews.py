"""An answer shown while it grows."""

from attrs import evolve
from msgspec import structs

from openclaw.channels.previews import (
    FIRST_SECONDS,
    MOST_QUESTIONS,
    OVERTAKING_SECONDS,
    Preview,
)
from openclaw.interfaces.channels import Abilities
from openclaw.interfaces.messages import Sent
from openclaw.interfaces.queue import Undelivered, outbox
from tests.channels.kit import TARGET, KitCase

LONG = "this is more than thirty characters"


class PreviewCase(KitCase):
    """One preview."""

    def setUp(self) -> None:
        super().setUp()
        self.preview = Preview(self.account, self.outbox, TARGET, "reply:r1", self.clock)
        self.addCleanup(self.preview.finish)


class GrowTests(PreviewCase):
    def test_a_first_message_after_thirty_characters(self) -> None:
        self.preview.grow("short")
        self.assertEqual(self.platform.calls, [])
        self.preview.grow(LONG)
        self.assertEqual(self.platform.texts("send"), [LONG])

    def test_or_after_a_second(self) -> None:
        self.preview.grow("short")
        self.clock.advance(FIRST_SECONDS)
        self.assertEqual(self.platform.texts("send"), ["short"])

    def test_then_edits_no_faster_than_is_right_for_the_chat(self) -> None:
        self.preview.grow(LONG)
        for number in range(31):
            self.preview.grow(f"{LONG} {number}")
            self.clock.advance(0.1)
        self.assertEqual(len(self.platform.texts("edit")), 3)
        self.assertEqual(self.platform.texts()[-1], f"{LONG} 30")

    def test_one_call_at_a_time_and_only_the_newest_text(self) -> None:
        self.platform.holding = True
        self.preview.grow(LONG)
        for number in range(50):
            self.preview.grow(f"{LONG} {number}")
            self.clock.advance(1)
        self.assertEqual(len(self.platform.calls), 1)
        self.platform.release()
        self.assertEqual(self.platform.texts(), [LONG])
        self.clock.advance(1)
        self.assertEqual(self.platform.texts(), [LONG, f"{LONG} 49"])
        self.platform.release()

    def test_it_overtakes_no_earlier_answer(self) -> None:
        (earlier,) = self.successResultOf(
            self.outbox.compose(TARGET, "the answer before", "reply:r0")
        )
        self.successResultOf(self.outbox.put([earlier]))
        self.preview.grow(LONG)
        self.clock.pump([OVERTAKING_SECONDS] * 10)
        self.assertEqual(self.platform.calls, [])
        queue = outbox("test", "default")
        (delivery,) = self.successResultOf(self.queue.claim(queue, 1, 60_000))
        self.clock.advance(OVERTAKING_SECONDS)
        self.assertEqual(self.platform.calls, [], "it is on its way, and may fail yet")
        self.successResultOf(self.queue.ack(delivery))
        self.clock.advance(OVERTAKING_SECONDS)
        self.assertEqual(self.platform.texts("send"), [LONG])

    def test_what_waits_for_another_chat_is_no_hindrance(self) -> None:
        elsewhere = structs.replace(TARGET, chat_id="43")
        self.successResultOf(
            self.outbox.put(self.successResultOf(self.outbox.compose(elsewhere, "x", "reply:r0")))
        )
        self.preview.grow(LONG)
        self.assertEqual(self.platform.texts("send"), [LONG])

    def test_it_is_noted_where_it_stands(self) -> None:
        self.preview.grow(LONG)
        found = self.successResultOf(self.sent.find("reply:r1:preview"))
        self.assertEqual(found, Sent(message_id="101"))

    def test_what_does_not_fit_is_left_for_the_end(self) -> None:
        self.preview.grow("word " * 40)
        self.assertLessEqual(len(self.platform.texts()[0]), 60)

    def test_a_pause_that_the_platform_asks_for(self) -> None:
        self.preview.grow(LONG)
        self.platform.failing = [Undelivered("slow down", "retry", after_ms=7_000)]
        self.clock.advance(1)
        self.preview.grow(LONG + "a")
        self.assertEqual(len(self.platform.calls), 2)
        self.preview.grow(LONG + "ab")
        self.clock.advance(6.9)
        self.assertEqual(len(self.platform.calls), 2)
        self.clock.advance(0.1)
        self.assertEqual(self.platform.texts()[-1], LONG + "ab")

    def test_a_platform_that_refuses_is_left_alone(self) -> None:
        self.platform.failing = [Undelivered("no rights", "never")]
        self.preview.grow(LONG)
        self.preview.grow(LONG + "a")
        self.clock.advance(10)
        self.assertEqual(len(self.platform.calls), 1)
        self.assertEqual(self.successResultOf(self.preview.message()), "")

    def test_a_bug_in_a_channel_costs_the_preview_alone(self) -> None:
        self.platform.failing = [ValueError("bug")]
        self.preview.grow(LONG)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(self.successResultOf(self.preview.message()), "")

    def test_nothing_without_a_connection(self) -> None:
        self.account.life.lost("gone")
        self.preview.grow(LONG)
        self.assertEqual(self.platform.calls, [])


class FinishTests(PreviewCase):
    def test_the_message_to_edit_is_known_once_it_is_there(self) -> None:
        self.platform.holding = True
        self.preview.grow(LONG)
        finished = self.preview.message()
        self.assertNoResult(finished)
        self.platform.release()
        self.assertEqual(self.successResultOf(finished), "101")

    def test_nothing_is_shown_afterwards(self) -> None:
        self.preview.grow(LONG)
        self.preview.grow(LONG + "a")
        self.successResultOf(self.preview.finish())
        self.clock.advance(10)
        self.preview.grow(LONG + "ab")
        self.assertEqual(self.platform.texts(), [LONG])


class DoubtTests(PreviewCase):
    def setUp(self) -> None:
        super().setUp()
        self.platform.failing = [Undelivered("no answer", "unknown")]

    def able(self, **abilities: bool) -> None:
        """Let the platform be able to do this."""
        configured = self.account.configured
        manifest = evolve(configured.manifest, abilities=Abilities(edit=True, **abilities))
        self.account.configured = evolve(configured, manifest=manifest)

    def names(self) -> list[str]:
        return [name for name, _ in self.platform.calls]

    def test_a_platform_that_can_be_asked_is_asked(self) -> None:
        self.able(lookup=True)
        self.platform.found = Sent(message_id="77")
        self.preview.grow(LONG)
        self.assertEqual(self.successResultOf(self.preview.message()), "77")
        self.assertEqual(self.names(), ["send", "find"])
        self.assertEqual(self.successResultOf(self.preview.message()), "77")
        self.assertEqual(self.names(), ["send", "find"], "asked once")

    def test_a_platform_that_knows_repeats_is_told_again(self) -> None:
        self.able(idempotent=True)
        self.preview.grow(LONG)
        self.assertEqual(self.successResultOf(self.preview.message()), "102")
        first, second = (sent for _, sent in self.platform.calls)
        self.assertEqual(first, second)

    def test_one_that_cannot_tell_is_left_alone(self) -> None:
        self.able()
        self.preview.grow(LONG)
        self.assertEqual(self.successResultOf(self.preview.message()), "")
        self.assertEqual(self.names(), ["send"])

    def test_as_long_as_it_cannot_be_asked_the_answer_waits(self) -> None:
        self.able(lookup=True)
        self.preview.grow(LONG)
        self.platform.failing = [Undelivered("not connected", "later")] * MOST_QUESTIONS
        for _ in range(MOST_QUESTIONS - 1):
            self.failureResultOf(self.preview.message(), Undelivered)
        self.assertEqual(self.successResultOf(self.preview.message()), "", "but not for ever")
