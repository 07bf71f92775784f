"""Heads of requests: Autobahn and we read the same headers in them, whatever is hidden there."""

from autobahn.websocket.protocol import parseHttpHeader
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.gateway.heads import plain_head, read_headers

BREAKS = ("\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85")
PIECES = st.sampled_from(
    [
        *(one.encode("latin-1") for one in BREAKS),
        *(b"\r\n", b" ", b"\t", b":", b",", b"X-A", b"x-b", b"\x00", b"\xff", b"\xc3\x85", b""),
        *(b"X-Forwarded-For", b"127.0.0.1", b"Host"),
    ]
)
HEADS = st.lists(PIECES, max_size=30).map(lambda found: b"GET / HTTP/1.1\r\n" + b"".join(found))


def as_autobahn(head: bytes) -> dict[str, str]:
    """What Autobahn reads in a head that we wrote anew."""
    _, headers, _ = parseHttpHeader(plain_head(head))
    return {name: ",".join(text.split(", ")) for name, text in headers.items()}


class HeadTests(SynchronousTestCase):
    def both(self, *lines: str) -> dict[str, str]:
        """The headers of a head, which both of us read alike."""
        head = "\r\n".join(("GET / HTTP/1.1", *lines)).encode("latin-1")
        headers = read_headers(head)
        self.assertEqual(headers, as_autobahn(head))
        return headers

    def test_a_value_holds_no_header(self) -> None:
        for one in BREAKS:
            headers = self.both("Host: a", f"X-Foo: x{one}X-Auth-User: root", "X-Bar: y")
            self.assertEqual(set(headers), {"host", "x-foo", "x-bar"}, repr(one))

    def test_names_are_names(self) -> None:
        lines = ("X-Real-IP : 1", ": 2", "no colon", "x y: 3", "X-Fine: 4", "\x85X: 5")
        self.assertEqual(self.both(*lines), {"x-fine": "4"})

    def test_a_folded_line_is_part_of_the_one_before(self) -> None:
        headers = self.both("X-Foo: a", " X-Forwarded-For: 127.0.0.1", "\tb", "Host: c")
        self.assertEqual(headers, {"x-foo": "a X-Forwarded-For: 127.0.0.1 b", "host": "c"})

    def test_an_ordinary_head_stays_as_it_is(self) -> None:
        head = b"GET /chat?a=b HTTP/1.1\r\nHost: a:1\r\nCookie: n=\xc3\xa5\r\nOrigin: http://a:1"
        self.assertEqual(plain_head(head), head)

    @settings(max_examples=500, deadline=None, derandomize=True, database=None)
    @given(HEADS)
    def test_everybody_reads_the_same_names(self, head: bytes) -> None:
        self.assertEqual(set(read_headers(head)), set(as_autobahn(head)))
