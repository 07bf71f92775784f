"""HTTP connections of strangers: bodies, patience, places."""

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import Request
from twisted.web.resource import Resource

from openclaw.http.channel import (
    BODY_BYTES,
    BODY_SECONDS,
    CLOSE_SECONDS,
    HEAD_SECONDS,
    IDLE_SECONDS,
    LINGER_SECONDS,
    PER_TURN,
    CarefulSite,
)
from openclaw.interfaces.security import Peer
from openclaw.security.sockets import WaitingSockets
from tests.http.exchanges import Answer, Connection, read_answer, request

PIECE = b"x" * 16_384


class Desk(Resource):
    """Takes letters at ``/letters`` from whoever has the word; tells how long they were."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[bytes, int]] = []

    def render(self, request: Request) -> bytes:
        """Answer."""
        assert request.content is not None
        body = request.content.read()
        self.seen.append((request.path, len(body)))
        if request.path == b"/letters" and not may_write(request):
            request.setResponseCode(401)
        elif request.method != b"GET" and request.path != b"/letters":
            request.setResponseCode(405)
        return b"%d" % len(body)


def may_write(request: Request) -> bool:
    """Whether the credentials are good."""
    return request.getHeader("authorization") == "Bearer word"


def body_limit(request: Request) -> int:
    """Judged by the head alone."""
    wanted = request.path == b"/letters" and request.method == b"POST" and may_write(request)
    return BODY_BYTES if wanted else 0


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class ChannelCase(SynchronousTestCase):
    """A site in memory."""

    def setUp(self) -> None:
        """Three connections for each client."""
        self.clock: Any = Clock()
        self.desk = Desk()
        self.places = WaitingSockets(per_client=3, total=5, local_total=5)
        self.site = CarefulSite(
            self.desk,
            lambda address: Peer(getattr(address, "host", ""), loopback=False),
            self.places,
            self.clock,
            body_limit,
        )
        self.open: list[Connection] = []

    def connect(self, host: str = "203.0.113.9") -> Connection:
        """One connection."""
        connection = Connection(self.site, host)
        self.open.append(connection)
        return connection

    def tearDown(self) -> None:
        """No timer and no place is left when all are gone."""
        for connection in self.open:
            connection.lose()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.places), 0)

    def post(self, connection: Connection, path: str = "/letters", **headers: str) -> None:
        """The head of a letter."""
        headers.setdefault("Authorization", "Bearer word")
        connection.feed(request(path, "POST", **headers))

    def ends(self, connection: Connection) -> None:
        """The connection is closed once the peer had its moment."""
        self.assertFalse(connection.transport.disconnecting)
        self.clock.advance(LINGER_SECONDS)
        self.assertTrue(connection.transport.disconnecting)


class WantedBodyTests(ChannelCase):
    """A route that takes a body, from who may send one."""

    def test_a_body(self) -> None:
        """In one piece, in many, chunked; and the connection stays."""
        connection = self.connect()
        self.post(connection, Content_Length="5")
        connection.feed(b"hello")
        self.assertEqual(connection.answer().body, b"5")
        self.post(connection, Content_Length=str(BODY_BYTES))
        for _ in range(BODY_BYTES // len(PIECE)):
            connection.feed(PIECE)
        self.assertEqual(connection.answer().body, b"%d" % BODY_BYTES)
        self.post(connection, Transfer_Encoding="chunked")
        connection.feed(chunk(b"abc") + chunk(b"de"))
        connection.feed(b"0\r\n\r\n")
        self.assertEqual(connection.answer().body, b"5")
        self.assertFalse(connection.transport.disconnecting)

    def test_announced_too_large(self) -> None:
        """413 before a byte of it."""
        connection = self.connect()
        self.post(connection, Content_Length=str(BODY_BYTES + 1))
        self.too_large(connection.answer())
        self.ends(connection)
        self.assertEqual(self.desk.seen, [])

    def test_chunks_without_end(self) -> None:
        """413 at the first byte too many; what still comes is thrown away, but not for ever."""
        connection = self.connect()
        self.post(connection, Transfer_Encoding="chunked")
        fed = 0
        while not connection.transport.value():
            connection.feed(chunk(PIECE))
            fed += len(PIECE)
        self.assertEqual(fed, BODY_BYTES + len(PIECE))
        self.too_large(connection.answer())
        for _ in range(BODY_BYTES // len(PIECE)):
            self.assertFalse(connection.transport.aborted)
            connection.feed(chunk(PIECE))
        self.assertTrue(connection.transport.aborted)
        self.assertEqual(connection.taken(), b"")
        self.assertEqual(self.desk.seen, [])

    def test_one_chunk_that_is_too_large(self) -> None:
        """Counted as it comes, not when it is whole."""
        connection = self.connect()
        self.post(connection, Transfer_Encoding="chunked")
        connection.feed(b"ffffffff\r\n")
        for _ in range(BODY_BYTES // len(PIECE) + 1):
            connection.feed(PIECE)
        self.too_large(connection.answer())
        self.ends(connection)

    def test_too_slow(self) -> None:
        """Ten seconds for a body, however steadily it drips."""
        connection = self.connect()
        self.post(connection, Content_Length="1000")
        for _ in range(int(BODY_SECONDS) - 1):
            connection.feed(b"x")
            self.clock.advance(1)
        self.assertEqual(connection.taken(), b"")
        self.clock.advance(1)
        self.assertEqual(connection.answer().status, 408)
        self.ends(connection)
        self.assertEqual(self.desk.seen, [])

    def test_asked_for_before_it_is_sent(self) -> None:
        """Only a body that will be read is asked for."""
        connection = self.connect()
        self.post(connection, Content_Length="5", Expect="100-continue")
        self.assertEqual(connection.taken(), b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.feed(b"hello")
        self.assertEqual(connection.answer().body, b"5")

    def too_large(self, answer: Answer) -> None:
        """413, and that the connection ends."""
        self.assertEqual(answer.status, 413)
        self.assertEqual(answer.headers["connection"], "close")
        self.assertEqual(answer.document["error"]["type"], "content_too_large")


class UnwantedBodyTests(ChannelCase):
    """A body that nobody reads."""

    def test_credentials_are_judged_by_the_head(self) -> None:
        """401 while the body is still on its way."""
        for how in ({"Content_Length": "5"}, {"Transfer_Encoding": "chunked"}):
            connection = self.connect()
            self.post(connection, Authorization="Bearer guess", **how)
            answer = connection.answer()
            self.assertEqual(answer.status, 401)
            self.assertEqual(answer.headers["connection"], "close")
            self.ends(connection)
            connection.lose()

    def test_a_route_that_takes_none(self) -> None:
        """Answered at once; the body goes nowhere, and no later request is read out of it."""
        for method, status in (("POST", 405), ("GET", 200)):
            connection = self.connect()
            connection.feed(request("/healthz", method, Content_Length="100"))
            self.assertEqual(connection.answer().status, status)
            connection.feed(request("/letters"))
            self.assertEqual(connection.taken(), b"")
            connection.lose()
        self.assertEqual(self.desk.seen, [(b"/healthz", 0), (b"/healthz", 0)])

    def test_too_large_is_said_everywhere(self) -> None:
        """413 on any route."""
        connection = self.connect()
        self.post(connection, "/healthz", Content_Length=str(10 * 1024**3))
        self.assertEqual(connection.answer().status, 413)

    def test_nothing_is_asked_for(self) -> None:
        """No ``100 Continue`` for who may not send it."""
        connection = self.connect()
        self.post(connection, Authorization="Bearer x", Content_Length="5", Expect="100-continue")
        self.assertEqual(connection.answer().status, 401)

    def test_a_length_that_is_no_number(self) -> None:
        """Nor a log full of tracebacks."""
        for length in ("-1", "1e3", "0x10", "9" * 5000, "", "5, 5"):
            connection = self.connect()
            head = b"POST /letters HTTP/1.1\r\nHost: h\r\nContent-Length: %s\r\n\r\n"
            connection.feed(head % length.encode())
            self.assertTrue(connection.taken().startswith(b"HTTP/1.1 400 "), length)
            connection.lose()
        self.assertEqual(self.desk.seen, [])


class PatienceTests(ChannelCase):
    """How long things may take."""

    def test_a_later_head_that_drips(self) -> None:
        """The first one's time is the port's business; the next one's is ours."""
        connection = self.connect()
        connection.ask("/a")
        self.clock.advance(30)
        for _ in range(int(HEAD_SECONDS)):
            self.assertFalse(connection.transport.aborted)
            connection.feed(b"G")
            self.clock.advance(1)
        self.assertTrue(connection.transport.aborted)

    def test_an_idle_connection_ends(self) -> None:
        """And is cut if its peer does not let it end."""
        connection = self.connect()
        connection.ask("/a")
        self.clock.advance(IDLE_SECONDS)
        self.assertTrue(connection.transport.disconnecting)
        self.clock.advance(CLOSE_SECONDS)
        self.assertTrue(connection.transport.aborted)

    def test_a_close_that_the_peer_does_not_end(self) -> None:
        """As over TLS it can keep one open: for a minute."""
        connection = self.connect()
        connection.ask("/a", Connection="close")
        self.assertTrue(connection.transport.disconnecting)
        self.assertEqual(len(self.places), 1)
        self.clock.advance(CLOSE_SECONDS)
        self.assertTrue(connection.transport.aborted)


class PipelineTests(ChannelCase):
    """Many requests in one segment."""

    def test_others_have_their_turn_in_between(self) -> None:
        """A few are answered at once, the next ones in the next turns, all in the end."""
        connection = self.connect()
        connection.feed(request("/a") * 1000 + request("/b")[:20])
        self.assertEqual(len(self.desk.seen), PER_TURN)
        self.assertEqual(connection.transport.producerState, "paused")
        connection.feed(request("/b")[20:])
        self.assertEqual(len(self.desk.seen), PER_TURN)
        self.clock.advance(0)
        self.assertEqual(len(self.desk.seen), 1001)
        self.assertEqual(connection.taken().count(b"HTTP/1.1 200 "), 1001)
        self.assertEqual(connection.transport.producerState, "producing")

    def test_who_leaves_in_between(self) -> None:
        """Gets no more, and leaves nothing."""
        connection = self.connect()
        connection.feed(request("/a") * 100)
        connection.lose()
        self.clock.advance(0)
        self.assertEqual(len(self.desk.seen), PER_TURN)


class PlaceTests(ChannelCase):
    """How many connections there may be."""

    def test_places(self) -> None:
        """One too many is told so; a place is free again when a connection is gone."""
        held = [self.connect() for _ in range(3)]
        late = self.connect()
        self.assertEqual(read_answer(late.taken()).status, 503)
        self.ends(late)
        late.feed(request("/a"))
        self.assertEqual(self.desk.seen, [])
        self.assertEqual(self.connect("203.0.113.10").ask("/a").status, 200)
        held[0].lose()
        self.assertEqual(self.connect().ask("/a").status, 200)
