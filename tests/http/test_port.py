"""The port before anybody has said who he is: heads, patience, places, and the way on."""

import base64
from hashlib import sha1

from twisted.trial.unittest import SynchronousTestCase

from openclaw.gateway.heads import read_headers
from openclaw.http.port import HEAD_SECONDS, MAX_HEAD_BYTES, is_upgrade
from tests.http.exchanges import ELSEWHERE, HERE, Connection, Port, read_answer, request

KEY = base64.b64encode(b"0123456789abcdef").decode()
ACCEPT = base64.b64encode(
    sha1(KEY.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
).decode()
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Key": KEY,
    "Sec_WebSocket_Version": "13",
}


class PortCase(SynchronousTestCase):
    """A gateway in memory."""

    def setUp(self) -> None:
        self.port = Port(self.mktemp(), {"gateway": {"trustedProxies": ["10.0.0.0/8"]}})
        self.port.parts.door.ready = True
        self.clock = self.port.reactor

    def upgraded(self, connection: Connection) -> None:
        """The connection is a WebSocket now, and was asked for proof."""
        data = connection.taken()
        head, _, rest = data.partition(b"\r\n\r\n")
        answer = read_answer(head + b"\r\n\r\n")
        self.assertEqual(answer.status, 101, data)
        self.assertEqual(answer.headers["sec-websocket-accept"], ACCEPT)
        self.assertEqual(rest[0], 0x81)
        self.assertIn(b'"connect.challenge"', rest)


class HeadTests(PortCase):
    """The first request's head."""

    def test_byte_by_byte(self) -> None:
        connection = self.port.connect()
        for byte in request("/healthz"):
            connection.feed(bytes([byte]))
        self.assertEqual(connection.answer().status, 200)

    def test_too_large_in_one_piece(self) -> None:
        for extra in (b"", b"\r\n\r\n"):
            connection = self.port.connect()
            connection.feed(b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD_BYTES + extra)
            self.assertEqual(connection.answer().status, 431)
            self.assertTrue(connection.transport.disconnecting)
            connection.lose()

    def test_too_large_bit_by_bit(self) -> None:
        connection = self.port.connect()
        connection.feed(b"GET / HTTP/1.1\r\n")
        for _ in range(MAX_HEAD_BYTES // 100 + 1):
            if connection.transport.disconnecting:
                break
            connection.feed(b"X: " + b"x" * 95 + b"\r\n")
        self.assertEqual(connection.answer().status, 431)

    def test_too_large_for_an_upgrade(self) -> None:
        connection = self.port.connect()
        connection.feed(request("/", X="x" * MAX_HEAD_BYTES, **UPGRADE))
        self.assertEqual(connection.answer().status, 431)

    def test_large_enough(self) -> None:
        connection = self.port.connect()
        self.assertEqual(connection.ask("/healthz", X="x" * 12_000).status, 200)

    def test_slow_head_is_dropped(self) -> None:
        connection = self.port.connect()
        for _ in range(int(HEAD_SECONDS) - 1):
            connection.feed(b"G")
            self.clock.advance(1)
            self.assertFalse(connection.transport.aborted)
        self.clock.advance(1)
        self.assertTrue(connection.transport.aborted)
        connection.lose()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_silent_client_is_dropped(self) -> None:
        connection = self.port.connect()
        self.clock.advance(HEAD_SECONDS)
        self.assertTrue(connection.transport.aborted)

    def test_client_that_leaves_leaves_nothing(self) -> None:
        connection = self.port.connect()
        connection.feed(b"GET ")
        connection.lose()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_is_no_http_ends(self) -> None:
        for garbage in (
            b"\r\n\r\n",
            b"\x16\x03\x01\x02\r\n\r\n",
            b"GET\r\n\r\n",
            b"\0" * 50 + b"\r\n\r\n",
        ):
            connection = self.port.connect()
            connection.feed(garbage)
            self.assertTrue(connection.transport.disconnecting, garbage)
            connection.lose()


class BudgetTests(PortCase):
    """How many may be in their first moments."""

    def test_remote_client_has_a_limit(self) -> None:
        connections = [self.port.connect(ELSEWHERE) for _ in range(33)]
        self.assertEqual([one.transport.aborted for one in connections], [False] * 32 + [True])
        # Others are not shut out, and a place that is given back can be taken.
        self.assertFalse(self.port.connect("203.0.113.200").transport.aborted)
        connections[0].lose()
        self.assertFalse(self.port.connect(ELSEWHERE).transport.aborted)

    def test_this_machine_has_room(self) -> None:
        connections = [self.port.connect(HERE) for _ in range(500)]
        self.assertFalse(any(one.transport.aborted for one in connections))

    def test_places_come_back(self) -> None:
        """Whatever a connection becomes, it gives its place back."""
        for round_ in range(100):
            connection = self.port.connect(ELSEWHERE)
            self.assertFalse(connection.transport.aborted, round_)
            if round_ % 3 == 0:
                connection.ask("/healthz")
            elif round_ % 3 == 1:
                connection.feed(request("/", **UPGRADE))
            connection.lose()

    def test_sockets_without_proof_keep_their_place(self) -> None:
        connections = [self.port.connect(ELSEWHERE) for _ in range(32)]
        for one in connections:
            one.feed(request("/", **UPGRADE))
            self.upgraded(one)
        self.assertTrue(self.port.connect(ELSEWHERE).transport.aborted)


class UpgradeTests(PortCase):
    """From a request to a WebSocket."""

    def test_any_path(self) -> None:
        for path in ("/", "/ws", "/health", "/chat/", "/a/b?c=d", "/%ff", "/assets/x.js"):
            connection = self.port.connect()
            connection.feed(request(path, **UPGRADE))
            self.upgraded(connection)
            connection.lose()

    def test_same_path_without_upgrade_is_http(self) -> None:
        self.assertEqual(self.port.ask("/ws").status, 404)
        self.assertEqual(self.port.ask("/healthz").status, 200)

    def test_after_ordinary_requests(self) -> None:
        connection = self.port.connect()
        for _ in range(3):
            self.assertEqual(connection.ask("/healthz").status, 200)
        connection.feed(request("/ws", **UPGRADE))
        self.upgraded(connection)
        connection.lose()

    def test_unvouched_proxy_gets_no_websocket(self) -> None:
        for kept_alive in (False, True):
            connection = self.port.connect()
            if kept_alive:
                connection.ask("/healthz")
            connection.feed(request("/", X_Forwarded_For="198.51.100.4", **UPGRADE))
            answer = connection.answer()
            self.assertEqual(answer.status, 403)
            self.assertEqual(answer.document["error"]["type"], "proxy_attribution_required")
            connection.lose()

    def test_vouched_proxy_gets_one(self) -> None:
        connection = self.port.connect("10.1.2.3")
        connection.feed(request("/", X_Forwarded_For="198.51.100.4", **UPGRADE))
        self.upgraded(connection)

    def test_foreign_page_is_answered_in_the_handshake(self) -> None:
        """Its socket opens; what is wrong is said where a client can read it."""
        connection = self.port.connect()
        connection.feed(request("/", Origin="https://evil.example", **UPGRADE))
        self.upgraded(connection)

    def test_unanswered_upgrade_is_dropped(self) -> None:
        connection = self.port.connect()
        connection.feed(request("/", **UPGRADE))
        connection.taken()
        self.clock.advance(15)
        self.assertEqual(connection.taken(), b"\x88\x02\x03\xe8")
        connection.lose()


class ReadHeadersTests(SynchronousTestCase):
    """The head as a table."""

    def test_headers(self) -> None:
        head = b"GET / HTTP/1.1\r\nA: 1\r\nb:2 \r\nA: 3\r\nnothing\r\nC: x:y\r\nD : z"
        self.assertEqual(read_headers(head), {"a": "1,3", "b": "2", "c": "x:y"})

    def test_upgrade(self) -> None:
        self.assertTrue(is_upgrade({"upgrade": "WebSocket"}))
        self.assertTrue(is_upgrade({"upgrade": "h2c, websocket"}))
        self.assertFalse(is_upgrade({"upgrade": "h2c"}))
        self.assertFalse(is_upgrade({}))
