"""How much work a remote device or a sender may start: runs and messages; nothing else counts."""

from collections.abc import Callable

from openclaw.interfaces.security import Peer
from openclaw.security.addresses import bucket
from openclaw.security.limits.buckets import CAPACITY, Buckets, Rate
from openclaw.security.limits.refusals import rate_limited
from openclaw.security.peers import is_local_program

PER_MINUTE = 60
BURST = 10


class WorkLimit:
    """One bucket per device, per address of clients without one, and per sender of a channel.

    :param seconds: monotonic clock.
    """

    def __init__(
        self,
        seconds: Callable[[], float],
        rate: Rate | None = None,
        *,
        capacity: int = CAPACITY,
    ) -> None:
        self._buckets = Buckets(seconds, rate or Rate(PER_MINUTE, BURST), capacity=capacity)

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, method: str, device_id: str | None, peer: Peer) -> None:
        """Count one request of a client.

        :raises openclaw.errors.Busy: it was one too many.
        """
        if is_local_program(peer):
            return
        key = ("address", bucket(peer.address)) if device_id is None else ("device", device_id)
        self._take(method, key)

    def take_sender(self, channel: str, sender: str, ago: float = 0.0) -> None:
        """Count one message that came through a chat channel.

        :param ago: seconds since it was sent.
        :raises openclaw.errors.Busy: it was one too many.
        """
        self._take(f"messages on {channel}", ("sender", f"{channel}:{sender}"), ago)

    def _take(self, what: str, key: tuple[str, str], ago: float = 0.0) -> None:
        wait_ms = self._buckets.take(key, ago)
        if wait_ms:
            raise rate_limited(what, str(self._buckets.rate), "work", wait_ms)
