"""How many sockets may wait for their handshake, per client and in all; holds no socket itself."""

from collections import Counter

from openclaw.interfaces.security import Peer
from openclaw.security.addresses import bucket


class WaitingSockets:
    """Count sockets that have not authenticated yet.

    Sockets of this machine have a total of their own: a flood from outside cannot shut the owner
    out, and a hundred local clients that reconnect at once are ordinary.

    :param per_client: of one remote client (:func:`bucket`).
    :param total: of all remote clients together.
    :param local_total: of this machine.
    """

    def __init__(self, *, per_client: int = 32, total: int = 512, local_total: int = 2048) -> None:
        self._per_client = per_client
        self._total = total
        self._local_total = local_total
        self._by_client: Counter[str] = Counter()
        self._local = 0

    def __len__(self) -> int:
        return self._local + self._by_client.total()

    def enter(self, peer: Peer) -> bool:
        """Take a place; ``False`` if there is none. Each place taken is given back by ``leave``."""
        if _is_here(peer):
            if self._local >= self._local_total:
                return False
            self._local += 1
            return True
        client = bucket(peer.address)
        if self._by_client[client] >= self._per_client or self._by_client.total() >= self._total:
            self._by_client += Counter()  # Drops the zero that the lookup left behind.
            return False
        self._by_client[client] += 1
        return True

    def leave(self, peer: Peer) -> None:
        """Give the place back: the socket authenticated or is gone."""
        if _is_here(peer):
            self._local -= 1
            return
        client = bucket(peer.address)
        self._by_client[client] -= 1
        if self._by_client[client] <= 0:
            del self._by_client[client]


def _is_here(peer: Peer) -> bool:
    return peer.loopback and not peer.forwarded
