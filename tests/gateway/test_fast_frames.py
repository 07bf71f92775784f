"""Which frames the short cut reads, and that it undoes their mask; the rest is in the table."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.gateway.fast_frames import ordinary_frame, unmask
from tests.gateway import wire


class OrdinaryTests(SynchronousTestCase):
    def found(self, data: bytes, start: int = 0) -> bytes | None:
        """The payload of an ordinary frame."""
        where = ordinary_frame(data, start, len(data))
        return None if where is None else unmask(data, *where)

    def test_whole_masked_texts(self) -> None:
        for size in (1, 2, 124, 125, 126, 127, 1000, 65_535):
            text = b"x" * size
            self.assertEqual(self.found(wire.frame(wire.TEXT, text)), text)

    def test_in_the_middle_of_a_segment(self) -> None:
        first, second = (wire.frame(wire.TEXT, text) for text in (b"one", b"second"))
        self.assertEqual(self.found(first + second, len(first)), b"second")

    def test_whatever_else_is_left_alone(self) -> None:
        for data in (
            b"",
            wire.frame(wire.TEXT),
            wire.frame(wire.TEXT, b"x", mask=None),
            wire.frame(wire.TEXT, b"x", fin=False),
            wire.frame(wire.TEXT, b"x" * 65_536),
            wire.frame(wire.TEXT, b"x", form=16),
            wire.frame(wire.TEXT, b"x", form=64),
            wire.frame(wire.TEXT, b"x" * 65_535, form=64),
        ):
            self.assertIsNone(self.found(data), data[:20])
        for opcode, rsv in itertools.product(range(16), range(8)):
            if (opcode, rsv) != (wire.TEXT, 0):
                self.assertIsNone(self.found(wire.frame(opcode, b"x", rsv=rsv)))

    def test_every_part_of_a_frame_is_left_alone(self) -> None:
        for size in (1, 125, 126, 300):
            data = wire.frame(wire.TEXT, b"x" * size)
            for end in range(len(data)):
                self.assertIsNone(ordinary_frame(data, 0, end))
                self.assertIsNone(self.found(data[:end]))

    @given(payload=st.binary(min_size=1, max_size=300), mask=st.binary(min_size=4, max_size=4))
    def test_any_mask_is_undone(self, payload: bytes, mask: bytes) -> None:
        self.assertEqual(self.found(wire.frame(wire.TEXT, payload, mask=mask)), payload)
