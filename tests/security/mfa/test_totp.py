"""One-time passwords against the published vectors, and against clocks that differ."""

from base64 import b32encode
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from pyotp import TOTP
from twisted.trial.unittest import SynchronousTestCase

from openclaw.security.mfa.totp import app_uri, is_password, matching_step, new_secret

SECRET = b32encode(b"12345678901234567890").decode()
# RFC 6238, appendix B, SHA-1, the last six digits.
VECTORS = (
    (59, "287082"),
    (1_111_111_109, "081804"),
    (1_111_111_111, "050471"),
    (1_234_567_890, "005924"),
    (2_000_000_000, "279037"),
    (20_000_000_000, "353130"),
)


class PasswordTests(SynchronousTestCase):
    def test_published_vectors(self) -> None:
        for seconds, password in VECTORS:
            step = matching_step(SECRET, password, seconds * 1000, -1)
            self.assertEqual(step, seconds // 30, password)

    def test_one_step_early_or_late_is_good_two_are_not(self) -> None:
        at = 1_111_111_111
        for steps, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
            password = TOTP(SECRET).at(at + 30 * steps)
            found = matching_step(SECRET, password, at * 1000, -1)
            self.assertEqual(found, at // 30 + steps if good else None, steps)

    def test_a_used_step_and_all_before_it_are_void(self) -> None:
        at = 1_111_111_111
        step = at // 30
        for made, last, good in (
            (step, step - 1, True),
            (step, step, False),
            (step - 1, step, False),
            (step + 1, step, True),
        ):
            password = TOTP(SECRET).generate_otp(made)
            self.assertEqual(matching_step(SECRET, password, at * 1000, last) == made, good)

    def test_the_first_seconds_of_the_epoch_are_no_special_case(self) -> None:
        self.assertEqual(matching_step(SECRET, TOTP(SECRET).at(0), 0, -1), 0)

    @given(st.text(max_size=12) | st.from_regex(r"[0-9]{6}", fullmatch=True))
    def test_anything_else_is_refused(self, text: str) -> None:
        at_ms = 1_111_111_111_000
        right = {TOTP(SECRET).generate_otp(at_ms // 30_000 + skew) for skew in (-1, 0, 1)}
        if text not in right:
            self.assertIsNone(matching_step(SECRET, text, at_ms, -1))

    def test_what_looks_like_a_password(self) -> None:
        for text, looks in (("012345", True), ("12345", False), ("1234567", False)):
            self.assertIs(is_password(text), looks)
        for text in ("١٢٣٤٥٦", "12 345", "abcdef", ""):
            self.assertFalse(is_password(text))

    def test_apps_are_told_the_secret_and_our_name(self) -> None:
        secret = new_secret(lambda count: bytes(range(count)))
        self.assertEqual(len(secret), 32)
        uri = urlsplit(app_uri(secret, "home server"))
        self.assertEqual((uri.scheme, uri.netloc), ("otpauth", "totp"))
        self.assertEqual(uri.path, "/OpenClaw:home%20server")
        told = parse_qs(uri.query)
        self.assertEqual((told["secret"], told["issuer"]), ([secret], ["OpenClaw"]))
