"""How many sockets may wait for their handshake, per client and in all; holds no socket itself."""

from collections.abc import Callable

from openclaw.interfaces.security import Peer
from openclaw.security.addresses import bucket

PER_CLIENT = 32
TOTAL = 512
LOCAL_TOTAL = 2048


def nobody(address: str) -> bool:
    """No proxy is trusted."""
    return False


class WaitingSockets:
    """Count sockets that have not authenticated yet.

    Sockets of this machine have a total of their own: a flood from outside cannot shut the owner
    out, and a hundred local clients that reconnect at once are ordinary. So are those of a trusted
    proxy, for as long as nobody can tell which of its clients they belong to.

    :param per_client: of one remote client (:func:`bucket`).
    :param total: of all remote clients together.
    :param local_total: of this machine and of trusted proxies.
    :param is_proxy: whether an address is one of a trusted proxy.
    """

    def __init__(
        self,
        *,
        per_client: int = PER_CLIENT,
        total: int = TOTAL,
        local_total: int = LOCAL_TOTAL,
        is_proxy: Callable[[str], bool] = nobody,
    ) -> None:
        self._per_client = per_client
        self._total = total
        self._local_total = local_total
        self._is_proxy = is_proxy
        self._by_client: dict[str, int] = {}
        self._remote = 0
        self._local = 0

    def __len__(self) -> int:
        return self._local + self._remote

    def enter(self, peer: Peer) -> bool:
        """Take a place; ``False`` if there is none. Each place taken is given back by ``leave``."""
        if self._is_shared(peer):
            if self._local >= self._local_total:
                return False
            self._local += 1
            return True
        client = bucket(peer.address)
        taken = self._by_client.get(client, 0)
        if taken >= self._per_client or self._remote >= self._total:
            return False
        self._by_client[client] = taken + 1
        self._remote += 1
        return True

    def leave(self, peer: Peer) -> None:
        """Give the place back: the socket authenticated or is gone."""
        if self._is_shared(peer):
            self._local -= 1
            return
        client = bucket(peer.address)
        self._remote -= 1
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]

    def _is_shared(self, peer: Peer) -> bool:
        return not peer.forwarded and (peer.loopback or self._is_proxy(peer.address))
