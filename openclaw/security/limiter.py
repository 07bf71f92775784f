"""Stop guessing: count failed authentications per client and kind. Not a rate limit of work."""

from collections import OrderedDict, deque
from collections.abc import Callable
from enum import Enum
from math import ceil

from openclaw.interfaces.security import Peer
from openclaw.security.addresses import bucket
from openclaw.security.peers import is_local_program

Seconds = Callable[[], float]


class Kind(Enum):
    """What is being guessed; each kind has its own budget, so that no budget hides another."""

    SECRET = "secret"
    DEVICE_TOKEN = "device-token"
    CODE = "code"
    SIGNATURE = "signature"
    ID_TOKEN = "id-token"
    NONE = "none"


Key = tuple[str, Kind]
FAILURES = 10
WINDOW_SECONDS = 60.0
LOCK_SECONDS = 300.0
SLOW_FAILURES = 100
SLOW_WINDOW_SECONDS = 86_400.0
SLOW_LOCK_SECONDS = 21_600.0
# Whoever brings nothing guesses nothing: a page without its token, a script that lacks a variable.
# They are told so often enough to be noticed, but not as fast as they can ask.
MISSING = 120
MISSING_LOCK_SECONDS = 60.0


class FailureLimiter:
    """Lock a client out of one kind of credential after too many failures.

    Loopback is exempt, as the owner's own tools retry there; a request with an ``Origin`` never
    is, for any web page can reach loopback.

    :param seconds: monotonic clock.
    :param failures: failures within ``window_seconds`` that lock for ``lock_seconds``.
    :param capacity: how many clients are remembered, counting and locked ones each.
    """

    def __init__(
        self,
        seconds: Seconds,
        *,
        failures: int = FAILURES,
        window_seconds: float = WINDOW_SECONDS,
        lock_seconds: float = LOCK_SECONDS,
        capacity: int = 8192,
    ) -> None:
        self._seconds = seconds
        self._failures = failures
        self._window = window_seconds
        self._lock = lock_seconds
        self._capacity = capacity
        # Apart from each other, so that a flood of new addresses cannot push a lock out.
        self._counting: OrderedDict[Key, deque[float]] = OrderedDict()
        self._locked: OrderedDict[Key, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counting) + len(self._locked)

    def wait_ms(self, peer: Peer, kind: Kind) -> int:
        """How long this client has to wait before its next try, in milliseconds; 0: try now."""
        if is_local_program(peer):
            return 0
        key = (bucket(peer.address), kind)
        until = self._locked.get(key)
        if until is None:
            return 0
        left = until - self._seconds()
        if left <= 0:
            del self._locked[key]
            return 0
        return ceil(left * 1000)

    def failed(self, peer: Peer, kind: Kind) -> None:
        """Count one wrong credential; a missing one is not a guess and is not told here."""
        if is_local_program(peer):
            return
        key, now = (bucket(peer.address), kind), self._seconds()
        times = self._counting.setdefault(key, deque(maxlen=self._failures))
        self._counting.move_to_end(key)
        times.append(now)
        if len(times) == self._failures and now - times[0] <= self._window:
            del self._counting[key]
            self._locked[key] = now + self._lock
            _shrink(self._locked, self._capacity)
        _shrink(self._counting, self._capacity)


class PatientLimiter(FailureLimiter):
    """Remembers slow guesses at the shared secret too, which a person may have chosen.

    Nine guesses a minute never meet the quick limit, and would be thirteen thousand a day.

    :param seconds: monotonic clock.
    """

    def __init__(self, seconds: Seconds) -> None:
        super().__init__(seconds)
        self._slow = FailureLimiter(
            seconds,
            failures=SLOW_FAILURES,
            window_seconds=SLOW_WINDOW_SECONDS,
            lock_seconds=SLOW_LOCK_SECONDS,
            capacity=2048,
        )

    def wait_ms(self, peer: Peer, kind: Kind) -> int:
        """See :meth:`FailureLimiter.wait_ms`."""
        return max(super().wait_ms(peer, kind), self._slow.wait_ms(peer, kind))

    def failed(self, peer: Peer, kind: Kind) -> None:
        """See :meth:`FailureLimiter.failed`."""
        super().failed(peer, kind)
        if kind is Kind.SECRET:
            self._slow.failed(peer, kind)


class MissingCredentials:
    """Count requests without any credential; apart from guesses, and much more patient.

    :param seconds: monotonic clock.
    """

    def __init__(self, seconds: Seconds) -> None:
        self._limiter = FailureLimiter(seconds, failures=MISSING, lock_seconds=MISSING_LOCK_SECONDS)

    def noted(self, peer: Peer) -> int:
        """Count one; milliseconds to wait if they were too many, else 0.

        Who is told to wait is not counted again, so the wait ends.
        """
        wait_ms = self._limiter.wait_ms(peer, Kind.NONE)
        if not wait_ms:
            self._limiter.failed(peer, Kind.NONE)
        return wait_ms


def _shrink(table: OrderedDict[Key, float] | OrderedDict[Key, deque[float]], limit: int) -> None:
    while len(table) > limit:
        table.popitem(last=False)
