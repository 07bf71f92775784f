"""What an outbox holds, handed to its platform; and what became of what was cut off."""

from collections.abc import Callable
from random import Random

from attrs import evolve
from twisted.internet.defer import Deferred, succeed

from openclaw.channels.delivery import LONGEST_REPEAT_MS, PATIENCE_MS, Deliverer
from openclaw.channels.outbox import LONG_CHARACTERS, Outbox, lane_of
from openclaw.errors import DeliveryError, InvalidRequest
from openclaw.interfaces.channels import Abilities, TextLimit
from openclaw.interfaces.messages import Attachment, Outgoing, Sent
from openclaw.interfaces.queue import Delivery, Undelivered, outbox
from openclaw.protocol.base import encode
from openclaw.queue.retries import RetryPolicy
from openclaw.queue.worker import Worker
from tests.channels.kit import MANIFEST, START_MS, TARGET, KitCase


class DeliveryCase(KitCase):
    """A deliverer over the account."""

    def setUp(self) -> None:
        super().setUp()
        self.over: list[tuple[str, object]] = []
        self.deliverer = Deliverer(self.account, self.sent, self.traces, self.now_ms, self.done)

    def done(self, id: str, result: object) -> None:
        self.over.append((id, result))
        assert isinstance(result, (Sent, Undelivered))
        self.outbox.done(id, result)

    def handle(self, call: Outgoing, interrupted: bool = False) -> Deferred[None]:
        """Work on a call, as the outbox's worker does."""
        return self.deliverer.handle(
            Delivery(
                id=call.id,
                queue=outbox("test", "default"),
                lane=lane_of(call.target),
                body=encode(call),
                attempt=1,
                deaths=int(interrupted),
                enqueued_at_ms=START_MS,
                fence=1,
            )
        )

    def work(self) -> None:
        """Do what is in the outbox."""
        queue = outbox("test", "default")
        while claimed := self.successResultOf(self.queue.claim(queue, 10, 30_000)):
            for one in claimed:
                self.successResultOf(self.deliverer.handle(one))
                self.successResultOf(self.queue.ack(one))

    def use(self, abilities: Abilities) -> None:
        """Let the platform be able to do other things."""
        configured = self.account.configured
        self.account.configured = evolve(configured, manifest=evolve(MANIFEST, abilities=abilities))


CALL = Outgoing(id="reply:r1", target=TARGET, text="hello")


class PauseTests(DeliveryCase):
    def test_a_pause_that_the_platform_asks_for_is_no_attempt(self) -> None:
        self.platform.failing = [Undelivered("slow down", "retry", 700)]
        error = self.failureResultOf(self.handle(CALL), Undelivered).value
        self.assertEqual((error.kind, error.after_ms), ("later", 700))
        self.assertEqual(self.over, [])

    def test_but_not_for_ever(self) -> None:
        self.clock.advance(PATIENCE_MS / 1000)
        self.platform.failing = [Undelivered("slow down", "retry", 700)]
        error = self.failureResultOf(self.handle(CALL), Undelivered).value
        self.assertEqual((error.kind, error.after_ms), ("retry", 700))

    def test_nor_is_a_failure_a_pause(self) -> None:
        self.platform.failing = [Undelivered("server error", "retry")]
        error = self.failureResultOf(self.handle(CALL), Undelivered).value
        self.assertEqual(error.kind, "retry")


class GivenUpTests(DeliveryCase):
    def test_whoever_waits_for_a_call_hears_that_its_last_attempt_failed(self) -> None:
        self.platform.failing = [Undelivered("server error", "retry") for _ in range(3)]
        queue = outbox("test", "default")
        worker = Worker(self.queue, queue, self.deliverer, RetryPolicy(), self.clock, Random(1))
        worker.startService()
        waiting = self.outbox.send([CALL])
        self.clock.pump([0.5] * 10)
        error = self.failureResultOf(waiting, DeliveryError).value
        self.assertIn("attempt 3 of 3: server error", str(error))
        self.assertIn("given up", self.steps("reply:r1"))
        self.successResultOf(worker.stopService())


class CallTests(DeliveryCase):
    def test_each_kind_of_call(self) -> None:
        for kind in ("send", "edit", "delete", "react"):
            call = Outgoing(id=kind, target=TARGET, kind=kind, message_id="5", emoji="👍")
            self.successResultOf(self.handle(call))
        self.assertEqual(
            [name for name, _ in self.platform.calls], ["send", "edit", "delete", "react"]
        )
        self.assertEqual(self.platform.calls[3][1], ("5", "👍"))
        self.assertEqual(self.over[3], ("react", Sent(message_id="5")))

    def test_what_the_platform_called_it_is_kept_and_told(self) -> None:
        self.successResultOf(self.handle(CALL))
        self.assertEqual(self.over, [("reply:r1", Sent(message_id="101"))])
        self.assertEqual(self.successResultOf(self.sent.find("reply:r1")), Sent(message_id="101"))
        self.assertEqual(self.steps("reply:r1"), ["sending", "sent"])
        self.assertEqual(self.account.record.shown().last_outbound_at, START_MS)

    def test_without_a_connection_it_waits(self) -> None:
        self.account.life.lost("gone")
        error = self.failureResultOf(self.handle(CALL), Undelivered).value
        self.assertEqual((error.kind, self.platform.calls, self.over), ("later", [], []))

    def test_only_a_failure_for_good_is_told_to_who_waits(self) -> None:
        for kind, told in (("retry", 0), ("later", 0), ("never", 1), ("unknown", 2)):
            self.platform.failing = [Undelivered("no", kind)]
            self.failureResultOf(self.handle(CALL), Undelivered)
            self.assertEqual(len(self.over), told, kind)

    def test_what_cannot_be_read_is_never_tried(self) -> None:
        broken = Delivery(
            id="x",
            queue="q",
            lane="l",
            body=b"{",
            attempt=1,
            deaths=0,
            enqueued_at_ms=0,
            fence=1,
        )
        error = self.failureResultOf(self.deliverer.handle(broken), Undelivered).value
        self.assertEqual(error.kind, "never")


class InterruptedTests(DeliveryCase):
    def test_what_is_known_to_be_sent_is_not_sent_again(self) -> None:
        self.successResultOf(self.sent.keep("reply:r1", Sent(message_id="9")))
        self.successResultOf(self.handle(CALL, interrupted=True))
        self.assertEqual((self.platform.calls, self.over[0][1]), ([], Sent(message_id="9")))

    def test_a_platform_that_can_tell_is_asked(self) -> None:
        self.platform.found = Sent(message_id="9")
        self.successResultOf(self.handle(CALL, interrupted=True))
        self.assertEqual(self.platform.calls, [("find", "reply:r1")])
        self.platform.found = None
        self.successResultOf(self.handle(CALL, interrupted=True))
        self.assertEqual(
            [name for name, _ in self.platform.calls], ["find"], "by now the journal knows"
        )

    def test_a_platform_that_says_no_gets_it(self) -> None:
        self.successResultOf(self.handle(CALL, interrupted=True))
        self.assertEqual([name for name, _ in self.platform.calls], ["find", "send"])

    def test_a_platform_that_tells_repeats_gets_it_again_for_a_while(self) -> None:
        self.use(Abilities(idempotent=True))
        self.successResultOf(self.handle(CALL, interrupted=True))
        self.assertEqual([name for name, _ in self.platform.calls], ["send"])
        self.clock.advance(LONGEST_REPEAT_MS / 1000)
        late = Outgoing(id="reply:r2", target=TARGET, text="hello")
        error = self.failureResultOf(self.handle(late, interrupted=True), Undelivered).value
        self.assertEqual((error.kind, len(self.platform.calls)), ("unknown", 1))

    def test_a_platform_that_cannot_tell_is_not_asked_twice(self) -> None:
        self.use(Abilities())
        error = self.failureResultOf(self.handle(CALL, interrupted=True), Undelivered).value
        self.assertEqual((error.kind, self.platform.calls), ("unknown", []))
        self.assertEqual(len(self.over), 1)

    def test_a_change_of_a_message_is_made_again(self) -> None:
        self.use(Abilities(edit=True))
        call = Outgoing(id="e", target=TARGET, kind="edit", message_id="5", text="x")
        self.successResultOf(self.handle(call, interrupted=True))
        self.assertEqual(self.platform.texts(), ["x"])


class SendTests(DeliveryCase):
    def test_who_sends_hears_what_the_platform_said(self) -> None:
        waiting = self.outbox.send(self.successResultOf(self.outbox.compose(TARGET, "hello", "k")))
        self.assertNoResult(waiting)
        self.work()
        self.assertEqual(self.successResultOf(waiting), [Sent(message_id="101")])

    def test_a_long_text_is_several_messages_of_which_the_first_quotes(self) -> None:
        calls = self.successResultOf(self.outbox.compose(TARGET, "word " * 30, "k"))
        self.assertGreater(len(calls), 2)
        self.assertEqual([one.id for one in calls[:2]], ["k", "k#1"])
        self.assertEqual({one.parts for one in calls}, {len(calls)})
        self.assertEqual([bool(one.target.reply_to) for one in calls[:2]], [True, False])
        self.assertTrue(all(len(one.text) <= 50 for one in calls))

    def test_a_file_takes_a_short_text_as_its_caption(self) -> None:
        file = Attachment(kind="image", path="/media/cat.png")
        limit = TextLimit(default=50, hard=60, caption=20)
        configured = self.account.configured
        self.account.configured = evolve(configured, manifest=evolve(MANIFEST, text=limit))
        for text, texts in (("a cat", ["a cat"]), ("word " * 6, ["", "word " * 5 + "word"])):
            calls = self.successResultOf(self.outbox.compose(TARGET, text, "k", attachment=file))
            self.assertEqual([one.text for one in calls], texts)
            self.assertEqual([one.attachment for one in calls], [file, None][: len(calls)])

    def test_a_text_that_takes_long_is_cut_beside_the_reactor(self) -> None:
        aside: list[int] = []

        def later(work: Callable[[], list[str]]) -> Deferred[list[str]]:
            aside.append(1)
            return succeed(work())

        outbox = Outbox(self.queue, self.sent, self.traces, self.account_of, later)
        for text in ("short", "word " * LONG_CHARACTERS):
            self.successResultOf(outbox.compose(TARGET, text, "k"))
        self.assertEqual(len(aside), 1)

    def test_quoting_as_configured(self) -> None:
        for mode, expected in (("off", [False, False]), ("all", [True, True])):
            self.configure(reply_to_mode=mode)
            calls = self.successResultOf(self.outbox.compose(TARGET, "word " * 30, "k"))
            self.assertEqual([bool(one.target.reply_to) for one in calls[:2]], expected)

    def test_a_refusal_is_told_in_the_platforms_words(self) -> None:
        waiting = self.outbox.send([CALL])
        self.platform.failing = [Undelivered("chat not found", "never")]
        claimed = self.successResultOf(self.queue.claim(outbox("test", "default"), 1, 30_000))
        self.failureResultOf(self.deliverer.handle(claimed[0]), Undelivered)
        error = self.failureResultOf(waiting, DeliveryError).value
        self.assertEqual((error.message, error.kind), ("chat not found", "never"))

    def test_the_same_send_twice_happens_once(self) -> None:
        first = self.outbox.send([CALL])
        again = self.outbox.send([CALL])
        self.work()
        self.assertEqual(self.successResultOf(first), self.successResultOf(again))
        later = self.outbox.send([CALL])
        self.assertEqual(self.successResultOf(later), [Sent(message_id="101")])
        self.assertEqual(len(self.platform.calls), 1)

    def test_a_send_that_had_died_says_so(self) -> None:
        self.successResultOf(self.outbox.put([CALL]))
        claimed = self.successResultOf(self.queue.claim(outbox("test", "default"), 1, 30_000))
        self.successResultOf(self.queue.bury(claimed[0], "chat not found"))
        error = self.failureResultOf(self.outbox.send([CALL]), DeliveryError).value
        self.assertIn("chat not found", error.message)

    def test_an_account_that_is_not_there(self) -> None:
        self.assertEqual(self.outbox.of("test", "default"), "out:test:default")
        with self.assertRaises(InvalidRequest):
            self.outbox.of("test", "other")
