from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.fingerprints import (
    fingerprint,
    key_pin,
    read_fingerprints,
    read_key_pin,
    spelled,
)
from openclaw.config.pins import host_pins, remote_fingerprints
from openclaw.errors import ConfigError

DIGEST = sha256(b"certificate")
SPELLED = spelled(DIGEST.digest())
PIN = key_pin(b"key")


class FingerprintTests(SynchronousTestCase):
    def test_every_usual_spelling_is_read(self) -> None:
        digits = DIGEST.hexdigest()
        for text in (
            digits,
            digits.upper(),
            SPELLED,
            SPELLED.lower(),
            f"sha256:{digits}",
            f"SHA256:{SPELLED}",
            f"  {SPELLED}\n",
        ):
            self.assertEqual(read_fingerprints(text), (SPELLED,), text)
        self.assertEqual(fingerprint(b"certificate"), SPELLED)

    def test_several_are_read(self) -> None:
        other = fingerprint(b"other")
        for text in (f"{SPELLED},{other}", f"{SPELLED} {other}", f"{SPELLED}, {other},"):
            self.assertEqual(read_fingerprints(text), (SPELLED, other))

    def test_what_is_none_is_refused(self) -> None:
        digits = DIGEST.hexdigest()
        for text in ("", " ", ",", digits[:-1], digits + "0", digits[:-1] + "g", "sha1:" + digits):
            self.assertRaises(ValueError, read_fingerprints, text)
        self.assertRaises(ValueError, read_fingerprints, f"{SPELLED},{digits[2:]}")

    @given(st.text(max_size=80))
    def test_whatever_is_read_is_spelled_in_one_way(self, text: str) -> None:
        try:
            found = read_fingerprints(text)
        except ValueError:
            return
        self.assertEqual(read_fingerprints(",".join(found)), found)


class PinTests(SynchronousTestCase):
    def test_a_pin_is_read_as_it_is_written(self) -> None:
        self.assertEqual(read_key_pin(f" {PIN} "), PIN)
        for text in ("", "sha256/", PIN[:-2], PIN.replace("sha256", "sha1"), f"{PIN}A", SPELLED):
            self.assertRaises(ValueError, read_key_pin, text)

    def test_hosts_are_known_by_their_lowercase_name(self) -> None:
        pins = host_pins({"API.Example.com.": (PIN,), "[::1]": (PIN, PIN)})
        self.assertEqual(pins, {"api.example.com": (PIN,), "::1": (PIN, PIN)})

    def test_a_wrong_pin_or_host_names_its_place(self) -> None:
        for configured, path in (
            ({"a.example": (PIN, "x")}, 'connections.pins["a.example"][1]'),
            ({"a.example": ()}, 'connections.pins["a.example"]'),
            ({"https://a.example": (PIN,)}, 'connections.pins["https://a.example"]'),
            ({"a.example:443": (PIN,)}, 'connections.pins["a.example:443"]'),
            ({"*.example": (PIN,)}, 'connections.pins["*.example"]'),
        ):
            error: ConfigError = self.assertRaises(ConfigError, host_pins, configured)
            self.assertEqual(error.path, path)

    def test_the_remote_gateways_fingerprint(self) -> None:
        self.assertEqual(remote_fingerprints(None), ())
        self.assertEqual(remote_fingerprints(DIGEST.hexdigest()), (SPELLED,))
        error: ConfigError = self.assertRaises(ConfigError, remote_fingerprints, "abc")
        self.assertEqual(error.path, "gateway.remote.tlsFingerprint")
