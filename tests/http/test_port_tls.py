"""The same port behind TLS: the handshake counts as part of the first moments."""

import ssl
from datetime import UTC, datetime, timedelta

from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.tls import TlsSettings
from openclaw.http.port import HEAD_SECONDS
from openclaw.security.tls.contexts import ServerContexts
from openclaw.security.tls.pairs import make_pair
from tests.http.exchanges import Connection, Port, read_answer, request
from tests.security.tls.wire import trusting


class TlsPortTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.port = Port(self.mktemp())
        self.port.parts.door.ready = True
        self.clock = self.port.reactor
        pair = make_pair(["localhost"], datetime.now(UTC), timedelta(days=1))
        contexts = ServerContexts(TlsSettings(enabled=True), pair)
        self.factory = TLSMemoryBIOFactory(contexts, False, self.port.parts.factory, self.clock)

    def connect(self) -> Connection:
        return Connection(self.factory)

    def shaken(self, connection: Connection) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
        """Do the client's part of the handshake."""
        inbound, outbound = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = trusting().wrap_bio(inbound, outbound, server_hostname="localhost")
        for _ in range(3):
            try:
                client.do_handshake()
            except ssl.SSLWantReadError:
                connection.feed(outbound.read())
                inbound.write(connection.taken())
        return client, inbound, outbound

    def test_a_request_is_answered(self) -> None:
        connection = self.connect()
        client, inbound, outbound = self.shaken(connection)
        client.write(request("/healthz"))
        connection.feed(outbound.read())
        self.clock.advance(0.1)
        inbound.write(connection.taken())
        self.assertEqual(read_answer(client.read()).status, 200)
        connection.lose()

    def test_a_silent_client_is_dropped_at_every_step(self) -> None:
        for steps in ("nothing", "half a hello", "a handshake"):
            connection = self.connect()
            if steps == "half a hello":
                connection.feed(b"\x16\x03\x01\x02\x00\x01")
            elif steps == "a handshake":
                self.shaken(connection)
            self.clock.advance(HEAD_SECONDS - 1)
            self.assertFalse(connection.transport.aborted, steps)
            self.clock.advance(1)
            self.assertTrue(connection.transport.aborted, steps)
            connection.lose()
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_plain_text_is_no_way_in(self) -> None:
        connection = self.connect()
        connection.feed(request("/healthz"))
        self.assertNotIn(b"200", connection.taken())
        self.assertTrue(connection.transport.disconnecting or connection.transport.aborted)
