"""Tests of the caps on sockets that have not authenticated."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from openclaw.interfaces.security import Peer
from openclaw.security.sockets import WaitingSockets

FAR = Peer("192.0.2.7", loopback=False)
HERE = Peer("127.0.0.1", loopback=True)


class WaitingSocketsTests(SynchronousTestCase):
    """Places are few, shared fairly, and come back."""

    def setUp(self) -> None:
        """Three places each, five in all, four for this machine."""
        self.sockets = WaitingSockets(per_client=3, total=5, local_total=4)

    def enter(self, peer: Peer, times: int) -> int:
        """Try so often; count what was let in."""
        return sum(self.sockets.enter(peer) for _ in range(times))

    def test_one_client_has_its_own_cap(self) -> None:
        """Others still find a place, until all are taken."""
        self.assertEqual(self.enter(FAR, 10), 3)
        self.assertEqual(self.enter(evolve(FAR, address="192.0.2.8"), 10), 2)
        self.assertEqual(self.enter(evolve(FAR, address="192.0.2.9"), 10), 0)
        self.assertEqual(len(self.sockets), 5)

    def test_places_come_back(self) -> None:
        """Leaving makes room, and nothing is remembered of who left."""
        for _ in range(3):
            self.enter(FAR, 10)
            for _ in range(3):
                self.sockets.leave(FAR)
        self.assertEqual(len(self.sockets), 0)
        self.assertEqual(self.enter(FAR, 1), 1)

    def test_this_machine_has_its_own_total(self) -> None:
        """A full house outside leaves the owner's places free, and the other way round."""
        self.enter(FAR, 3)
        self.enter(evolve(FAR, address="192.0.2.8"), 3)
        self.assertEqual(self.enter(HERE, 10), 4)
        self.assertEqual(self.enter(evolve(HERE, forwarded=True), 10), 0)
        for _ in range(4):
            self.sockets.leave(HERE)
        self.assertEqual(len(self.sockets), 5)

    def test_a_v6_network_counts_once(self) -> None:
        """A /64 is one client; refused tries leave no trace."""
        peers = [evolve(FAR, address=f"2001:db8::{index:x}") for index in range(10)]
        self.assertEqual(sum(map(self.sockets.enter, peers)), 3)
        for _ in range(3):
            self.sockets.leave(peers[9])
        self.assertEqual(len(self.sockets), 0)
