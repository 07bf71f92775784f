"""The token file: made once, private, read back, never half there."""

import os
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.token import read_or_make_token, read_token, replace_token
from openclaw.errors import ConfigError, StartError


def zeros(count: int) -> bytes:
    return bytes(count)


def never(count: int) -> bytes:
    raise AssertionError("a token was made")


class TokenFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.state = Path(self.mktemp())
        self.path = self.state / "gateway" / "gateway-token"

    def mode(self, path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    def spoil(self, raw: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(raw)

    def test_a_token_is_made_from_the_random_source(self) -> None:
        self.assertEqual(read_or_make_token(self.path, zeros), "A" * 43)
        self.assertNotEqual(read_or_make_token(Path(self.mktemp()), os.urandom), "A" * 43)

    def test_it_is_the_owners_alone(self) -> None:
        old = os.umask(0)
        try:
            read_or_make_token(self.path, zeros)
        finally:
            os.umask(old)
        self.assertEqual(self.mode(self.path), 0o600)
        self.assertEqual(self.mode(self.path.parent), 0o700)
        self.assertEqual(self.mode(self.state), 0o700)

    def test_it_is_read_back_and_never_made_again(self) -> None:
        token = read_or_make_token(self.path, os.urandom)
        self.assertEqual(read_or_make_token(self.path, never), token)
        self.assertEqual(read_token(self.path), token)

    def test_nothing_else_is_left_behind(self) -> None:
        read_or_make_token(self.path, zeros)
        self.assertEqual(os.listdir(self.path.parent), ["gateway-token"])

    def test_reading_makes_nothing(self) -> None:
        self.assertIs(read_token(self.path), None)
        self.assertFalse(self.state.exists())

    def test_of_two_that_start_together_both_get_the_first(self) -> None:
        def interrupted(count: int) -> bytes:
            self.assertEqual(read_or_make_token(self.path, lambda size: b"\1" * size)[:2], "AQ")
            return bytes(count)

        self.assertEqual(read_or_make_token(self.path, interrupted)[:2], "AQ")
        self.assertEqual(os.listdir(self.path.parent), ["gateway-token"])

    def test_a_leftover_of_a_killed_start_is_replaced(self) -> None:
        self.spoil(b"")
        self.path.rename(self.path.with_name(f".{self.path.name}.{os.getpid()}"))
        self.assertEqual(read_or_make_token(self.path, zeros), "A" * 43)

    def test_a_file_that_others_can_read_is_closed_to_them(self) -> None:
        self.spoil(b"tok\n")
        self.path.chmod(0o644)
        self.assertEqual(read_or_make_token(self.path, never), "tok")
        self.assertEqual(self.mode(self.path), 0o600)

    def test_line_ends_are_not_part_of_it(self) -> None:
        for raw in (b"tok", b"tok\n", b"tok\r\n"):
            self.spoil(raw)
            self.assertEqual(read_token(self.path), "tok")

    def test_a_spoiled_file_is_explained_and_left_alone(self) -> None:
        for raw, words in (
            (b"", "is blank"),
            (b"\n", "is blank"),
            (b"  \n", "is blank"),
            (b"one\ntwo\n", "more than one line"),
            (b"one\n\n", "more than one line"),
            (b"one\rtwo", "more than one line"),
            (b"one two", "does not hold a token"),
            (b"\xff\xfe", "does not hold a token"),
            (b"t" * 5000, "does not hold a token"),
        ):
            self.spoil(raw)
            error = self.assertRaises(ConfigError, read_or_make_token, self.path, never)
            self.assertIn(words, str(error))
            self.assertIn("delete the file", str(error))
            self.assertNotIn("two", str(error))
            self.assertEqual(self.path.read_bytes(), raw)

    def test_a_place_that_cannot_be_written_is_explained(self) -> None:
        self.state.write_text("a file where the directory should be")
        error = self.assertRaises(StartError, read_or_make_token, self.path, zeros)
        self.assertIn("gateway-token", str(error))

    def test_another_one_takes_its_place(self) -> None:
        read_or_make_token(self.path, os.urandom)
        self.assertEqual(replace_token(self.path, zeros), "A" * 43)
        self.assertEqual(read_token(self.path), "A" * 43)
        self.assertEqual(self.mode(self.path), 0o600)
        self.assertEqual(os.listdir(self.path.parent), ["gateway-token"])

    def test_what_cannot_be_replaced_stays(self) -> None:
        self.path.mkdir(parents=True)
        with self.assertRaises(OSError):
            replace_token(self.path, zeros)
        self.assertEqual(os.listdir(self.path.parent), ["gateway-token"])
