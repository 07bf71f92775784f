"""The end of the log: whole lines only, wherever a cursor stands."""

from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from openclaw.interfaces.monitoring import ILogs
from openclaw.monitoring.log_tail import LogTail, tail
from openclaw.protocol.schema.system import LogsTail, LogsTailParams


class TailTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def read(self, **params: Any) -> LogsTail:
        return tail(self.path, LogsTailParams(**params))

    def write(self, text: str) -> None:
        with self.path.open("a", encoding="utf-8", newline="") as log:
            log.write(text)

    def test_no_file(self) -> None:
        found = self.read(cursor=50)
        self.assertEqual((found.lines, found.cursor, found.size, found.reset), ([], 0, 0, False))

    def test_everything_then_what_is_new(self) -> None:
        self.write("one\ntwo\n")
        found = self.read()
        self.assertEqual((found.lines, found.cursor, found.size), (["one", "two"], 8, 8))
        self.assertEqual((found.truncated, found.reset, found.file), (False, False, str(self.path)))
        self.assertEqual(self.read(cursor=8).lines, [])
        self.assertEqual(self.read(cursor=8).cursor, 8)
        self.write("three\n")
        found = self.read(cursor=8)
        self.assertEqual((found.lines, found.cursor, found.truncated), (["three"], 14, False))

    def test_a_line_that_is_being_written_is_not_told_yet(self) -> None:
        self.write("one\nhal")
        found = self.read()
        self.assertEqual((found.lines, found.cursor, found.size), (["one"], 4, 7))
        self.assertEqual((self.read(cursor=4).lines, self.read(cursor=4).cursor), ([], 4))
        self.write("f\n")
        self.assertEqual(self.read(cursor=4).lines, ["half"])

    def test_a_cursor_in_the_middle_of_a_line(self) -> None:
        self.write("one\ntwo\nthree\n")
        self.assertEqual(self.read(cursor=5).lines, ["three"])
        self.assertEqual(self.read(cursor=4).lines, ["two", "three"])
        self.assertEqual((self.read(cursor=12).lines, self.read(cursor=12).cursor), ([], 14))

    def test_a_cursor_in_a_line_that_is_being_written_stays_where_it_is(self) -> None:
        self.write("one\nhalf of it")
        for cursor in (6, 14):
            self.assertEqual(self.read(cursor=cursor).cursor, cursor)
        self.write(" and the rest\nnext\n")
        self.assertEqual(self.read(cursor=6).lines, ["next"])

    def test_the_file_turned_over(self) -> None:
        self.write("new\n")
        found = self.read(cursor=500)
        self.assertEqual((found.lines, found.cursor, found.reset), (["new"], 4, True))

    def test_so_many_lines(self) -> None:
        self.write("".join(f"{number}\n" for number in range(10)))
        found = self.read(limit=3)
        self.assertEqual((found.lines, found.truncated, found.cursor), (["7", "8", "9"], True, 20))
        self.assertFalse(self.read(limit=10).truncated)

    def test_so_many_bytes(self) -> None:
        self.write("aaaa\nbbbb\ncccc\n")
        found = self.read(max_bytes=12)
        self.assertEqual((found.lines, found.truncated), (["bbbb", "cccc"], True))
        found = self.read(max_bytes=10)
        self.assertEqual(found.lines, ["bbbb", "cccc"], "a boundary is a boundary")
        self.assertEqual(self.read(max_bytes=4).lines, [])

    def test_a_line_longer_than_what_may_be_read(self) -> None:
        self.write("x" * 100)
        found = self.read(max_bytes=10)
        self.assertEqual((found.lines, found.truncated), ([], True))
        self.write("\nnext\n")
        self.assertEqual(self.read(cursor=found.cursor).lines, ["next"])

    def test_what_unicode_calls_a_line_end_is_none(self) -> None:
        self.write('{"message":"a\u2028b\x85c\x0bd"}\nnext\n')
        self.assertEqual(len(self.read().lines), 2)

    def test_bytes_that_are_no_text(self) -> None:
        self.path.write_bytes(b"\xff\xfe ok\nnext\n")
        self.assertEqual(self.read().lines, ["\ufffd\ufffd ok", "next"])

    @given(st.integers(0, 2**32))
    def test_a_reader_that_follows_sees_every_line_once(self, seed: int) -> None:
        random = Random(seed)
        self.path = Path(self.mktemp())
        written, seen, cursor = "", [], 0
        for number in range(30):
            piece = f"line {number} " + "é" * random.randrange(5)
            piece += random.choice(["\n", "", "\n\n"])
            self.write(piece)
            written += piece
            if random.random() < 0.5:
                found = self.read(cursor=cursor)
                seen += found.lines
                cursor = found.cursor
        seen += self.read(cursor=cursor).lines
        self.assertEqual(seen, written.split("\n")[:-1])


class ThreadTests(TestCase):
    timeout = 120

    async def test_reads_beside_the_reactor(self) -> None:
        path = Path(self.mktemp())
        path.write_text("one\n")
        logs = LogTail(path)
        self.assertTrue(verifyObject(ILogs, logs))
        reading = logs.read(LogsTailParams())
        assert isinstance(reading, Deferred)
        self.assertFalse(reading.called)
        self.assertEqual((await reading).lines, ["one"])
