"""Tests of secret comparison and making."""

import random
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import openclaw.security
from openclaw.security.secrets import SharedSecret, new_id, new_token, same_secret


class SecretTests(SynchronousTestCase):
    """Nothing is trimmed, nothing is shown, and there is one comparison."""

    def test_equal_secrets_match(self) -> None:
        """The plain case, beyond ASCII too."""
        for secret in ("s", "pässwörd", "秘密", "x" * 10_000):
            self.assertTrue(same_secret(secret, secret))
            self.assertTrue(SharedSecret(secret).matches(secret))

    def test_blanks_make_another_secret(self) -> None:
        """The original trims; that is not copied."""
        secret = SharedSecret("token")
        for presented in (" token", "token ", "token\n", "\ttoken", "TOKEN", "toke", "token\0", ""):
            self.assertFalse(secret.matches(presented), presented)

    def test_a_lone_surrogate_is_only_wrong(self) -> None:
        """A presented text that is no valid Unicode must not raise."""
        self.assertFalse(SharedSecret("token").matches("\ud800"))

    def test_an_empty_secret_is_refused(self) -> None:
        """A gateway without a secret is mode none, never the empty secret."""
        self.assertRaises(ValueError, SharedSecret, "")

    def test_a_secret_does_not_show(self) -> None:
        """Whatever prints the object prints no secret."""
        self.assertNotIn(
            "hunter2", repr(SharedSecret("hunter2")) + str(vars(SharedSecret("hunter2")))
        )

    def test_tokens_come_from_the_random_source(self) -> None:
        """43 characters, base64url, as many bits as were drawn."""
        one, same = (new_token(random.Random(3).randbytes) for _ in range(2))
        self.assertEqual(one, same)
        self.assertRegex(one, r"\A[A-Za-z0-9_-]{43}\Z")
        self.assertRegex(
            new_id(random.Random(3).randbytes),
            r"\A[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z",
        )

    def test_compare_digest_is_called_in_one_module_only(self) -> None:
        """One secret comparison: everybody else calls it."""
        folder = Path(openclaw.security.__file__).parent
        users = {
            path.name
            for path in folder.glob("*.py")
            if re.search(r"compare_digest\(", path.read_text(encoding="utf-8"))
        }
        self.assertEqual(users, {"secrets.py"})
