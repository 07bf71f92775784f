"""How many control-plane writes a device may make in a minute; what they write is elsewhere."""

from collections import OrderedDict, deque
from collections.abc import Callable

from openclaw.security.limits.buckets import milliseconds
from openclaw.security.limits.refusals import rate_limited

WRITES = 30
WINDOW_SECONDS = 60.0


class WriteLimit:
    """A sliding minute per device, over all of these methods together.

    Not a bucket: the original's clients know "30 per 60s", and a minute's worth may come at once.

    :param seconds: monotonic clock.
    :param writes: how many in any minute.
    :param capacity: devices remembered.
    """

    def __init__(
        self, seconds: Callable[[], float], *, writes: int = WRITES, capacity: int = 1024
    ) -> None:
        self._seconds = seconds
        self._writes = writes
        self._capacity = capacity
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._times)

    def take(self, method: str, device: str) -> None:
        """Count one write.

        :param device: a device id, or the address of a client without one.
        :raises openclaw.errors.Busy: it was one too many; with the time to wait.
        """
        now = self._seconds()
        times = self._times.setdefault(device, deque(maxlen=self._writes))
        self._times.move_to_end(device)
        if len(times) == self._writes and (left := times[0] + WINDOW_SECONDS - now) > 0:
            limit = f"{self._writes} per {WINDOW_SECONDS:.0f}s"
            raise rate_limited(method, limit, "writes", milliseconds(left))
        times.append(now)
        while len(self._times) > self._capacity:
            self._times.popitem(last=False)
