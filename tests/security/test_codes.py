"""Tests of one-time sign-in codes."""

import random

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.security.codes import SignInCodes


class SignInCodeTests(SynchronousTestCase):
    """Once, soon, and only if it was made here."""

    def setUp(self) -> None:
        """Codes on a clock that stands still."""
        self.clock = Clock()
        self.clock.advance(1000)
        random_bytes = random.Random(1).randbytes
        self.codes = SignInCodes(lambda: int(self.clock.seconds() * 1000), random_bytes, limit=4)

    def test_a_code_works_once(self) -> None:
        """Asking whether it is good does not use it up; using it does."""
        code = self.codes.make().code
        self.assertTrue(self.codes.is_good(code) and self.codes.is_good(code))
        self.assertIsNotNone(self.codes.use(code))
        self.assertFalse(self.codes.is_good(code))
        self.assertIsNone(self.codes.use(code))

    def test_a_code_lives_ten_minutes(self) -> None:
        """To the second it names."""
        made = self.codes.make()
        self.assertEqual(made.expires_at_ms, 1_600_000)
        self.clock.advance(599)
        self.assertTrue(self.codes.is_good(made.code))
        self.clock.advance(1)
        self.assertFalse(self.codes.is_good(made.code))
        self.assertIsNone(self.codes.use(made.code))
        self.assertEqual(len(self.codes), 0)

    def test_codes_are_long_and_differ(self) -> None:
        """192 random bits, safe in a URL."""
        codes = {self.codes.make().code for _ in range(100)}
        self.assertEqual(len(codes), 100)
        for code in codes:
            self.assertRegex(code, r"\A[A-Za-z0-9_-]{32}\Z")

    def test_few_are_outstanding(self) -> None:
        """The oldest gives way."""
        codes = [self.codes.make().code for _ in range(5)]
        self.assertEqual([self.codes.is_good(code) for code in codes], [False] + [True] * 4)

    def test_a_code_can_be_given_back(self) -> None:
        """For a sign-in that could not be stored; the time limit stays."""
        made = self.codes.make()
        expires_at_ms = self.codes.use(made.code)
        assert expires_at_ms is not None
        self.codes.give_back(made.code, expires_at_ms)
        self.assertTrue(self.codes.is_good(made.code))
        self.clock.advance(600)
        self.assertFalse(self.codes.is_good(made.code))

    def test_wrong_codes_are_wrong(self) -> None:
        """Neighbours of a good code, and nothing at all."""
        code = self.codes.make().code
        for wrong in ("", code[:-1], code + "A", code.swapcase(), f" {code}", "\ud800"):
            self.assertFalse(self.codes.is_good(wrong), wrong)
