"""Tests of mention patterns: which are refused, and that those which are not stay cheap."""

import time

from twisted.trial.unittest import SynchronousTestCase

from openclaw.routing.patterns import MOST_TEXT, fault, matches

GOOD = (
    r"\bclaw\b",
    "@?openclaw",
    "^(?:hey|hi|ok),? claw",
    "小助手|助理",
    r"hey\s{0,3},?\s{0,3}claw",
    ".*claw",
    "(ha){3}",
    "[a-z]+bot",
    "(?:ab)+c",
    "^$|x",
)
# Each is exponential, polynomial of a high degree, or of unknown cost.
BAD = (
    "(a+)+$",
    "(a|a)*b",
    "(a|aa)+$",
    "(.*)*x",
    ".*.*x",
    r"(\w+\s?)*$",
    "a*a*a*a*a*b",
    "a?" * 40 + "a" * 40,
    "((((a?){9}){9}){9}){9}b",
    "(a{0,500}){500}b",
    "(a{5000}|a{4999})*(b?){4000}",
    r"(\w)\1",
    "(?=a)a",
    "(?<=a)b",
    "(?>a*)b",
    "a++b",
    "(",
    "[",
    "*",
    "(?P<n>a)(?(n)b|c)",
    "",
    "x*",
    "a" * 201,
    "(" * 100 + "a" + ")" * 99,
)


class PatternTests(SynchronousTestCase):
    def test_what_is_refused(self) -> None:
        for pattern in GOOD[:-1]:
            self.assertEqual(fault(pattern), "", pattern)
        for pattern in BAD:
            self.assertNotEqual(fault(pattern), "", pattern)

    def test_what_was_let_through_is_cheap_on_any_text(self) -> None:
        texts = [one * MOST_TEXT for one in ("a", "ab", "hey ", "bot", " ", "小")]
        for pattern in (*GOOD, *BAD):
            before = time.thread_time()
            for text in texts:
                matches((pattern,), text)
            self.assertLess(time.thread_time() - before, 1.0, pattern)

    def test_a_bad_one_that_was_not_checked_matches_nothing(self) -> None:
        self.assertFalse(matches(("(a+)+$",), "a"))
        self.assertTrue(matches(("(a+)+$", "A"), "a"))
