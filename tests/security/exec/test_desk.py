"""Approvals: durable, bound, used once, short-lived, shown in full; over a real journal."""

from typing import Any

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.errors import ApprovalNotFound, Busy, InvalidRequest
from openclaw.interfaces.approvals import Consent, Danger, IApprovals
from openclaw.security.exec.binding import command_line, digest_of
from openclaw.security.exec.desk import MOST_OF_A_SESSION, MOST_PENDING, SECONDS, ApprovalDesk
from openclaw.storage.memory import MemoryStore

DANGER = Danger(
    node="n1", command="system.run", argv=("rm", "-r", "/tmp/x"), session_key="agent:main:main"
)
OTHERS = (
    evolve(DANGER, node="n2"),
    evolve(DANGER, command="system.which"),
    evolve(DANGER, argv=("rm", "-r", "/")),
    evolve(DANGER, argv=("rm", "-r /tmp/x")),
    evolve(DANGER, argv=("rm -r /tmp/x",)),
    evolve(DANGER, argv=()),
    evolve(DANGER, cwd="/"),
    evolve(DANGER, session_key="agent:main:other"),
    evolve(DANGER, node="n1system.run", command=""),
)


class Noted:
    """Writes down what is noted."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def note(self, kind: str, subject: str, /, **detail: Any) -> None:
        """See :meth:`IAudit.note`."""
        self.kinds.append(f"{kind} {detail['state']}")


class DeskCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.store.startService()
        self.addCleanup(lambda: self.store.stopService() if self.store.running else None)
        self.told: list[Consent] = []
        self.noted = Noted()
        self.number = 0
        self.desk = self.load()

    def make_id(self) -> str:
        self.number += 1
        return f"q{self.number}"

    def now_ms(self) -> int:
        return 1_800_000_000_000 + int(self.clock.seconds() * 1000)

    def load(self) -> ApprovalDesk:
        """The desk as it is after a restart."""
        desk = ApprovalDesk(self.store, self.noted, self.clock, self.now_ms, self.make_id)  # type: ignore[arg-type]
        desk.tell(self.told.append)
        self.successResultOf(desk.load())
        desk.startService()
        self.addCleanup(lambda: desk.stopService() if desk.running else None)
        return desk

    def request(self, danger: Danger = DANGER) -> Consent:
        return self.successResultOf(self.desk.request(danger))

    def resolve(self, consent_id: str, allow: bool = True) -> Consent:
        return self.successResultOf(self.desk.resolve(consent_id, allow, "device-1"))

    def consume(self, consent_id: str, danger: Danger = DANGER) -> bool:
        return self.successResultOf(self.desk.consume(consent_id, danger))


class AskTests(DeskCase):
    def test_it_keeps_its_word(self) -> None:
        verifyObject(IApprovals, self.desk)

    def test_permission(self) -> None:
        asking = self.desk.ask(DANGER)
        self.assertNoResult(asking)
        (waiting,) = self.desk.pending()
        self.resolve(waiting.id)
        self.assertEqual(self.successResultOf(asking), "allow-once")
        self.assertEqual([one.state for one in self.told], ["pending", "allowed"])
        self.assertEqual(self.told[1].decided_by, "device-1")
        self.assertEqual(
            self.noted.kinds, ["exec.approval.requested pending", "exec.approval.resolved allowed"]
        )

    def test_refusal(self) -> None:
        asking = self.desk.ask(DANGER)
        self.resolve("q1", allow=False)
        self.assertEqual(self.successResultOf(asking), "deny")
        self.assertFalse(self.consume("q1"))

    def test_nobody_decides(self) -> None:
        asking = self.desk.ask(DANGER)
        self.clock.advance(SECONDS)
        self.assertEqual(self.successResultOf(asking), "expired")
        self.assertEqual(self.desk.pending(), [])
        self.failureResultOf(self.desk.resolve("q1", True, "x"), ApprovalNotFound)
        self.assertFalse(self.consume("q1"))

    def test_question_that_nobody_waits_for_is_withdrawn(self) -> None:
        asking = self.desk.ask(DANGER)
        asking.cancel()
        self.failureResultOf(asking)
        self.assertEqual(self.desk.pending(), [])
        self.failureResultOf(self.desk.resolve("q1", True, "x"), ApprovalNotFound)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class BindTests(DeskCase):
    def test_permission_is_for_one_thing(self) -> None:
        self.request()
        self.resolve("q1")
        for other in OTHERS:
            self.assertFalse(self.consume("q1", other), other)
        self.assertEqual(len({digest_of(one) for one in (DANGER, *OTHERS)}), len(OTHERS) + 1)
        self.assertTrue(self.consume("q1"))

    def test_permission_is_for_one_time(self) -> None:
        self.request()
        self.resolve("q1")
        self.assertEqual([self.consume("q1") for _ in range(3)], [True, False, False])

    def test_only_the_first_decision_counts(self) -> None:
        self.request()
        self.resolve("q1", allow=False)
        self.failureResultOf(self.desk.resolve("q1", True, "x"), ApprovalNotFound)
        self.assertFalse(self.consume("q1"))

    def test_permission_ends_with_its_time(self) -> None:
        self.request()
        self.resolve("q1")
        self.clock.advance(SECONDS)
        self.assertFalse(self.consume("q1"))

    def test_nothing_is_permitted_that_waits_or_is_unknown(self) -> None:
        self.request()
        self.assertFalse(self.consume("q1"))
        self.assertFalse(self.consume("q9"))
        self.failureResultOf(self.desk.wait("q9"), ApprovalNotFound)


class KeepTests(DeskCase):
    def test_restart_keeps_what_waits_and_what_was_allowed(self) -> None:
        self.request()
        self.request(OTHERS[0])
        self.resolve("q1")
        self.successResultOf(self.desk.stopService())
        self.desk = self.load()
        self.assertEqual([one.id for one in self.desk.pending()], ["q2"])
        self.assertEqual(self.desk.pending()[0].danger, OTHERS[0])
        self.resolve("q2")
        self.assertEqual([self.consume("q1"), self.consume("q2", OTHERS[0])], [True, True])

    def test_restart_after_its_time_ends_it(self) -> None:
        self.request()
        self.successResultOf(self.desk.stopService())
        self.clock.advance(SECONDS)
        self.desk = self.load()
        self.assertEqual(self.desk.pending(), [])
        self.failureResultOf(self.desk.resolve("q1", True, "x"), ApprovalNotFound)

    def test_waiting_too_late_is_still_told(self) -> None:
        self.request()
        self.resolve("q1")
        self.assertEqual(self.successResultOf(self.desk.wait("q1")).state, "allowed")


class ShownTests(DeskCase):
    def test_what_cannot_be_shown_in_full_is_refused(self) -> None:
        self.request(evolve(DANGER, argv=("x" * 7_900,)))
        for danger in (
            evolve(DANGER, argv=("x" * 8_001,)),
            evolve(DANGER, argv=tuple("x" * 9_000)),
            evolve(DANGER, command="x" * 8_001),
            evolve(DANGER, cwd="x" * 8_001),
        ):
            error = self.failureResultOf(self.desk.request(danger), InvalidRequest)
            self.assertIn("too long to be approved", str(error.value))
        self.assertEqual(len(self.told), 1)

    def test_every_character_is_seen(self) -> None:
        hidden = "ls\u202e\u200b\n\r\x1b[2K\u2028\ufeff\u00a0;rm"
        text = command_line(evolve(DANGER, command=hidden))
        self.assertTrue(all(one.isprintable() for one in text), text)
        self.assertIn(r"\u{202e}\u{200b}", text)

    def test_arguments_are_seen_apart(self) -> None:
        lines = {command_line(evolve(DANGER, argv=argv)) for argv in (
            ("a", "b"), ("a b",), ('a" "b',), ("", "a", "b"), ("a\\", "b"),
        )}  # fmt: skip
        self.assertEqual(len(lines), 5)

    def test_floods_are_refused(self) -> None:
        """Whoever is asked a hundred times a minute no longer reads."""
        for number in range(MOST_OF_A_SESSION):
            self.request(evolve(DANGER, argv=(str(number),)))
        self.failureResultOf(self.desk.request(DANGER), Busy)
        for number in range(MOST_PENDING - MOST_OF_A_SESSION):
            self.request(evolve(DANGER, session_key=f"agent:main:{number // 5}"))
        self.failureResultOf(self.desk.request(evolve(DANGER, session_key="agent:new:x")), Busy)
        self.assertEqual(len(self.desk.pending()), MOST_PENDING)
