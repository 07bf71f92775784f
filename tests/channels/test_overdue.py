"""What waits too long: told once to its sender, once to the operator, and kept."""

import msgspec
from attrs import evolve
from twisted.internet.defer import fail

from openclaw.channels.inbox import InboxHandler, Waiting
from openclaw.channels.overdue import LATE, LOST, QUIET_SECONDS, RETRY_SECONDS, Overdue
from openclaw.errors import StoreError
from openclaw.interfaces.channels import TextLimit
from openclaw.interfaces.messages import Outgoing, Target
from openclaw.interfaces.queue import INBOX, NewMessage, Undelivered, outbox
from openclaw.protocol.base import encode
from tests.channels.kit import MANIFEST, TARGET, KitCase
from tests.channels.samples import inbound

ELSEWHERE = msgspec.structs.replace(TARGET, chat_id="43")


class OverdueCase(KitCase):
    def setUp(self) -> None:
        super().setUp()
        roomy = TextLimit(default=500, hard=500)
        manifest = evolve(MANIFEST, text=roomy)
        self.account.configured = evolve(self.account.configured, manifest=manifest)
        self.alerts: list[tuple[str, str]] = []
        self.counts: list[int] = []
        self.overdue = self.make_overdue()
        self.overdue.startService()

    def make_overdue(self, after_seconds: float = 60.0) -> Overdue:
        overdue = Overdue(
            self.outbox,
            self.clock,
            lambda kind, words: self.alerts.append((kind, words)),
            lambda: self.counts.append(len(self.overdue)),
            after_seconds,
        )
        self.addCleanup(lambda: overdue.running and overdue.stopService())
        return overdue

    def accept(self, *keys: str, target: Target = TARGET, sender: str = "42") -> None:
        for key in keys:
            self.overdue.waits(key, target, sender)

    def notices(self) -> list[tuple[str, str, str]]:
        """Id, chat and words of what lies in the outbox."""
        found = self.successResultOf(
            self.queue.inspect(outbox("test", "default"), 100, 0, "", False)
        )
        calls = [msgspec.json.decode(one.body, type=Outgoing) for one in found]
        return [(one.id, one.target.chat_id, one.text) for one in calls]


class SenderTests(OverdueCase):
    def test_nothing_is_said_before_its_time_nor_of_what_an_agent_has(self) -> None:
        self.accept("m1", "m2")
        self.clock.advance(59)
        self.overdue.over("m1")
        self.assertEqual(self.notices(), [])
        self.overdue.over("m2")
        self.clock.advance(600)
        self.assertEqual((self.notices(), self.alerts, len(self.overdue)), ([], [], 0))

    def test_the_sender_is_told_by_the_way_the_message_came(self) -> None:
        self.accept("m1")
        self.clock.advance(60)
        self.assertEqual(self.notices(), [("late:m1", "42", LATE)])
        self.assertEqual(len(self.overdue), 1)

    def test_a_backlog_is_told_once_however_long_it_grows(self) -> None:
        for number in range(100):
            self.accept(f"m{number}")
            self.clock.advance(30)
        self.assertEqual([id for id, *_ in self.notices()], ["late:m0"])

    def test_each_sender_is_told(self) -> None:
        self.accept("m1")
        self.accept("m2", target=ELSEWHERE, sender="43")
        self.accept("m3", sender="44")
        self.clock.advance(60)
        self.assertEqual([id for id, *_ in self.notices()], ["late:m1", "late:m2", "late:m3"])

    def test_the_next_backlog_is_told_again_but_not_within_ten_minutes(self) -> None:
        for number in range(4):
            self.accept(f"m{number}")
            self.clock.advance(QUIET_SECONDS / 2)
            self.overdue.over(f"m{number}")
        self.assertEqual([id for id, *_ in self.notices()], ["late:m0", "late:m2"])

    def test_said_again_on_its_way_it_keeps_its_time(self) -> None:
        self.accept("m1")
        self.clock.advance(40)
        self.accept("m1")
        self.clock.advance(20)
        self.assertEqual([id for id, *_ in self.notices()], ["late:m1"])
        self.accept("m1")
        self.clock.advance(60)
        self.assertEqual(len(self.overdue), 1)

    def test_a_notice_that_cannot_be_stored_is_tried_again(self) -> None:
        self.patch(self.queue, "enqueue_all", lambda _: fail(StoreError("disk full")))
        self.accept("m1")
        self.clock.advance(60)
        del self.queue.enqueue_all
        self.assertEqual(self.notices(), [])
        self.clock.advance(RETRY_SECONDS)
        self.assertEqual([id for id, *_ in self.notices()], ["late:m1"])

    def test_the_next_process_says_the_same_notice_not_a_second_one(self) -> None:
        for _ in range(3):
            self.accept("m1")
            self.clock.advance(60)
            self.successResultOf(self.overdue.stopService())
            self.overdue = self.make_overdue()
            self.overdue.startService()
        self.assertEqual([id for id, *_ in self.notices()], ["late:m1"])

    def test_whoever_wants_no_notices_gets_none(self) -> None:
        self.overdue = self.make_overdue(0)
        self.overdue.startService()
        self.accept("m1")
        self.clock.advance(3600)
        self.assertEqual((self.notices(), self.alerts), ([], []))

    def test_one_timer_does_for_all(self) -> None:
        for number in range(1000):
            self.accept(f"m{number}")
            self.clock.advance(0.01)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_a_stop_leaves_nothing_behind(self) -> None:
        self.patch(self.queue, "enqueue_all", lambda _: fail(StoreError("disk full")))
        self.accept("m1")
        self.clock.advance(60)
        self.accept("m2")
        self.successResultOf(self.overdue.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])


class OperatorTests(OverdueCase):
    def test_the_operator_is_told_once_of_all_that_fell_due_together(self) -> None:
        for number in range(50):
            self.accept(f"m{number}", sender=str(number))
        self.clock.advance(60)
        ((kind, words),) = self.alerts
        self.assertEqual(kind, "messages.overdue")
        self.assertIn("50 accepted messages", words)
        self.assertIn("m0", words)

    def test_what_comes_later_is_told_together_after_a_while(self) -> None:
        self.accept("m0")
        self.clock.advance(60)
        for number in range(1, 11):
            self.accept(f"m{number}")
            self.clock.advance(30)
        self.assertEqual(len(self.alerts), 1)
        self.clock.advance(QUIET_SECONDS)
        self.assertEqual(len(self.alerts), 2)
        self.assertIn("10 accepted messages", self.alerts[1][1])

    def test_health_hears_of_more_and_of_the_last(self) -> None:
        self.accept("m0", "m1", "m2")
        self.clock.advance(60)
        for number in range(3):
            self.overdue.over(f"m{number}")
        self.assertEqual(self.counts, [3, 0])


class InboxTests(OverdueCase):
    def setUp(self) -> None:
        super().setUp()
        self.handler = InboxHandler(
            None,  # type: ignore[arg-type]  # Nothing gets as far as the conversations.
            self.traces,
            self.overdue,
            lambda message: message.message_id,
        )

    def put(self, number: int) -> str:
        """Leave a message in the inbox."""
        waiting = Waiting(message=inbound(number), agent_id="main", session_key="k")
        message = NewMessage(id=f"m{number}", queue=INBOX, lane="k", body=encode(waiting))
        self.successResultOf(self.queue.enqueue(message))
        return message.id

    def test_what_an_earlier_process_left_is_watched(self) -> None:
        for number in range(1200):
            self.put(number)
        self.successResultOf(self.handler.watch(self.queue))
        self.clock.advance(60)
        self.assertEqual(len(self.overdue), 1200)
        self.assertEqual([id for id, *_ in self.notices()], ["late:m0"])

    def test_what_is_given_up_is_told_at_once(self) -> None:
        self.accept(self.put(1))
        (delivery,) = self.successResultOf(self.queue.claim(INBOX, 1, 60_000))
        self.handler.gave_up(delivery, "3 attempts", False)
        ((id, _, words),) = self.notices()
        self.assertEqual((id, words), ("lost:m1", LOST))
        self.assertEqual((len(self.alerts), len(self.overdue)), (1, 0))

    def test_what_may_have_got_through_stays_watched(self) -> None:
        self.accept(self.put(1))
        (delivery,) = self.successResultOf(self.queue.claim(INBOX, 1, 60_000))
        self.handler.gave_up(delivery, "killed its workers", True)
        self.assertEqual(self.notices(), [])
        self.clock.advance(60)
        self.assertEqual([id for id, *_ in self.notices()], ["late:m1"])

    def test_what_cannot_be_read_is_nobodys(self) -> None:
        self.successResultOf(
            self.queue.enqueue(NewMessage(id="m1", queue=INBOX, lane="k", body=b"{"))
        )
        self.successResultOf(self.handler.watch(self.queue))
        (delivery,) = self.successResultOf(self.queue.claim(INBOX, 1, 60_000))
        self.failureResultOf(self.handler.handle(delivery), Undelivered)
        self.handler.gave_up(delivery, "cannot be read", False)
        self.clock.advance(60)
        self.assertEqual((self.notices(), self.alerts), ([], []))
