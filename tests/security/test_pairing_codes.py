"""Tests of pairing codes: their form, their end, and that guessing them does not work."""

import random
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.errors import Busy, InvalidRequest
from openclaw.interfaces.security import Approver, CodeUse, ICodes
from openclaw.security.code_desk import CodeDesk
from openclaw.security.pairing_codes import (
    ALPHABET,
    LENGTH,
    LIFETIME_MS,
    MAX_WRONG,
    WRONG_PER_HOUR,
    CodeMaker,
    CodeState,
    Guesses,
    as_typed,
    find,
)

MAKER = CodeMaker(b"k" * 32)


class CodeTests(SynchronousTestCase):
    """How codes look, and how long they are good."""

    def test_form(self) -> None:
        """Eight of 32 signs that nobody confuses, 40 bits."""
        self.assertEqual((len(ALPHABET), len(set(ALPHABET)), LENGTH), (32, 32, 8))
        self.assertEqual(set("IO01") & set(ALPHABET), set())
        codes = {MAKER.code(f"device|{number}", CodeState(0, 0)) for number in range(2000)}
        self.assertEqual(len(codes), 2000)
        for code in codes:
            self.assertEqual((len(code), set(code) - set(ALPHABET)), (8, set()))
        self.assertEqual(set("".join(codes)), set(ALPHABET))

    def test_every_purpose_secret_and_round_has_its_own(self) -> None:
        """And each of them always the same."""
        base = MAKER.code("device|a", CodeState(0, 5))
        self.assertEqual(MAKER.code("device|a", CodeState(0, 99, 3)), base)
        others = {
            MAKER.code("sender|a", CodeState(0, 5)),
            MAKER.code("device|b", CodeState(0, 5)),
            MAKER.code("device|a", CodeState(0, 5).next(6)),
            CodeMaker(b"j" * 32).code("device|a", CodeState(0, 5)),
            base,
        }
        self.assertEqual(len(others), 5)

    def test_a_short_secret_is_refused(self) -> None:
        """Forty bits are worth what the secret is worth."""
        self.assertRaises(ValueError, CodeMaker, b"k" * 31)

    def test_good_for_an_hour_or_five_wrong_ones(self) -> None:
        """To the millisecond, to the try."""
        state = CodeState(0, 1000)
        self.assertTrue(state.is_good(1000 + LIFETIME_MS - 1))
        self.assertFalse(state.is_good(1000 + LIFETIME_MS))
        for _ in range(MAX_WRONG):
            self.assertTrue(state.is_good(1000))
            state = state.missed()
        self.assertFalse(state.is_good(1000))
        self.assertTrue(state.next(2000).is_good(2000))

    def test_as_people_type_it(self) -> None:
        """Any case, blanks, hyphens."""
        for typed in ("ABCD2345", "abcd-2345", " ab cd 23 45\n", "ABCD\u00a02345"):
            self.assertEqual(as_typed(typed), "ABCD2345")
        codes = [("a", "ABCD2345"), ("b", "WXYZ6789")]
        self.assertEqual(find("wxyz-6789", codes), "b")
        for typed in ("", "WXYZ678", "WXYZ67899", "\ud800", "\uff37XYZ6789"):
            self.assertIsNone(find(typed, codes))


class Shelf:
    """A book of codes that remembers what was missed."""

    def __init__(self, **codes: str) -> None:
        self.codes = codes
        self.wrong: list[list[str]] = []

    def candidates(self, channel: str = "") -> list[tuple[str, str]]:
        """All of them, or those that begin with a channel's name."""
        return [(key, code) for key, code in self.codes.items() if key.startswith(channel)]

    def missed(self, keys: Any) -> Deferred[None]:
        """Count."""
        self.wrong.append(list(keys))
        return succeed(None)


class DeskTests(SynchronousTestCase):
    """Where codes are typed."""

    def setUp(self) -> None:
        """Two books."""
        self.clock = Clock()
        self.devices = Shelf(d1="AAAA2222", d2="BBBB3333")
        self.senders = Shelf(telegram_1="CCCC4444", matrix_1="DDDD5555")
        books = {"device": self.devices, "sender": self.senders}
        self.desk = CodeDesk(books, Guesses(self.clock.seconds))

    def find(self, code: str, who: str = "phil", **where: str) -> Any:
        """What a code is for; an error if nobody shows it."""
        answer = self.desk.find(code, Approver(who, frozenset()), **where)
        results: list[Any] = []
        answer.addBoth(results.append)
        return getattr(results[0], "value", results[0])

    def test_it_keeps_its_word(self) -> None:
        """The interface."""
        verifyObject(ICodes, self.desk)

    def test_whose_code_it_is(self) -> None:
        """Among all, one kind, one channel."""
        self.assertEqual(self.find("bbbb-3333"), CodeUse("device", "d2"))
        self.assertEqual(self.find("CCCC4444"), CodeUse("sender", "telegram_1"))
        self.assertEqual(self.find("CCCC4444", kind="sender", channel="telegram").key, "telegram_1")
        self.assertIsInstance(self.find("CCCC4444", kind="device"), InvalidRequest)
        self.assertIsInstance(
            self.find("CCCC4444", kind="sender", channel="matrix"), InvalidRequest
        )

    def test_a_wrong_code_counts_for_every_code_it_could_have_been(self) -> None:
        """And only for those."""
        self.find("ZZZZ9999")
        self.assertEqual(self.devices.wrong, [["d1", "d2"]])
        self.assertEqual(self.senders.wrong, [["telegram_1", "matrix_1"]])
        self.find("ZZZZ9999", kind="sender", channel="matrix")
        self.assertEqual((len(self.devices.wrong), self.senders.wrong[1]), (1, ["matrix_1"]))

    def test_ten_wrong_ones_an_hour(self) -> None:
        """Then even the right one waits, for this approver alone, for as long as it says."""
        for _ in range(WRONG_PER_HOUR):
            self.assertIsInstance(self.find("ZZZZ9999"), InvalidRequest)
            self.clock.advance(60)
        error = self.find("AAAA2222")
        self.assertIsInstance(error, Busy)
        self.assertEqual(error.retry_after_ms, 3_000_001)
        self.assertEqual(len(self.devices.wrong), WRONG_PER_HOUR)
        self.assertEqual(self.find("AAAA2222", who="other").key, "d1")
        self.clock.advance(3000)
        self.assertEqual(self.find("AAAA2222").key, "d1")

    def test_memory_is_bounded(self) -> None:
        """Whoever comes under many names pushes out only the oldest of them."""
        guesses = Guesses(self.clock.seconds, capacity=3)
        for number in range(50):
            guesses.missed(str(number))
        self.assertEqual(len(guesses._wrong), 3)

    def test_brute_force_stops_at_the_limit(self) -> None:
        """S40: of a thousand guesses of one approver in an hour ten are looked at."""
        guess = random.Random(7)
        for _ in range(1000):
            self.find("".join(guess.choices(ALPHABET, k=LENGTH)))
        self.assertEqual(len(self.devices.wrong), WRONG_PER_HOUR)
        chance = WRONG_PER_HOUR * 256 / 32**LENGTH
        self.assertLess(chance, 1e-6)
