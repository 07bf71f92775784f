"""The second factor: enrolled by its first code, every code good once, guessing stopped."""

import random
from collections.abc import Callable
from typing import Any

from pyotp import TOTP
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import Busy, Forbidden, GatewayError, StoreError
from openclaw.interfaces.storage import ITransaction
from openclaw.security.mfa.factor import SecondFactor
from openclaw.security.mfa.recovery import hash_of
from openclaw.storage.memory import MemoryStore

NOW = 1_795_160_010


def code_of(error: GatewayError) -> str:
    """The code of a refusal, which always has a next step."""
    assert error.details is not None
    assert str(error.details["next"]).endswith("."), error.details
    return str(error.details["code"])


class FactorCase(SynchronousTestCase):
    """A factor on a real journal in memory, with an app that has the secret."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.store = MemoryStore(self.clock)
        self.store.startService()
        self.random = random.Random(1)
        self.factor = self.make()

    def make(self) -> SecondFactor:
        """A factor as after a start."""
        factor = SecondFactor(
            self.store,
            clock=lambda: round(self.clock.seconds() * 1000),
            seconds=self.clock.seconds,
            random_bytes=self.random.randbytes,
            account="host",
        )
        self.successResultOf(factor.load())
        return factor

    def enrol(self) -> tuple[TOTP, tuple[str, ...]]:
        """Enrol an app; its first code is used, so the clock goes on by one step."""
        app = TOTP(self.factor.offer().secret)
        codes = self.successResultOf(self.factor.confirm(app.at(self.clock.seconds()), "cli"))
        self.clock.advance(30)
        return app, codes

    def now(self, app: TOTP) -> str:
        """What the app shows."""
        return app.at(self.clock.seconds())

    def good(self, code: str, name: str = "cli") -> None:
        """Show a good code."""
        self.successResultOf(self.factor.verify(code, name))

    def refused(self, code: str, name: str = "cli") -> str:
        """Show one that is not; the code of the refusal."""
        failure = self.failureResultOf(self.factor.verify(code, name), Forbidden, Busy)
        assert isinstance(failure.value, GatewayError)
        return code_of(failure.value)

    def raised(self, call: Callable[[], object]) -> str:
        """The code of what a call, or its Deferred, fails with."""
        try:
            result = call()
        except GatewayError as error:
            return code_of(error)
        assert isinstance(result, Deferred)
        failure = self.failureResultOf(result, GatewayError)
        assert isinstance(failure.value, GatewayError)
        return code_of(failure.value)


class EnrolmentTests(FactorCase):
    def test_nothing_is_enrolled_at_first(self) -> None:
        self.assertIsNone(self.factor.status().enrolled_at_ms)
        self.assertEqual(self.refused("123456"), "MFA_NOT_ENROLLED")

    def test_an_offer_is_nothing_until_its_first_code(self) -> None:
        app = TOTP(self.factor.offer().secret)
        self.assertEqual(self.refused(self.now(app)), "MFA_NOT_ENROLLED")
        self.assertIsNone(self.make().status().enrolled_at_ms)

    def test_the_first_code_enrols_and_is_used(self) -> None:
        app = TOTP(self.factor.offer().secret)
        code = self.now(app)
        recovery = self.successResultOf(self.factor.confirm(code, "cli"))
        status = self.factor.status()
        self.assertEqual((status.enrolled_at_ms, status.recovery_codes_left), (NOW * 1000, 10))
        self.assertEqual(len(set(recovery)), 10)
        self.assertEqual(self.refused(code), "MFA_CODE_INVALID")
        self.clock.advance(30)
        self.good(self.now(app))

    def test_a_wrong_first_code_enrols_nothing(self) -> None:
        offer = self.factor.offer()
        wrong = "000000" if TOTP(offer.secret).at(NOW) != "000000" else "000001"
        self.assertEqual(self.raised(lambda: self.factor.confirm(wrong, "x")), "MFA_CODE_INVALID")
        self.assertIsNone(self.factor.status().enrolled_at_ms)

    def test_an_offer_lasts_ten_minutes(self) -> None:
        app = TOTP(self.factor.offer().secret)
        self.clock.advance(600)
        confirm = self.factor.confirm(self.now(app), "cli")
        self.assertEqual(self.raised(lambda: confirm), "MFA_NOT_OFFERED")

    def test_a_newer_offer_replaces_the_older(self) -> None:
        old = TOTP(self.factor.offer().secret)
        self.factor.offer()
        confirm = self.factor.confirm(self.now(old), "cli")
        self.assertEqual(self.raised(lambda: confirm), "MFA_CODE_INVALID")

    def test_what_is_enrolled_is_not_replaced(self) -> None:
        """Else a stolen token would be enough to be rid of it."""
        app, _ = self.enrol()
        self.assertEqual(self.raised(self.factor.offer), "MFA_ALREADY_ENROLLED")
        confirm = self.factor.confirm(self.now(app), "cli")
        self.assertEqual(self.raised(lambda: confirm), "MFA_ALREADY_ENROLLED")

    def test_nothing_in_the_clear_that_need_not_be(self) -> None:
        """The journal has hashes of recovery codes; no repr has anything."""
        _, codes = self.enrol()

        def kept(tx: ITransaction) -> str:
            return bytes(tx.rows("select value from setting where name = 'mfa'")[0][0]).decode()

        row = self.successResultOf(self.store.read(kept))
        for code in codes:
            self.assertNotIn(code, row)
            self.assertIn(hash_of(code), row)
        self.successResultOf(self.factor.disable())
        offer = self.factor.offer()
        self.assertNotIn(offer.secret, repr(offer))

    def test_disabled_is_gone_also_after_a_start(self) -> None:
        app, _ = self.enrol()
        self.successResultOf(self.factor.disable())
        self.assertEqual(self.refused(self.now(app)), "MFA_NOT_ENROLLED")
        self.assertIsNone(self.make().status().enrolled_at_ms)


class CodeTests(FactorCase):
    def test_a_code_is_good_once(self) -> None:
        app, _ = self.enrol()
        code = self.now(app)
        self.good(code)
        self.assertEqual(self.refused(code), "MFA_CODE_INVALID")

    def test_a_code_stays_used_after_a_start(self) -> None:
        app, codes = self.enrol()
        code = self.now(app)
        self.good(code)
        self.good(codes[0])
        self.factor = self.make()
        self.assertEqual(self.refused(code), "MFA_CODE_INVALID")
        self.assertEqual(self.refused(codes[0]), "MFA_CODE_INVALID")
        self.assertEqual(self.factor.status().recovery_codes_left, 9)

    def test_an_older_code_is_void_once_a_newer_was_used(self) -> None:
        app, _ = self.enrol()
        older = self.now(app)
        self.clock.advance(30)
        self.good(self.now(app))
        self.assertEqual(self.refused(older), "MFA_CODE_INVALID")

    def test_blanks_in_a_code_do_not_matter(self) -> None:
        app, _ = self.enrol()
        code = self.now(app)
        self.good(f" {code[:3]} {code[3:]}\n")

    def test_each_recovery_code_is_good_once_in_any_spelling(self) -> None:
        _, codes = self.enrol()
        for index, code in enumerate(codes):
            spelling = (code, code.upper(), code.replace("-", " "), code.replace("-", ""))[
                index % 4
            ]
            self.good(spelling)
            self.assertEqual(self.refused(code, f"again-{index}"), "MFA_CODE_INVALID")
        self.assertEqual(self.factor.status().recovery_codes_left, 0)

    def test_no_code_is_no_guess(self) -> None:
        self.enrol()
        self.assertEqual({self.refused(" ") for _ in range(50)}, {"MFA_CODE_REQUIRED"})

    def test_nothing_is_accepted_that_could_not_be_stored(self) -> None:
        """And it is spent all the same: nobody gets a second try with it."""
        app, codes = self.enrol()
        code = self.now(app)
        self.store.stopService()
        for one in (code, codes[0]):
            self.failureResultOf(self.factor.verify(one, "cli"), StoreError)
            self.assertEqual(self.refused(one), "MFA_CODE_INVALID")
        self.failureResultOf(self.factor.disable(), StoreError)
        self.assertIsNotNone(self.factor.status().enrolled_at_ms)


class GuessingTests(FactorCase):
    def guess(self, times: int, name: Callable[[int], str]) -> list[str]:
        """Guess, a little later each time, never right by chance."""
        return [self.refused("12345", name(count)) for count in range(times)]

    def test_ten_wrong_ones_lock_one_name_for_five_minutes(self) -> None:
        """Loopback or not: whoever has stolen a token there could guess all day."""
        app, _ = self.enrol()
        codes = self.guess(20, lambda _: "127.0.0.1")
        self.assertEqual(codes, ["MFA_CODE_INVALID"] * 10 + ["MFA_RATE_LIMITED"] * 10)
        self.assertEqual(self.refused(self.now(app), "127.0.0.1"), "MFA_RATE_LIMITED")
        self.good(self.now(app), "another")
        self.clock.advance(300)
        self.good(self.now(app), "127.0.0.1")

    def test_many_names_share_thirty_an_hour(self) -> None:
        app, recovery = self.enrol()
        codes = self.guess(1000, lambda count: f"10.0.{count % 256}.{count // 256}")
        self.assertEqual(codes, ["MFA_CODE_INVALID"] * 30 + ["MFA_RATE_LIMITED"] * 970)
        self.assertEqual(self.refused(self.now(app), "cli"), "MFA_RATE_LIMITED")
        self.good(recovery[0], "cli")  # The owner has a way in that nobody guesses.
        self.clock.advance(3600)
        self.good(self.now(app))

    def test_slow_guessing_is_stopped_too(self) -> None:
        """Nine a minute would pass the first limit for ever."""
        self.enrol()
        looked_at = 0
        for _ in range(60):
            codes = self.guess(9, lambda _: "10.0.0.1")
            looked_at += codes.count("MFA_CODE_INVALID")
            self.clock.advance(60)
        self.assertLessEqual(looked_at, 31)

    def test_the_refusal_says_how_long(self) -> None:
        self.enrol()
        self.guess(10, lambda _: "x")
        failure: Any = self.failureResultOf(self.factor.verify("1", "x"), Busy)
        self.assertEqual(failure.value.retry_after_ms, 300_000)
        self.assertTrue(failure.value.retryable)
