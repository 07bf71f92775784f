"""Sealed exports: they open where they were, with their key, and nowhere else."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import InvalidRequest
from openclaw.interfaces.exports import ExportPlace
from openclaw.security.sealing.exports import ExportSealing
from openclaw.security.sealing.keys import Key
from openclaw.security.sealing.sealer import AES_256_GCM, CHACHA20_POLY1305, Algorithm, Sealer
from openclaw.security.sealing.sources import GivenKeys, SessionKeyFile
from openclaw.storage.payloads import PAYLOADS

PLACE = ExportPlace("export-1", 3, last=False)
TEXT = '{"type":"message","message":"CANARY"}\n'


class ExportSealingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def sealing(self, algorithm: Algorithm = CHACHA20_POLY1305) -> ExportSealing:
        """One with a key file."""
        return ExportSealing(SessionKeyFile(self.path), algorithm, os.urandom, maybeDeferred)

    def sealed(self, algorithm: Algorithm = CHACHA20_POLY1305) -> bytes:
        found: bytes = self.successResultOf(self.sealing(algorithm).seal(PLACE, TEXT))
        return found

    def refusal(self, sealed: bytes, place: ExportPlace = PLACE) -> str:
        """Why it does not open."""
        opened: Deferred[Any] = self.sealing().open(place, sealed)
        message: str = self.failureResultOf(opened, InvalidRequest).value.message
        return message

    def test_both_algorithms_seal_and_either_opens(self) -> None:
        for algorithm, code in ((CHACHA20_POLY1305, 2), (AES_256_GCM, 1)):
            sealed = self.sealed(algorithm)
            self.assertEqual(sealed[4], code)
            self.assertNotIn(b"CANARY", sealed)
            self.assertEqual(self.successResultOf(self.sealing().open(PLACE, sealed)), TEXT)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertIn("exports", self.path.read_text())

    def test_it_opens_nowhere_else(self) -> None:
        sealed = self.sealed()
        for place in (
            evolve(PLACE, export_id="export-2"),
            evolve(PLACE, part=2),
            evolve(PLACE, last=True),  # What was cut off behind it.
        ):
            self.assertIn("part", self.refusal(sealed, place))

    def test_every_altered_byte_shows(self) -> None:
        sealed = self.sealed()
        for at in range(len(sealed)):
            altered = bytearray(sealed)
            altered[at] ^= 1
            self.refusal(bytes(altered))
        for length in range(len(sealed)):
            self.refusal(sealed[:length])

    def test_another_key_is_named_and_the_right_one_behind_it_opens(self) -> None:
        sealed = self.sealed()
        (old,) = SessionKeyFile(self.path).read()
        new = Key(os.urandom(32))
        SessionKeyFile(self.path).write([new])
        words = self.refusal(sealed)
        for named in (old.name, new.name, str(self.path)):
            self.assertIn(named, words)
        SessionKeyFile(self.path).write([new, old])
        self.assertEqual(self.successResultOf(self.sealing().open(PLACE, sealed)), TEXT)

    def test_a_key_that_is_gone_is_not_made_anew_to_open_something(self) -> None:
        sealed = self.sealed()
        self.path.unlink()
        self.assertIn("holds none", self.refusal(sealed))
        self.assertFalse(self.path.exists())

    def test_nothing_of_the_journal_opens_here(self) -> None:
        """One master key for both, and still another key for each purpose."""
        source = GivenKeys(Key(b"k" * 32).text(), "the test")
        journal = Sealer(source, os.urandom, CHACHA20_POLY1305)
        journal.use(source.read())
        sealing = ExportSealing(source, CHACHA20_POLY1305, os.urandom, maybeDeferred)
        names: list[Callable[[], str]] = [lambda: "export-1\x1f3\x1fmore", lambda: "x"]
        for payload in PAYLOADS:
            for name in names:
                value = journal.seal(payload.purpose, name(), TEXT.encode())
                self.failureResultOf(sealing.open(PLACE, value), InvalidRequest)
