"""Sealed values open where they were sealed, unaltered, and nowhere else."""

import os
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.errors import KeyMissing, KeyWrong, StoreError
from openclaw.interfaces.storage import SEALED_MARK, ISealer
from openclaw.security.sealing.keys import Key, new_key
from openclaw.security.sealing.sealer import CHACHA20_POLY1305, Sealer
from openclaw.security.sealing.sources import GivenKeys

ONE, TWO = Key(b"1" * 32), Key(b"2" * 32)
PURPOSES = st.sampled_from(["message.body", "message.bod", "input.body", "input.result", "x"])
ROW_IDS = st.sampled_from(["r1", "r2", "", "ymessage.body", "r1\x1foperator"])
FULL = settings(max_examples=2500, deadline=None, database=None)


def sealer(*keys: Key, **more: Any) -> Sealer:
    made = Sealer(GivenKeys(" ".join(key.text() for key in keys), "the test"), os.urandom, **more)
    made.unlock(b"")
    return made


class SealerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.sealer = sealer(ONE)

    def refused(self, purpose: str, row_id: str, data: bytes) -> str:
        error = self.assertRaises(StoreError, self.sealer.open, purpose, row_id, data)
        return str(error)

    def test_provides_the_interface(self) -> None:
        verifyObject(ISealer, self.sealer)

    def test_what_was_sealed_opens(self) -> None:
        for algorithm in (self.sealer.algorithm, CHACHA20_POLY1305):
            one = sealer(ONE, algorithm=algorithm)
            for data in (b"", b"{}", bytes(range(256)) * 300):
                sealed = one.seal("message.body", "m1", data)
                self.assertEqual(one.open("message.body", "m1", sealed), data)
                self.assertEqual(self.sealer.open("message.body", "m1", sealed), data)

    def test_nothing_shows(self) -> None:
        sealed = self.sealer.seal("message.body", "row-name", b"the secret of the test")
        for hidden in (b"secret", b"row-name", b"message", ONE.raw[:4]):
            self.assertNotIn(hidden, sealed)
        self.assertNotIn("111", repr(ONE))

    def test_the_same_value_never_looks_the_same(self) -> None:
        seen = Counter(self.sealer.seal("message.body", "m1", b"same")[13:] for _ in range(500))
        self.assertEqual(len(seen), 500)
        self.assertEqual(len({one[:12] for one in seen}), 500)

    def test_a_plain_value_is_refused(self) -> None:
        for plain in (b"", b"{}", b'{"role":"user"}', SEALED_MARK, SEALED_MARK + b"\x01" * 30):
            self.assertIn("not sealed", self.refused("message.body", "m1", plain))

    @FULL
    @given(PURPOSES, ROW_IDS, PURPOSES, ROW_IDS, st.binary(max_size=64))
    def test_moved_values_never_open(
        self, purpose: str, row: str, other: str, other_row: str, data: bytes
    ) -> None:
        sealed = self.sealer.seal(purpose, row, data)
        if (purpose, row) == (other, other_row):
            self.assertEqual(self.sealer.open(other, other_row, sealed), data)
        else:
            self.refused(other, other_row, sealed)

    @FULL
    @given(st.binary(max_size=64), st.data())
    def test_altered_values_never_open(self, data: bytes, draw: st.DataObject) -> None:
        sealed = bytearray(self.sealer.seal("message.body", "m1", data))
        at = draw.draw(st.integers(0, len(sealed) - 1))
        sealed[at] ^= draw.draw(st.integers(1, 255))
        self.refused("message.body", "m1", bytes(sealed))

    @FULL
    @given(st.binary(max_size=64), st.data())
    def test_cut_and_lengthened_values_never_open(self, data: bytes, draw: st.DataObject) -> None:
        sealed = self.sealer.seal("message.body", "m1", data)
        start = draw.draw(st.integers(0, len(sealed)))
        end = draw.draw(st.integers(start, len(sealed)))
        if (start, end) != (0, len(sealed)):
            self.refused("message.body", "m1", sealed[start:end])
        self.refused("message.body", "m1", sealed + draw.draw(st.binary(min_size=1, max_size=9)))

    @FULL
    @given(st.binary(max_size=64), st.binary(max_size=64), st.integers(1, 200))
    def test_parts_of_two_values_never_open(self, one: bytes, two: bytes, at: int) -> None:
        first = self.sealer.seal("message.body", "m1", one)
        second = self.sealer.seal("message.body", "m1", two)
        mixed = first[:at] + second[at:]
        if mixed not in (first, second):
            self.refused("message.body", "m1", mixed)

    def test_another_key_opens_nothing(self) -> None:
        sealed = sealer(TWO).seal("message.body", "m1", b"{}")
        self.assertIn("a key that is not there", self.refused("message.body", "m1", sealed))
        forged = sealed.replace(TWO.id, ONE.id)
        self.assertIn("altered or moved", self.refused("message.body", "m1", forged))

    def test_older_keys_open_and_do_not_seal(self) -> None:
        old = self.sealer.seal("message.body", "m1", b"{}")
        both = sealer(TWO, ONE)
        self.assertEqual(both.open("message.body", "m1", old), b"{}")
        new = both.seal("message.body", "m1", b"{}")
        self.assertTrue(both.is_current(new) and not both.is_current(old))
        self.assertFalse(both.is_current(b"{}"))
        self.refused("message.body", "m1", new)

    def test_the_right_key_is_told_from_a_wrong_one(self) -> None:
        known = self.sealer.seal("setting.value", "sealing", b"{}")
        other = Sealer(GivenKeys(TWO.text(), "the test"), os.urandom)
        error = self.assertRaises(KeyWrong, other.unlock, known)
        self.assertIn(ONE.name, str(error))
        self.assertNotIn(TWO.text(), str(error))
        self.assertFalse(isinstance(error, KeyMissing))

    def test_keys_of_purposes_differ(self) -> None:
        fresh = [new_key(os.urandom) for _ in range(3)]
        self.assertEqual(len({key.id for key in fresh}), 3)
        nonce = b"n" * 12
        fixed = Sealer(GivenKeys(ONE.text(), "the test"), lambda size: nonce[:size])
        fixed.unlock(b"")
        texts = {fixed.seal(purpose, "r", b"0" * 16)[25:41] for purpose in ("a", "b", "a.b")}
        self.assertEqual(len(texts), 3)
