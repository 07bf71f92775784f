"""Token buckets, one per key, in bounded memory; what a key stands for is told elsewhere."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import ceil

CAPACITY = 8192
# Times are floats: what is due this soon is due now.
_SLACK_SECONDS = 1e-6


def milliseconds(seconds: float) -> int:
    """Whole milliseconds to wait, so many that waiting them is enough; 0 only for no wait."""
    return ceil(seconds * 1000)


class Rate:
    """So many a minute, and so many of them at once.

    :param per_minute: how fast a bucket fills; may be below one.
    :param burst: how much it holds; a whole minute's worth if left out, one at least.
    """

    __slots__ = ("burst", "interval", "per_minute", "tolerance")

    def __init__(self, per_minute: float, burst: int | None = None) -> None:
        if per_minute <= 0 or (burst is not None and burst < 1):
            raise ValueError("a rate must let something through")
        self.per_minute = per_minute
        self.burst = max(1, int(per_minute)) if burst is None else burst
        self.interval = 60.0 / per_minute
        self.tolerance = (self.burst - 1) * self.interval + _SLACK_SECONDS

    def __str__(self) -> str:
        return f"{self.per_minute:g} per minute, {self.burst} at once"


class Bucket:
    """One bucket, full at first.

    What it holds is kept as one number, the moment at which it will be full again (the generic
    cell rate algorithm), so that nothing has to be done as time passes.
    """

    __slots__ = ("_full_at", "_rate")

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._full_at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until something can be taken; 0: now."""
        wait = self._full_at - now - self._rate.tolerance
        return wait if wait > 0 else 0.0

    def take(self, now: float) -> None:
        """Take one; whoever takes without asking for the wait first pays for it later."""
        self._full_at = max(self._full_at, now) + self._rate.interval


class Buckets:
    """A bucket per key; the one that was not asked for the longest time is forgotten first.

    :param seconds: monotonic clock.
    :param capacity: buckets remembered.
    """

    def __init__(
        self, seconds: Callable[[], float], rate: Rate, *, capacity: int = CAPACITY
    ) -> None:
        self.rate = rate
        self._seconds = seconds
        self._capacity = capacity
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, key: Hashable) -> Bucket:
        """The bucket of a key."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self.rate)
            if len(self._buckets) > self._capacity:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket

    def take(self, key: Hashable, ago: float = 0.0) -> int:
        """Take one out of a key's bucket.

        :param ago: seconds since it was wanted, and since when it is paid for: what comes late was
            not all wanted at once.
        :return: 0; or, if there is none and nothing was taken, milliseconds until there is.
        """
        now, bucket = self._seconds(), self.of(key)
        wait = bucket.wait(now)
        if wait:
            return milliseconds(wait)
        bucket.take(now - ago)
        return 0
