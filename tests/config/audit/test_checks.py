"""Every check finds what was planted for it, and nothing else does."""

import string
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.audit.credentials import is_weak
from openclaw.config.audit.findings import Finding
from openclaw.config.audit.report import CHECKS, audit
from tests.config.audit.planted import GOOD, OTHER, PLANTED, Planted, install

ALWAYS = {"storage.plain"}
# What comes along by nature: these secrets have to stand in the file to be found there.
ALONG = {
    "files.config-readable": {"auth.plain-secret"},
    "files.root": {"files.foreign-owner"},
    "auth.hooks-token-shared": {"config.not-served"},
    "listen.real-ip": {"config.not-served"},
}


class CheckTests(SynchronousTestCase):
    def findings(self, planted: Planted) -> list[Finding]:
        home = Path(self.mktemp()).absolute()
        home.mkdir(mode=0o700)
        return audit(install(home, planted))

    def test_there_are_enough_and_each_has_a_name_of_its_own(self) -> None:
        self.assertGreaterEqual(len(CHECKS), 40)
        twice = [name for name, count in Counter(one.id for one in CHECKS).items() if count > 1]
        self.assertEqual(twice, [])

    def test_every_check_is_proved(self) -> None:
        self.assertEqual({one.id for one in CHECKS} - {one.id for one in PLANTED}, ALWAYS)

    def test_a_fresh_installation_has_nothing_but_things_to_know(self) -> None:
        findings = self.findings(Planted("nothing"))
        self.assertEqual({one.id for one in findings}, ALWAYS)
        self.assertEqual({one.severity for one in findings}, {"info"})

    def test_a_good_installation_that_others_can_reach(self) -> None:
        findings = self.findings(Planted("nothing", exposed=True))
        self.assertEqual({one.id for one in findings}, ALWAYS)

    def test_what_is_planted_is_found_and_nothing_else(self) -> None:
        severities = {one.id: one.severity for one in CHECKS}
        wrong = []
        for planted in PLANTED:
            found = [one for one in self.findings(planted) if one.id not in ALWAYS]
            found = [one for one in found if one.id not in ALONG.get(planted.id, ())]
            if planted.id == "files.foreign-owner":
                self.assertGreater(len(found), 3)
                del found[1:]
            if [(one.id, one.severity) for one in found] != [(planted.id, severities[planted.id])]:
                wrong.append((planted.id, found))
            self.show(found)
        self.assertEqual(wrong, [])

    def show(self, found: list[Finding]) -> None:
        """Each tells what, where and one next step; none tells a secret."""
        for one in found:
            self.assertTrue(one.what[0].isupper() or one.what[0].isdigit() or '"' in one.what)
            self.assertTrue(one.what.endswith("."), one.what)
            self.assertFalse(one.next.endswith("."), one.next)
            self.assertTrue(one.where)
            self.assertNotIn("{where}", one.next)
            for secret in (GOOD, OTHER, "hunter2", "openclaw-token-1"):
                self.assertNotIn(secret, repr(one))

    def test_the_worst_comes_first(self) -> None:
        changes = {"gateway": {"auth": {"mode": "none"}, "allowRealIpFallback": True}, "x": 1}
        severities = [one.severity for one in self.findings(Planted("", changes, exposed=True))]
        order = ("critical", "warn", "info")
        self.assertEqual(severities, sorted(severities, key=order.index))
        self.assertEqual(set(severities), set(order))


class WeakTests(SynchronousTestCase):
    def test_table(self) -> None:
        for weak in ("a", "token", "a" * 40, "openclaw-gateway-1", "12345678901234567890"):
            self.assertTrue(is_weak(weak), weak)
        for weak in ("password-password-password", "abcabcabcabcabcabcabc"):
            self.assertTrue(is_weak(weak), weak)
        for good in (GOOD, OTHER, "correct horse battery staple lamp"):
            self.assertFalse(is_weak(good), good)

    @given(st.text(string.ascii_letters + string.digits, min_size=1, max_size=12))
    def test_short_is_weak(self, secret: str) -> None:
        self.assertTrue(is_weak(secret))
