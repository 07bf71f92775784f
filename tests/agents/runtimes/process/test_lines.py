"""Lines out of a byte stream, whatever its pieces and however long one gets."""

import tracemalloc
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.process.lines import HEAD_BYTES, LineReader, TooLong


class LineTests(SynchronousTestCase):
    def test_lines_end_with_lf_only(self) -> None:
        text = '{"a":"\u2028\u2029\u0085"}\r\n\r\nb\rc\n'.encode()
        self.assertEqual(
            LineReader().feed(text), ['{"a":"\u2028\u2029\u0085"}'.encode(), b"", b"b\rc"]
        )

    def test_any_pieces_give_the_same_lines(self) -> None:
        random = Random(1)
        lines = [bytes(random.randrange(32, 127) for _ in range(random.randrange(40)))] * 50
        stream = b"".join(line + b"\n" for line in lines)
        for _ in range(50):
            reader, found, at = LineReader(), [], 0
            while at < len(stream):
                step = random.randrange(1, 60)
                found += reader.feed(stream[at : at + step])
                at += step
            self.assertEqual(found, lines)

    def test_a_line_of_the_limit_is_kept_and_one_byte_more_is_not(self) -> None:
        reader = LineReader(most_bytes=10)
        self.assertEqual(reader.feed(b"0123456789\n"), [b"0123456789"])
        self.assertEqual(reader.feed(b"01234567890\nab\n"), [TooLong(b"01234567890", 11), b"ab"])

    def test_a_hundred_megabytes_take_no_more_memory_than_the_limit(self) -> None:
        reader, piece = LineReader(most_bytes=1 << 20), b"x" * 65536
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for _ in range(1600):
            self.assertEqual(reader.feed(piece), [])
        (line,) = reader.feed(b"\n")
        assert isinstance(line, TooLong)
        self.assertEqual((line.size, len(line.head)), (1600 * 65536, HEAD_BYTES))
        self.assertLess(tracemalloc.get_traced_memory()[1], 3 << 20)
        self.assertEqual(reader.feed(b"next\n"), [b"next"])
