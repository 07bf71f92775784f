"""One direction of a proxied connection, and what it suffers; it knows no sockets."""

from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

_DRIP_SECONDS = 0.02
_HIGH_WATER = 1 << 20


@define(eq=False)
class Faults:
    """What one direction of all connections suffers, until it is changed.

    :ivar latency: seconds that every piece waits; order is kept.
    :ivar frozen: nothing passes, not even an end; nothing is lost, it comes after the thaw.
    :ivar swallowed: everything vanishes, the end too: the other side is gone without a word.
    :ivar drip: bytes per second, 0 for no limit.
    :ivar truncate: bytes that still pass on each connection; then it is closed in order.
    :ivar reset: bytes that still pass on each connection; then it is reset.
    :ivar duplicate: every piece comes twice.
    """

    latency: float = 0.0
    frozen: bool = False
    swallowed: bool = False
    drip: int = 0
    truncate: int | None = None
    reset: int | None = None
    duplicate: bool = False
    pipes: set["Pipe"] = field(factory=set, repr=False)

    def set(self, **changes: Any) -> None:
        """Change some, at once, for connections that are open too; limits count from here."""
        for name, value in changes.items():
            if name not in _NAMES:
                raise TypeError(f"{name} is no fault")
            setattr(self, name, value)
        for pipe in list(self.pipes):
            pipe.changed()

    def clear(self) -> None:
        """Suffer nothing."""
        self.set(**{name: getattr(Faults(), name) for name in _NAMES})


_NAMES = ("latency", "frozen", "swallowed", "drip", "truncate", "reset", "duplicate")


class Pipe:
    """One direction of one connection.

    :param source: the transport that bytes come from, so that it can be held back.
    :param write: takes bytes on the other side.
    :param end: closes the other side; its argument says whether by a reset.
    :param broken: resets both sides.
    """

    def __init__(
        self,
        faults: Faults,
        clock: IReactorTime,
        source: Any,
        write: Callable[[bytes], object],
        end: Callable[[bool], object],
        broken: Callable[[], object],
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._source = source
        self._write = write
        self._end = end
        self._broken = broken
        self._queue: deque[tuple[float, bytes]] = deque()
        self._ended: bool | None = None  # How the source ended; ``None`` while it has not.
        self._timer: IDelayedCall | None = None
        self._left = self._limits()
        self._next_drip = 0.0
        self._over = False
        faults.pipes.add(self)

    def feed(self, data: bytes) -> None:
        """Bytes came."""
        if self._faults.swallowed or self._over:
            return
        due = self._clock.seconds() + self._faults.latency
        for _ in range(2 if self._faults.duplicate else 1):
            self._queue.append((due, data))
        self._hold()
        self._pump()

    def end(self, reset: bool) -> None:
        """The source is gone."""
        self._ended = reset
        if not self._faults.swallowed:
            self._pump()

    def changed(self) -> None:
        """The faults did."""
        self._left = self._limits()
        self._next_drip = 0.0
        self._hold()
        self._pump()

    def close(self) -> None:
        """Forget everything."""
        self._over = True
        self._faults.pipes.discard(self)
        self._queue.clear()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _limits(self) -> list[int | None]:
        return [self._faults.truncate, self._faults.reset]

    def _hold(self) -> None:
        """As a slow network does: who sends too much has to wait."""
        if self._ended is not None or self._over:
            return
        waiting = sum(len(data) for _, data in self._queue)
        if self._faults.frozen or waiting > _HIGH_WATER:
            self._source.pauseProducing()
        else:
            self._source.resumeProducing()

    def _pump(self) -> None:
        while self._queue and not self._over and not self._faults.frozen:
            due, data = self._queue[0]
            wait = max(due, self._next_drip) - self._clock.seconds()
            if wait > 0:
                self._later(wait)
                break
            self._queue.popleft()
            if self._faults.drip:
                step = max(1, int(self._faults.drip * _DRIP_SECONDS))
                if data[step:]:
                    self._queue.appendleft((due, data[step:]))
                self._pass_on(data[:step])
                self._next_drip = self._clock.seconds() + len(data[:step]) / self._faults.drip
                continue
            self._pass_on(data)
        if not self._queue and self._ended is not None and not self._faults.frozen:
            self._end(self._ended)
        self._hold()

    def _pass_on(self, data: bytes) -> None:
        limits = [left for left in self._left if left is not None]
        passed = data[: min(limits)] if limits else data
        if passed:
            self._write(passed)
        self._left = [None if left is None else left - len(passed) for left in self._left]
        if self._left[1] == 0:
            self._broken()
        elif self._left[0] == 0:
            self._queue.clear()
            self._end(False)

    def _later(self, seconds: float) -> None:
        if self._timer is None or not self._timer.active():
            self._timer = self._clock.callLater(seconds, self._pump)
