"""Answers on their way back."""

from typing import Any

import msgspec
from twisted.internet.defer import fail
from zope.interface.verify import verifyObject

from openclaw.channels.overdue import Overdue
from openclaw.channels.replies import SETTLE_SECONDS, ChannelReplies
from openclaw.channels.typing_signs import LEASE_SECONDS
from openclaw.errors import StoreError
from openclaw.interfaces.conversations import Input, IReplies
from openclaw.interfaces.messages import Origin, Outgoing, Person, Sent
from openclaw.interfaces.queue import outbox
from tests.channels.kit import TARGET, KitCase

LONG = "this is more than thirty characters"


def entry(run_id: str = "r1", **more: Any) -> Input:
    """An input that came over the test's platform."""
    origin = Origin(target=TARGET, sender=Person(id="42"), message_key="test:default:42:7")
    return Input(
        run_id=run_id,
        kind="chat",
        session_key="agent:main:test:direct:42",
        session_id="s",
        agent_id="main",
        text="q",
        message_seq=1,
        accepted_at_ms=0,
        origin=origin,
        **more,
    )


class RepliesCase(KitCase):
    def setUp(self) -> None:
        super().setUp()
        self.replies = self.make_replies()
        self.addCleanup(self.replies.stop)

    def make_replies(self) -> ChannelReplies:
        """Those of one process."""
        overdue = Overdue(self.outbox, self.clock, lambda *_: None, lambda: None)
        return ChannelReplies(self.outbox, self.account_of, self.traces, self.clock, overdue)

    @property
    def waiting(self) -> list[Outgoing]:
        """What lies in the outbox."""
        found = self.successResultOf(
            self.queue.inspect(outbox("test", "default"), 100, 0, "", False)
        )
        return [msgspec.json.decode(one.body, type=Outgoing) for one in found]

    def signs(self) -> list[bool]:
        """When the typing sign was shown and hidden."""
        return [on for name, on in self.platform.calls if name == "typing"]


class ReplyTests(RepliesCase):
    def test_the_interface(self) -> None:
        self.assertTrue(verifyObject(IReplies, self.replies))

    def test_an_answer_goes_into_the_outbox_for_the_message_that_was_answered(self) -> None:
        self.successResultOf(self.replies.reply(entry(), "hello"))
        (call,) = self.waiting
        self.assertEqual((call.id, call.kind, call.text), ("reply:r1", "send", "hello"))
        self.assertEqual((call.target, call.run_id), (TARGET, "r1"))

    def test_a_repeat_changes_nothing(self) -> None:
        for _ in range(3):
            self.successResultOf(self.replies.reply(entry(), "hello"))
        self.assertEqual(len(self.waiting), 1)

    def test_what_was_shown_becomes_the_beginning(self) -> None:
        self.replies.grew(entry(), LONG)
        self.successResultOf(self.replies.reply(entry(), "word " * 30))
        first, *others = self.waiting
        self.assertEqual((first.kind, first.message_id), ("edit", "101"))
        self.assertEqual({one.kind for one in others}, {"send"})

    def test_what_an_earlier_process_had_shown_becomes_the_beginning(self) -> None:
        self.replies.grew(entry(), LONG)
        self.replies = self.make_replies()
        self.successResultOf(self.replies.reply(entry(), "hello"))
        self.assertEqual([(one.kind, one.message_id) for one in self.waiting], [("edit", "101")])

    def test_what_an_earlier_process_may_have_shown_is_asked_for(self) -> None:
        self.platform.holding = True
        self.replies.grew(entry(), LONG)
        self.platform.holding = False
        self.platform.found = Sent(message_id="77")
        self.replies = self.make_replies()
        self.successResultOf(self.replies.reply(entry(), "hello"))
        self.assertEqual([(one.kind, one.message_id) for one in self.waiting], [("edit", "77")])
        self.platform.release()

    def test_what_is_on_its_way_already_is_not_asked_for(self) -> None:
        self.platform.holding = True
        self.replies.grew(entry(), LONG)
        self.platform.holding = False
        calls = self.successResultOf(self.outbox.compose(TARGET, "hello", "reply:r1"))
        self.successResultOf(self.outbox.put(calls))
        self.replies = self.make_replies()
        self.successResultOf(self.replies.reply(entry(), "hello"))
        self.assertEqual([name for name, _ in self.platform.calls], ["send"])
        self.platform.release()

    def test_no_preview_overtakes_an_answer_that_is_still_owed(self) -> None:
        self.patch(self.queue, "enqueue_all", lambda _: fail(StoreError("disk full")))
        self.failureResultOf(self.replies.reply(entry("r0"), "hello"), StoreError)
        del self.queue.enqueue_all
        self.replies.grew(entry("r1"), LONG)
        self.assertEqual(self.platform.calls, [])
        self.replies.silent(entry("r1"))

    def test_a_run_ends_after_its_preview_has_arrived(self) -> None:
        self.platform.holding = True
        self.replies.grew(entry(), LONG)
        settled = self.replies.settle(entry())
        self.assertNoResult(settled)
        self.platform.release()
        self.successResultOf(settled)
        self.assertIsNotNone(self.successResultOf(self.sent.find("reply:r1:preview")))

    def test_a_preview_that_hangs_does_not_keep_a_run_from_ending(self) -> None:
        self.platform.holding = True
        self.replies.grew(entry(), LONG)
        settled = self.replies.settle(entry())
        self.clock.advance(SETTLE_SECONDS)
        self.successResultOf(settled)
        self.platform.release()

    def test_a_run_of_which_nothing_was_shown_ends_at_once(self) -> None:
        self.successResultOf(self.replies.settle(entry()))

    def test_an_outbox_that_is_full_leaves_the_preview_to_be_edited(self) -> None:
        self.replies.grew(entry(), LONG)
        self.patch(self.queue, "enqueue_all", lambda _: fail(StoreError("disk full")))
        self.failureResultOf(self.replies.reply(entry(), "hello"), StoreError)
        del self.queue.enqueue_all
        self.successResultOf(self.replies.reply(entry(), "hello"))
        self.assertEqual([one.kind for one in self.waiting], ["edit"])

    def test_the_trace_of_the_message_tells_of_the_answer(self) -> None:
        self.successResultOf(self.replies.reply(entry(), "hello"))
        self.assertEqual(self.steps("test:default:42:7"), ["->", "outbox"])

    def test_previews_can_be_off(self) -> None:
        self.configure(streaming="off")
        self.replies.grew(entry(), LONG)
        self.assertEqual(self.platform.calls, [])

    def test_a_channel_that_is_gone(self) -> None:
        self.patch(self, "account_of", lambda *_: None)
        replies = self.make_replies()
        replies.started(entry())
        replies.grew(entry(), LONG)
        self.assertEqual(self.platform.calls, [])


class SignTests(RepliesCase):
    def test_it_is_shown_until_the_answer_is_on_its_way(self) -> None:
        self.replies.started(entry())
        self.clock.pump([1.0] * 9)
        self.assertEqual(self.signs(), [True, True, True])
        self.successResultOf(self.replies.reply(entry(), "hello"))
        self.clock.advance(60)
        self.assertEqual(self.signs(), [True, True, True, False])

    def test_it_ends_with_a_run_that_says_nothing(self) -> None:
        self.replies.started(entry())
        self.replies.silent(entry())
        self.clock.advance(60)
        self.assertEqual(self.signs(), [True, False])

    def test_it_never_sticks(self) -> None:
        self.replies.started(entry())
        self.clock.pump([4.0] * 400)
        self.assertEqual(len(self.signs()), LEASE_SECONDS / 4)
        self.assertEqual(self.clock.getDelayedCalls()[1:], [])

    def test_a_platform_that_refuses_is_not_asked_for_ever(self) -> None:
        self.platform.failing = [ValueError("no")] * 100
        self.replies.started(entry())
        self.clock.pump([4.0] * 50)
        self.assertEqual(len(self.signs()), 3)

    def test_it_can_be_off(self) -> None:
        self.configure(typing=False)
        self.replies.started(entry())
        self.assertEqual(self.signs(), [])
