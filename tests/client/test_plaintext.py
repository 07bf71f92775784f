"""Where plain ``ws://`` may go: forty addresses as typed, and where each of them really leads."""

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.client.address import parse_address
from openclaw.client.errors import UnsafeAddress
from openclaw.client.socket import SocketFactory

NEVER, FLAGGED, ALWAYS = "never", "with the flag", "always"
# The address as typed, the peer it resolved to, and when credentials may go there.
TABLE = (
    ("ws://127.0.0.1:18789", "127.0.0.1", ALWAYS),
    ("ws://localhost:18789", "127.0.0.1", ALWAYS),
    ("ws://localhost:18789", "::1", ALWAYS),
    ("ws://[::1]:18789", "::1", ALWAYS),
    ("127.0.0.1", "127.0.0.1", ALWAYS),
    ("http://127.9.9.9", "127.9.9.9", ALWAYS),
    ("ws://[::ffff:127.0.0.1]", "::ffff:127.0.0.1", ALWAYS),
    ("ws://loopback.example.org", "127.0.0.1", ALWAYS),
    ("wss://gw.example.org", "93.184.216.34", ALWAYS),
    ("https://gw.example.org", "93.184.216.34", ALWAYS),
    ("wss://192.168.1.20:18789", "192.168.1.20", ALWAYS),
    ("wss://[2001:db8::1]", "2001:4860:4860::8888", ALWAYS),
    ("ws://10.0.0.7", "10.0.0.7", FLAGGED),
    ("ws://172.16.0.1", "172.16.0.1", FLAGGED),
    ("ws://172.31.255.254", "172.31.255.254", FLAGGED),
    ("ws://192.168.1.20:18789", "192.168.1.20", FLAGGED),
    ("192.168.1.20:18789", "192.168.1.20", FLAGGED),
    ("ws://gateway.local", "192.168.1.20", FLAGGED),
    ("ws://gateway.tail1234.ts.net", "100.101.102.103", FLAGGED),
    ("ws://100.64.0.1", "100.64.0.1", FLAGGED),
    ("ws://169.254.10.10", "169.254.10.10", FLAGGED),
    ("ws://[fd12:3456::1]", "fd12:3456::1", FLAGGED),
    ("ws://router", "fe80::1%eth0", FLAGGED),
    ("ws://[::ffff:192.168.1.20]", "::ffff:192.168.1.20", FLAGGED),
    ("ws://gw.example.org", "93.184.216.34", NEVER),
    ("http://gw.example.org", "93.184.216.34", NEVER),
    ("gw.example.org", "93.184.216.34", NEVER),
    ("ws://gw.local", "93.184.216.34", NEVER),
    ("ws://localhost", "93.184.216.34", NEVER),
    ("ws://localhost.example.org", "93.184.216.34", NEVER),
    ("ws://127.0.0.1.example.org", "93.184.216.34", NEVER),
    ("ws://192.168.1.20.nip.example", "93.184.216.34", NEVER),
    ("ws://8.8.8.8", "8.8.8.8", NEVER),
    ("ws://172.32.0.1", "172.32.0.1", NEVER),
    ("ws://100.128.0.1", "100.128.0.1", NEVER),
    ("ws://11.0.0.1", "11.0.0.1", NEVER),
    ("ws://[2001:4860:4860::8888]", "2001:4860:4860::8888", NEVER),
    ("ws://[::ffff:8.8.8.8]", "::ffff:8.8.8.8", NEVER),
    ("ws://0.0.0.0", "0.0.0.0", NEVER),
    ("ws://255.255.255.255", "255.255.255.255", NEVER),
)


class _Peer:
    """A transport to one address that notes what is done with it."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.aborted = False
        self.written = b""

    def getPeer(self) -> "_Peer":
        """Its own peer."""
        return self

    getHost = getPeer

    def abortConnection(self) -> None:
        """Note the end."""
        self.aborted = True

    def write(self, data: bytes) -> None:
        """Note what leaves."""
        self.written += data

    def setTcpNoDelay(self, _: bool) -> None:
        """As Autobahn wants it."""


class PlaintextTests(SynchronousTestCase):
    """The client decides by the peer it has reached, never by what was typed."""

    def reached(self, url: str, peer: str, flag: bool) -> bool:
        """Whether a byte was sent there."""
        nobody: Any = None
        address = parse_address(url)
        factory = SocketFactory(address, nobody, Clock(), allow_plaintext_lan=flag)
        transport = _Peer(peer)
        socket: Any = factory.buildProtocol(nobody)
        socket.makeConnection(transport)
        if transport.aborted:
            self.failureResultOf(socket.opened, UnsafeAddress)
        self.assertNotEqual(transport.aborted, bool(transport.written), (url, peer))
        return bool(transport.written)

    def test_credentials_go_where_the_table_says_and_nowhere_else(self) -> None:
        self.assertEqual(len(TABLE), 40)
        for url, peer, when in TABLE:
            expected = {NEVER: (False, False), FLAGGED: (False, True), ALWAYS: (True, True)}[when]
            found = (self.reached(url, peer, False), self.reached(url, peer, True))
            self.assertEqual(found, expected, (url, peer))
