"""Tests of senders on chat platforms: a code each, a few at a time, let in once."""

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.errors import InvalidRequest, StoreError
from openclaw.interfaces.security import Approver, ISenders
from openclaw.security.code_desk import CodeDesk
from openclaw.security.pairing_codes import CodeMaker, Guesses
from openclaw.security.sender_codes import SenderCodes, sender_key
from openclaw.storage.memory import MemoryStore

PHIL = ("telegram", "main", "123")
HOUR = 3600


class SenderCodesTests(SynchronousTestCase):
    """On a journal that is opened again and again."""

    def setUp(self) -> None:
        """Nobody has written yet."""
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.store.startService()
        self.addCleanup(lambda: self.store.stopService() if self.store.running else None)
        self.senders = self.load()

    def load(self) -> SenderCodes:
        """The senders as they are after a restart."""
        senders = SenderCodes(
            self.store, CodeMaker(b"k" * 32), lambda: int(self.clock.seconds() * 1000)
        )
        self.successResultOf(senders.load())
        return senders

    def ask(self, channel: str, account: str, sender_id: str, name: str = "") -> Any:
        """Write; the code to show, if any."""
        return self.successResultOf(self.senders.ask(channel, account, sender_id, name))

    def approve(self, *who: str) -> Any:
        """Let somebody in."""
        return self.successResultOf(self.senders.approve(sender_key(*who)))

    def test_it_keeps_its_word(self) -> None:
        """The interface."""
        verifyObject(ISenders, self.senders)

    def test_from_a_stranger_to_a_guest(self) -> None:
        """One code while it is good; typed once, it lets this sender in and no other."""
        code = self.ask(*PHIL, "Phil " * 99)
        self.assertEqual(self.ask(*PHIL), code)
        (row,) = self.senders.pending()
        self.assertEqual((row.sender_id, row.expires_at_ms), ("123", HOUR * 1000))
        self.assertEqual(len(row.display_name), 120)
        self.assertEqual(self.load().pending(), [row])
        self.assertFalse(self.senders.is_approved(*PHIL))

        desk = CodeDesk({"sender": self.senders}, Guesses(self.clock.seconds))
        found = self.successResultOf(desk.find(code.lower(), Approver("owner", frozenset())))
        self.assertEqual(self.successResultOf(self.senders.approve(found.key)), row)
        for senders in (self.senders, self.load()):
            self.assertTrue(senders.is_approved(*PHIL))
            self.assertEqual((senders.pending(), senders.candidates()), ([], []))
        for other in (("telegram", "work", "123"), ("matrix", "main", "123"), ("a", "b", "1")):
            self.assertFalse(self.senders.is_approved(*other))
        self.assertIsNone(self.ask(*PHIL))
        self.failureResultOf(self.senders.approve(found.key), InvalidRequest)

    def test_three_wait_at_one_account(self) -> None:
        """The fourth gets no answer; those of another account do; nobody pushes anybody out."""
        codes = [self.ask("telegram", "main", str(number)) for number in range(4)]
        self.assertIsNone(codes[3])
        self.assertEqual(len(set(codes[:3])), 3)
        self.assertIsNotNone(self.ask("telegram", "work", "3"))
        self.assertEqual([row.sender_id for row in self.senders.pending()], ["0", "1", "2", "3"])
        self.assertEqual(len(self.senders.pending("matrix")), 0)
        self.approve("telegram", "main", "1")
        self.assertIsNotNone(self.ask("telegram", "main", "3"))

    def test_codes_end_and_are_replaced(self) -> None:
        """After an hour the place is free; whoever comes again gets another code."""
        first = self.ask(*PHIL)
        self.clock.advance(HOUR)
        self.assertEqual((self.senders.pending(), self.senders.candidates()), ([], []))
        self.ask("telegram", "main", "456")
        self.assertNotIn(PHIL[2], [row.sender_id for row in self.load().pending()])
        again = self.ask(*PHIL)
        self.assertNotEqual(again, first)
        self.clock.advance(HOUR)
        self.assertNotIn(self.ask(*PHIL), (first, again))

    def test_five_wrong_ones_make_it_void(self) -> None:
        """Also across restarts."""
        code = self.ask(*PHIL)
        for _ in range(5):
            self.successResultOf(self.senders.missed([sender_key(*PHIL)]))
            self.senders = self.load()
        self.assertEqual(self.senders.candidates(), [])
        self.assertNotEqual(self.ask(*PHIL), code)

    def test_wrong_codes_do_not_touch_guests(self) -> None:
        """Counting may come after the decision."""
        self.ask(*PHIL)
        self.approve(*PHIL)
        self.successResultOf(self.senders.missed([sender_key(*PHIL), "nobody"]))
        self.assertTrue(self.load().is_approved(*PHIL))

    def test_guests_can_be_sent_away(self) -> None:
        """They have to ask again."""
        self.ask(*PHIL)
        self.approve(*PHIL)
        self.assertTrue(self.successResultOf(self.senders.remove(*PHIL)))
        self.assertFalse(self.successResultOf(self.senders.remove(*PHIL)))
        self.assertFalse(self.load().is_approved(*PHIL))
        self.assertIsNotNone(self.ask(*PHIL))

    def test_a_broken_journal_lets_nobody_in(self) -> None:
        """And shows no code that would be forgotten."""
        self.ask(*PHIL)
        self.store.stopService()
        self.failureResultOf(self.senders.ask("telegram", "main", "456"), StoreError)
        self.failureResultOf(self.senders.approve(sender_key(*PHIL)), StoreError)
        self.assertFalse(self.senders.is_approved(*PHIL))
        self.assertEqual([row.sender_id for row in self.senders.pending()], ["123"])

    def test_names_of_senders_are_theirs_alone(self) -> None:
        """However they are cut."""
        self.assertEqual(
            len(
                {
                    sender_key("a", "b", "c,d"),
                    sender_key("a", 'b","c', "d"),
                    sender_key("a,b", "c", "d"),
                }
            ),
            3,
        )
