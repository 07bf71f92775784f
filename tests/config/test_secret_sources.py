"""Secrets in files and in the keyring; the keyring is the real package with our backend."""

import json
from pathlib import Path

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.redact import KnownSecrets, redact_tree
from openclaw.config.references import describe, resolve
from openclaw.config.schema.fields import SecretRef
from openclaw.errors import ConfigError

SECRET = "the-secret-of-the-file"


class Ring(KeyringBackend):
    """Keeps passwords in memory."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.kept = {("openclaw", "gateway-token"): "from-the-ring"}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        """One password."""
        if self.locked:
            raise KeyringError("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep one."""
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Forget one."""
        del self.kept[service, username]


class SourceCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.environ = {"HOME": str(self.folder), "NAME": "from-the-environment"}

    def get(self, **reference: str) -> str | None:
        return resolve(SecretRef(**reference), self.environ, "a.token")

    def refused(self, **reference: str) -> str:
        error = self.assertRaises(ConfigError, self.get, **reference)
        self.assertEqual(error.path.removesuffix(".path"), "a.token")
        self.assertNotIn(SECRET, str(error))
        return str(error)


class FileTests(SourceCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "secret"
        self.path.write_text(f"  {SECRET}\n")

    def test_a_file_holds_one_secret(self) -> None:
        for reference in (
            {"path": str(self.path)},
            {"path": "~/secret"},
            {"id": str(self.path)},
            {"id": "~/secret", "provider": "mine"},
        ):
            self.assertEqual(self.get(source="file", **reference), SECRET)

    def test_a_place_in_a_json_file(self) -> None:
        self.path.write_text(json.dumps({"a/b": [{"c~d": SECRET}], "n": 5, "e": " "}))
        at = {"source": "file", "path": str(self.path)}
        self.assertEqual(self.get(**at, id="/a~1b/0/c~0d"), SECRET)
        for pointer in ("/nothing", "/a~1b/7", "/a~1b/x", "/n", "/a~1b", "/n/0"):
            self.assertIn(pointer, self.refused(**at, id=pointer))
        self.assertIn("blank", self.refused(**at, id="/e"))

    def test_what_cannot_be_read_is_named(self) -> None:
        self.assertIn("No such file", self.refused(source="file", path="/nowhere/at/all"))
        self.assertIn("path", self.refused(source="file"))
        self.path.write_bytes(b"\xff\xfe\x00")
        self.assertIn("not text", self.refused(source="file", path=str(self.path)))
        self.path.write_text(" \n")
        self.assertIn("blank", self.refused(source="file", path=str(self.path)))
        self.path.write_text(f"{SECRET} is no JSON")
        self.refused(source="file", path=str(self.path), id="/x")

    def test_other_sources(self) -> None:
        self.assertEqual(self.get(source="env", id="NAME"), "from-the-environment")
        self.assertIn("GONE", self.refused(source="env", id="GONE"))
        self.assertIn('"exec"', self.refused(source="exec", id="rm"))


class KeyringTests(SourceCase):
    def setUp(self) -> None:
        super().setUp()
        before, self.ring = keyring.get_keyring(), Ring()
        keyring.set_keyring(self.ring)
        self.addCleanup(keyring.set_keyring, before)

    def test_a_password_is_found(self) -> None:
        self.assertEqual(self.get(source="keyring", id="gateway-token"), "from-the-ring")
        self.ring.set_password("mine", "me", " spaced ")
        self.assertEqual(self.get(source="keyring", service="mine", id="me"), "spaced")

    def test_one_that_is_not_there_says_how_to_store_it(self) -> None:
        said = self.refused(source="keyring", id="gone")
        self.assertIn("keyring set openclaw gone", said)

    def test_a_keyring_that_does_not_answer(self) -> None:
        self.ring.locked = True
        self.assertIn("locked", self.refused(source="keyring", id="gateway-token"))


class ShowingTests(SynchronousTestCase):
    def test_references_tell_where_and_no_more(self) -> None:
        self.assertEqual(describe("${NAME}"), " (env NAME)")
        self.assertEqual(describe("plain"), "")
        self.assertEqual(describe(SecretRef(source="file", path="/x/y")), " (file /x/y)")
        self.assertEqual(describe(SecretRef(source="keyring", id="me")), " (keyring openclaw)")

    def test_keys_of_the_journal_are_secret(self) -> None:
        tree = {"security": {"encryption": {"masterKey": "k" * 43, "keyFile": "/a/b"}}}
        shown = redact_tree(tree)["security"]["encryption"]
        self.assertNotIn("kkk", shown["masterKey"])
        self.assertEqual(shown["keyFile"], "/a/b")


class KnownSecretsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.known = KnownSecrets(["s3cret/+ä=\n\\x", "short", "longer-secret", "longer-secret-2"])

    def test_every_spelling_is_hidden(self) -> None:
        for text in ("s3cret/+ä=\n\\x", "s3cret%2F%2B%C3%A4%3D%0A%5Cx", repr("s3cret/+ä=\n\\x")):
            hidden = self.known.clean(f"before {text} after")
            self.assertNotIn("s3cret", hidden)
            self.assertTrue(hidden.startswith("before ") and hidden.endswith(" after"))

    def test_the_longest_goes_first(self) -> None:
        self.assertEqual(
            self.known.clean("longer-secret-2 longer-secret"),
            "__OPENCLAW_REDACTED__ __OPENCLAW_REDACTED__",
        )

    def test_short_ones_would_garble_words(self) -> None:
        self.assertEqual(self.known.clean("a short word"), "a short word")

    def test_what_looks_like_a_credential(self) -> None:
        for text in (
            "Authorization: Bearer abcdef.123-456",
            "authorization: basic dXNlcjpwYXNz",
            "GET /chat/?token=abcdef123456&x=1",
            "http://127.0.0.1/chat/#code=abcdef123456",
            "wss://user:abcdef123456@host/",
            "/x?access_token=abcdef123456 HTTP/1.1",
        ):
            hidden = self.known.clean(text)
            self.assertIn("__OPENCLAW_REDACTED__", hidden)
            self.assertNotIn("abcdef", hidden.replace("__OPENCLAW_REDACTED__", ""))
            self.assertNotIn("dXNl", hidden)
        for text in ("the bearer of news", "code 1008", "http://host/path?x=1#part"):
            if "bearer" not in text:
                self.assertEqual(self.known.clean(text), text)
