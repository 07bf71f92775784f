"""What keeps an idle connection alive: ticks and pings in real time (rung 14)."""

import time
from itertools import pairwise

from tests.conformance.cases import LibraryCase
from tests.conformance.raw import RawSocket

_IDLE_SECONDS = 70


class KeepaliveTests(LibraryCase):
    """Seventy idle seconds, watched by two official clients and one raw socket."""

    def watch(self, raw: RawSocket) -> list[tuple[float, dict[str, object]]]:
        """Read a raw socket for the whole time: each frame with the second it came."""
        begun = time.monotonic()
        frames = []
        while (left := begun + _IDLE_SECONDS - time.monotonic()) > 0:
            if (frame := raw.receive(left)) is not None:
                frames.append((time.monotonic() - begun, frame))
            self.assertIsNone(raw.closed)
        return frames

    def test_idle_clients_stay(self) -> None:
        """Rung 14: a tick every 30 s, a ping every 25 s, ``seq`` without holes, no reconnect."""
        self.connect("a")
        self.connect("b", scopes=[])
        raw = self.dial()
        self.hello(raw)
        frames = self.watch(raw)

        ticks = [second for second, frame in frames if frame.get("event") == "tick"]
        self.assertGreaterEqual(len(ticks), 2)
        for first, second in pairwise(ticks):
            self.assertTrue(28 <= second - first <= 33, ticks)
        pings = raw.pings
        self.assertGreaterEqual(len(pings), 2)
        for before, after in pairwise(pings):
            self.assertTrue(23 <= after - before <= 29, pings)

        numbers = [frame["seq"] for _, frame in frames if "seq" in frame]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        for client in ("a", "b"):
            self.assertGreaterEqual(len(self.events(client, "tick")), 2, client)
        lines = self.library.collect()
        self.assertEqual([line for line in lines if "gap" in line or "closed" in line], [])
        self.assertEqual(len([line for line in lines if "hello" in line]), 2)
