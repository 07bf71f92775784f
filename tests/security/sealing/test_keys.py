"""Keys as people write them, and the file that keeps them."""

import os
import stat
from base64 import b64encode
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConfigError
from openclaw.security.sealing.keys import Key, read_keys
from openclaw.security.sealing.sources import GivenKeys, KeyFile

RAW = bytes(range(224, 256))
KEY = Key(RAW)


class ReadKeysTests(SynchronousTestCase):
    def test_spellings(self) -> None:
        spellings = (KEY.text(), RAW.hex(), RAW.hex().upper(), b64encode(RAW).decode())
        for text in (*spellings, f"# ours\n  {KEY.text()}  # the one\n\n"):
            self.assertEqual(read_keys(text, "here"), (KEY,))
        other = Key(b"x" * 32)
        for text in (f"{KEY.text()} {other.text()}", f"{RAW.hex()},{other.text()},{RAW.hex()}"):
            self.assertEqual(read_keys(text, "here"), (KEY, other))

    def test_what_is_no_key_is_not_repeated(self) -> None:
        for text in ("", "# nothing\n", "hunter2-hunter2", KEY.text()[:-1], RAW.hex()[:-2]):
            error = self.assertRaises(ConfigError, read_keys, text, "security.x")
            self.assertTrue(str(error).startswith("security.x: "))
            if len(text) > 12:
                self.assertNotIn(text[:12], str(error))


class KeyFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()) / "keys"
        self.file = KeyFile(self.path)

    def test_a_made_key_is_read_back_and_is_the_owner_s(self) -> None:
        self.assertEqual(self.file.read(), ())
        made = self.file.make(os.urandom)
        self.assertEqual(self.file.read(), made)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual([one.name for one in self.path.parent.iterdir()], ["keys"])

    def test_a_file_that_others_could_read_is_closed(self) -> None:
        self.file.make(os.urandom)
        self.path.chmod(0o644)
        self.file.read()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_writing_replaces_all(self) -> None:
        keys = (Key(b"a" * 32), Key(b"b" * 32))
        self.file.write(keys)
        self.assertEqual(self.file.read(), keys)
        self.file.write(keys[:1])
        self.assertEqual(self.file.read(), keys[:1])

    def test_a_spoiled_file_is_an_error(self) -> None:
        self.path.parent.mkdir()
        for text in (b"", b"no key", b"\xff\xfe"):
            self.path.write_bytes(text)
            self.assertRaises(ConfigError, self.file.read)

    def test_given_keys_are_never_written(self) -> None:
        given = GivenKeys(KEY.text(), "env NAME")
        self.assertEqual(given.read(), (KEY,))
        self.assertFalse(given.renewable)
        given.write(())
        self.assertEqual(given.read(), (KEY,))
