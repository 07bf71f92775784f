"""Tests of openclaw.client.blocking_socket: frames on a real socket pair, byte for byte."""

import socket
from struct import pack

from twisted.trial.unittest import SynchronousTestCase

from openclaw.client.blocking_socket import BlockingSocket, Deadline
from openclaw.client.errors import ConnectionLost, NoAnswer

LENGTHS = (0, 1, 125, 126, 127, 65_535, 65_536, 100_000)


def frame(payload: bytes, opcode: int = 1, final: bool = True, masked: bool = False) -> bytes:
    """One frame as a server sends it."""
    first = (0x80 if final else 0) | opcode
    size = len(payload)
    bit = 0x80 if masked else 0
    if size < 126:
        head = pack("!BB", first, bit | size)
    elif size < 65_536:
        head = pack("!BBH", first, bit | 126, size)
    else:
        head = pack("!BBQ", first, bit | 127, size)
    return head + payload


def soon() -> Deadline:
    """A deadline that good tests do not reach."""
    return Deadline("the test", 5)


class FrameTests(SynchronousTestCase):
    """One end is ours."""

    def setUp(self) -> None:
        ours, self.peer = socket.socketpair()
        for end in (ours, self.peer):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            self.addCleanup(end.close)
        self.peer.settimeout(5)
        self.socket = BlockingSocket(ours)

    def sent(self) -> tuple[int, bytes]:
        """Read one frame of ours: first byte and unmasked payload."""
        first, second = self.exactly(2)
        self.assertTrue(second & 0x80, "a client must mask")
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(self.exactly(2 if size == 126 else 8))
        mask, payload = self.exactly(4), self.exactly(size)
        return first, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))

    def exactly(self, count: int) -> bytes:
        """Read so many bytes."""
        data = b""
        while len(data) < count:
            data += self.peer.recv(count - len(data))
        return data

    def test_every_length_is_sent_masked_and_whole(self) -> None:
        """All three forms of the length."""
        for length in LENGTHS:
            text = bytes(i % 251 for i in range(length))
            self.socket.send(text)
            self.assertEqual(self.sent(), (0x81, text))

    def test_every_length_is_received_whole(self) -> None:
        """And several frames in one segment stay apart."""
        for length in LENGTHS:
            self.peer.sendall(frame(b"x" * length) + frame(b"next"))
            self.assertEqual(self.socket.read(soon()), b"x" * length)
            self.assertEqual(self.socket.read(soon()), b"next")

    def test_one_byte_at_a_time_is_enough(self) -> None:
        """A deadline that passes in the middle of a frame loses nothing of it."""
        data = frame(b"on", final=False) + frame(b"y" * 126, opcode=0)
        for at in range(len(data) - 1):
            self.peer.sendall(data[at : at + 1])
            self.assertRaises(NoAnswer, self.socket.read, Deadline("the rest", 0.001))
        self.peer.sendall(data[-1:])
        self.assertEqual(self.socket.read(soon()), b"on" + b"y" * 126)

    def test_fragments_are_joined_and_pings_between_them_answered(self) -> None:
        """Control frames may come in the middle of a message."""
        self.peer.sendall(
            frame(b"one ", final=False)
            + frame(b"are you there", opcode=9)
            + frame(b"two ", opcode=0, final=False)
            + frame(b"unasked", opcode=10)
            + frame(b"three", opcode=0)
        )
        self.assertEqual(self.socket.read(soon()), b"one two three")
        self.assertEqual(self.sent(), (0x8A, b"are you there"))

    def test_a_close_is_answered_and_told(self) -> None:
        """With code and reason."""
        self.peer.sendall(frame(pack("!H", 1012) + b"service restart", opcode=8))
        with self.assertRaises(ConnectionLost) as caught:
            self.socket.read(soon())
        self.assertEqual(
            (caught.exception.code, caught.exception.reason), (1012, "service restart")
        )
        self.assertEqual(self.sent()[0], 0x88)

    def test_broken_rules_end_it(self) -> None:
        """Masked by the server, reserved bits, longer than any limit."""
        for data in (
            frame(b"x", masked=True),
            b"\xc1\x01x",
            pack("!BBQ", 0x81, 127, 1 << 40),
        ):
            self.setUp()
            self.peer.sendall(data)
            self.assertRaises(ConnectionLost, self.socket.read, soon())

    def test_a_cut_connection_is_told(self) -> None:
        """Not taken for an empty message."""
        self.peer.close()
        self.assertRaises(ConnectionLost, self.socket.read, soon())

    def test_silence_ends_at_the_deadline(self) -> None:
        """And the deadline names what was waited for."""
        with self.assertRaises(NoAnswer) as caught:
            self.socket.read(Deadline("health", 0.01))
        self.assertEqual(caught.exception.what, "health")

    def test_closing_twice_or_late_is_no_error(self) -> None:
        """The peer may be gone."""
        self.peer.close()
        self.socket.close()
        self.socket.close()
