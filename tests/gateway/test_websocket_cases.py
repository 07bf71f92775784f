"""Every WebSocket case, with the short cut and without: the same bytes, and the right ones."""

from itertools import pairwise
from typing import Any, ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientCreator, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from openclaw.gateway import fast_frames
from openclaw.protocol.base import encode
from openclaw.protocol.connect import Policy
from tests.gateway import wire
from tests.gateway.rig import Rig, connect_request
from tests.gateway.websocket_cases import CASES, MAX_PAYLOAD_BYTES, Case

POLICY = Policy(max_payload=MAX_PAYLOAD_BYTES)


def said(seen: wire.Seen) -> str:
    """One frame of the gateway in the words of the table."""
    if seen.opcode == wire.CLOSE:
        return f"close {seen.code}"
    if seen.opcode == wire.PONG:
        return f"pong {seen.payload.hex()}"
    answer = seen.json()
    return f"{'res' if answer['ok'] else 'refused'} {answer['id']}"


class Modes:
    """One gateway with the short cut and one without, in memory."""

    def __init__(self) -> None:
        self.rigs = [Rig(policy=POLICY, short_cut=short_cut) for short_cut in (True, False)]

    def outcomes(self, segments: tuple[bytes, ...]) -> list[tuple[bytes, bool]]:
        """What each wrote, and whether it gave the connection up."""
        found = []
        for rig in self.rigs:
            socket = rig.connect()
            socket.feed(*segments)
            rig.turn()
            found.append((socket.transport.value(), socket.transport.gone))
            socket.lose()
        return found


class ExactSegmentTests(SynchronousTestCase):
    """In memory, where a segment is exactly what it says."""

    def setUp(self) -> None:
        self.modes = Modes()

    def test_every_case_is_answered_alike_and_rightly(self) -> None:
        for case in CASES:
            with_it, without = self.modes.outcomes(case.segments)
            self.assertEqual(with_it, without, case.name)
            self.assertEqual(tuple(map(said, wire.frames(with_it[0]))), case.expect, case.name)

    def test_names_are_unique(self) -> None:
        self.assertEqual(len({case.name for case in CASES}), len(CASES))

    def test_the_short_cut_is_taken(self) -> None:
        taken: list[int] = []
        unmask = fast_frames.unmask

        def counted(data: bytes, start: int, stop: int) -> bytes:
            taken.append(stop - start)
            return unmask(data, start, stop)

        self.patch(fast_frames, "unmask", counted)
        case = next(case for case in CASES if case.name == "10 a hundred in one segment")
        self.modes.outcomes(case.segments)
        self.assertEqual(len(taken), 100)


class PlantedFaultTests(SynchronousTestCase):
    """A short cut that breaks a rule is caught by the table."""

    def caught(self) -> list[str]:
        """The cases that tell the two modes apart."""
        modes = Modes()
        found = []
        for case in CASES:
            try:
                with_it, without = modes.outcomes(case.segments)
            except Exception:  # A fault may do anything.
                found.append(case.name)
            else:
                if with_it != without:
                    found.append(case.name)
        return found

    def plant(self, find: object) -> None:
        """Put another ``ordinary_frame`` in the place of the real one."""
        self.patch(fast_frames, "ordinary_frame", find)

    def test_ignoring_reserved_bits_is_caught(self) -> None:
        real = fast_frames.ordinary_frame

        def careless(data: bytes, start: int, end: int) -> tuple[int, int] | None:
            if end - start > 2 and data[start] & 0x8F == 0x81:
                data = data[:start] + b"\x81" + data[start + 1 :]
            return real(data, start, end)

        self.plant(careless)
        self.assertIn("3 text with reserved bits 4", self.caught())

    def test_ignoring_the_length_rule_is_caught(self) -> None:
        def careless(data: bytes, start: int, end: int) -> tuple[int, int] | None:
            if end - start >= 8 and data[start : start + 2] == b"\x81\xfe":
                stop = start + 8 + int.from_bytes(data[start + 2 : start + 4], "big")
                return (start + 8, stop) if stop <= end else None
            return None

        self.plant(careless)
        self.assertIn("1 16 bits where none are needed", self.caught())

    def test_ignoring_utf8_is_caught(self) -> None:
        self.patch(fast_frames, "_is_utf8", lambda payload: True)
        caught = self.caught()
        self.assertTrue(caught)
        self.assertTrue(all(name.endswith("in params nobody reads") for name in caught), caught)

    def test_ignoring_an_open_fragment_is_caught(self) -> None:
        self.patch(fast_frames.FastFrames, "_between_messages", lambda self: not self.data)
        self.assertIn("5.17 the same, two segments", self.caught())

    def test_ignoring_half_a_header_is_caught(self) -> None:
        self.patch(
            fast_frames.FastFrames,
            "_between_messages",
            lambda self: self.current_frame is None and not self.inside_message,
        )
        self.assertEqual(self.caught(), ["10 a frame in mask and payload"])

    def test_ignoring_half_a_payload_is_caught(self) -> None:
        self.patch(fast_frames.FastFrames, "_between_messages", lambda self: not self.data)
        self.assertIn("10 a frame in a payload", self.caught())

    def test_ignoring_the_mask_bit_is_caught(self) -> None:
        real = fast_frames.ordinary_frame

        def careless(data: bytes, start: int, end: int) -> tuple[int, int] | None:
            if end - start > 2 and data[start] == 0x81 and data[start + 1] < 126:
                return start + 2, start + 2 + data[start + 1]
            return real(data, start, end)

        self.plant(careless)
        self.assertIn("1 unmasked text", self.caught())


_payloads = st.one_of(
    st.sampled_from([wire.request("a"), wire.request("ü🦞"), wire.request("b", size=200)]),
    st.sampled_from([b"", b"[]", b"x", b'{"type":"foo","id":"q"}', b"\xff", b"\xe2\x82"]),
    st.binary(max_size=140),
)
_ordinary = st.builds(
    lambda text, mask: wire.frame(wire.TEXT, text, mask=mask),
    _payloads,
    st.sampled_from([wire.MASK, b"\0\0\0\0", b"\xff\x01\x80\x7f"]),
)
_odd = st.builds(
    lambda opcode, payload, fin, rsv, mask: wire.frame(
        opcode, payload[:125], fin=fin, rsv=rsv, mask=mask
    ),
    st.sampled_from([0, 0, 0, 1, 1, 2, 3, 8, 9, 9, 10, 11]),
    _payloads,
    st.booleans(),
    st.sampled_from([0] * 9 + [1, 4]),
    st.sampled_from([wire.MASK] * 9 + [None]),
)
_streams = st.lists(st.one_of(_ordinary, _ordinary, _odd, st.binary(max_size=6)), max_size=12)


class RandomStreamTests(SynchronousTestCase):
    """Frames good and bad, cut anywhere."""

    modes: ClassVar[Modes]

    def setUp(self) -> None:
        type(self).modes = Modes()

    @settings(max_examples=300, deadline=None)
    @given(stream=_streams, data=st.data())
    def test_any_stream_cut_anywhere_looks_the_same(
        self, stream: list[bytes], data: st.DataObject
    ) -> None:
        whole = b"".join(stream)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
        ends = [0, *cuts, len(whole)]
        segments = tuple(whole[a:b] for a, b in pairwise(ends) if a < b)
        with_it, without = self.modes.outcomes(segments)
        self.assertEqual(with_it, without)
        list(wire.frames(with_it[0]))  # Whatever came in, what goes out is well formed.


class Driver(Protocol):
    """A client on a real TCP connection: sends segments, keeps every byte."""

    def __init__(self) -> None:
        self.received = b""
        self.lost: Deferred[None] = Deferred()
        self._wanted: tuple[int, Deferred[None]] | None = None

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        self._look()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._look(lost=True)
        self.lost.callback(None)

    def frames_seen(self) -> list[wire.Seen]:
        """The whole frames received so far."""
        try:
            return list(wire.frames(self.received))
        except (ValueError, IndexError):
            return []

    def until(self, count: int) -> Deferred[None]:
        """Fires when so many frames have come, or a close frame, or the end."""
        wanted: Deferred[None] = Deferred()
        self._wanted = (count, wanted)
        self._look()
        return wanted

    def _look(self, lost: bool = False) -> None:
        if self._wanted is None:
            return
        count, wanted = self._wanted
        seen = self.frames_seen()
        if lost or len(seen) >= count or (seen and seen[-1].opcode == wire.CLOSE):
            self._wanted = None
            wanted.callback(None)

    async def open(self) -> None:
        """Upgrade, shake hands, and forget what was received."""
        assert self.transport is not None
        self.transport.write(wire.upgrade())
        while b"\r\n\r\n" not in self.received:
            await deferLater(installed, 0)
        self.received = self.received.partition(b"\r\n\r\n")[2]
        await self.until(1)
        self.transport.write(wire.frame(wire.TEXT, encode(connect_request())))
        await self.until(2)
        self.received = b""

    async def play(self, case: Case) -> bytes:
        """Send the segments, each in a turn of its own; everything that comes back."""
        assert self.transport is not None
        await self.open()
        for segment in case.segments:
            self.transport.write(segment)
            await deferLater(installed, 0)
        await self.until(len(case.expect))
        self.transport.write(wire.close(1000))
        await self.lost
        return self.received


def listen(rig: Rig) -> Any:
    """Open a port of this machine."""
    reactor: Any = installed
    return reactor.listenTCP(0, rig.factory, interface="127.0.0.1")


class RealListenerTests(TestCase):
    """The same over TCP, on a real port."""

    timeout = 120

    def setUp(self) -> None:
        self.ports: list[int] = []
        for short_cut in (True, False):
            rig = Rig(policy=POLICY, turns=installed, short_cut=short_cut)
            port = listen(rig)
            self.addCleanup(port.stopListening)
            self.ports.append(port.getHost().port)

    async def outcome(self, port: int, case: Case) -> bytes:
        """Play one case on a new connection."""
        driver: Driver = await ClientCreator(installed, Driver).connectTCP("127.0.0.1", port)
        transport: Any = driver.transport
        transport.setTcpNoDelay(True)
        return await driver.play(case)

    async def check(self, group: str) -> None:
        """Play the cases of one group both ways."""
        played = 0
        for case in CASES:
            if case.name.split()[0].split(".")[0] != group:
                continue
            played += 1
            both = [await self.outcome(port, case) for port in self.ports]
            self.assertEqual(both[0], both[1], case.name)
            seen = tuple(map(said, wire.frames(both[0])))
            ended = bool(case.expect) and case.expect[-1].startswith("close")
            self.assertEqual(
                seen, case.expect if ended else (*case.expect, "close 1000"), case.name
            )
        self.assertGreater(played, 3)

    async def test_1_framing(self) -> None:
        await self.check("1")

    async def test_2_pings(self) -> None:
        await self.check("2")

    async def test_3_reserved_bits(self) -> None:
        await self.check("3")

    async def test_4_opcodes(self) -> None:
        await self.check("4")

    async def test_5_fragments(self) -> None:
        await self.check("5")

    async def test_6_utf8(self) -> None:
        await self.check("6")

    async def test_7_closing(self) -> None:
        await self.check("7")

    async def test_9_sizes(self) -> None:
        await self.check("9")

    async def test_10_cuts(self) -> None:
        await self.check("10")
