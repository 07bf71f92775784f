"""Tests of the event reader: a table, and every way to split a stream."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.sse import EventReader, EventTooLong

TABLE = [
    ("one event", b"data: one\n\n", [b"one"]),
    ("no space after the colon", b"data:one\n\n", [b"one"]),
    ("only the first space goes", b"data:  one\n\n", [b" one"]),
    ("CRLF", b"data: one\r\n\r\ndata: two\r\n\r\n", [b"one", b"two"]),
    ("CR alone", b"data: one\r\rdata: two\r\r", [b"one", b"two"]),
    ("mixed line ends", b"data: one\r\n\ndata: two\n\r\n", [b"one", b"two"]),
    ("several data lines are one event", b"data: a\ndata\ndata: b\n\n", [b"a\n\nb"]),
    ("CRLF within an event", b"data: a\r\ndata: b\r\n\r\n", [b"a\nb"]),
    ("comments", b": hello\n\n:\ndata: one\n: and\n\n", [b"one"]),
    ("other fields", b"event: x\nid: 7\nretry: 1\nodd\ndata: one\n\n", [b"one"]),
    ("an error that is a field", b'error: {"code":1}\n\n', [b'{"error": {"code":1}}']),
    ("a field that only starts alike", b"database: one\n\n", []),
    ("byte order mark", b"\xef\xbb\xbfdata: one\n\n", [b"one"]),
    ("byte order mark only at the start", b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [b"a"]),
    ("blank lines", b"\n\n\ndata: one\n\n\n\n", [b"one"]),
    ("no last blank line", b"data: one\n\ndata: two\n", [b"one", b"two"]),
    ("no last line end", b"data: one\n\ndata: two", [b"one", b"two"]),
    ("empty data", b"data:\n\n", [b""]),
    ("nothing", b"", []),
]


def read(stream: bytes, cuts: list[int]) -> list[bytes]:
    """Feed a stream in pieces, end it, and return all events."""
    reader = EventReader()
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    events: list[bytes] = []
    for start, end in pairwise(places):
        events += reader.feed(stream[start:end])
    return events + reader.finish()


class TableTests(SynchronousTestCase):
    """What the events of a stream are."""

    def test_whole(self) -> None:
        for what, stream, events in TABLE:
            self.assertEqual(read(stream, []), events, what)

    def test_one_byte_at_a_time(self) -> None:
        for what, stream, events in TABLE:
            self.assertEqual(read(stream, list(range(len(stream)))), events, what)

    def test_event_is_there_with_its_last_byte(self) -> None:
        for end in (b"\n\n", b"\r\n\r\n", b"\r\r"):
            reader = EventReader()
            self.assertEqual(
                reader.feed(b"data: one" + end[:-1]), [] if end != b"\r\n\r\n" else [b"one"]
            )
            self.assertEqual(reader.feed(end[-1:]), [b"one"] if end != b"\r\n\r\n" else [])


class SplitTests(SynchronousTestCase):
    """Where a stream is cut makes no difference."""

    @settings(max_examples=150, deadline=None, database=None)
    @given(
        st.lists(
            st.sampled_from(
                [b"data: x", b"data:", b":", b"\r", b"\n", b"\r\n", b"\n\n", b"z", b"\xef\xbb\xbf"]
            ),
            max_size=30,
        ),
        st.lists(st.integers(0, 200), max_size=8),
    )
    def test_any_cut_gives_the_same_events(self, parts: list[bytes], cuts: list[int]) -> None:
        stream = b"".join(parts)
        self.assertEqual(read(stream, cuts), read(stream, []))


class LimitTests(SynchronousTestCase):
    """A server that does not end its line is not believed for ever."""

    def test_long_line(self) -> None:
        reader = EventReader(max_event_bytes=100)
        with self.assertRaises(EventTooLong):
            for _ in range(102):
                reader.feed(b"x")

    def test_long_event_of_short_lines(self) -> None:
        reader = EventReader(max_event_bytes=100)
        with self.assertRaises(EventTooLong):
            for _ in range(102):
                reader.feed(b"data: x\n")

    def test_many_short_events_are_no_long_one(self) -> None:
        reader = EventReader(max_event_bytes=10)
        for _ in range(100):
            self.assertEqual(reader.feed(b"data: x\n\n"), [b"x"])
