"""How often something may come, in bounded memory: two bots that talk, a notice to one person."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

from attrs import define, field

MOST_EVENTS = 20
WINDOW_SECONDS = 60.0
SILENCE_SECONDS = 60.0
CAPACITY = 4096


@define
class _Pair:
    events: deque[float] = field(factory=deque)
    silent_until: float = 0.0


class BotPairs:
    """Keeps two bots from answering each other for ever.

    After :data:`MOST_EVENTS` within :data:`WINDOW_SECONDS` a pair is not heard for
    :data:`SILENCE_SECONDS`; what comes meanwhile does not prolong that.

    :param seconds: monotonic clock.
    :param capacity: pairs remembered; the one that was not heard for longest is forgotten first.
    """

    def __init__(self, seconds: Callable[[], float], capacity: int = CAPACITY) -> None:
        self._seconds = seconds
        self._capacity = capacity
        self._pairs: OrderedDict[Hashable, _Pair] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pairs)

    def take(self, pair: Hashable) -> bool:
        """Count one event; false if it is not to be heard."""
        now, state = self._seconds(), self._pairs.setdefault(pair, _Pair())
        self._pairs.move_to_end(pair)
        if len(self._pairs) > self._capacity:
            self._pairs.popitem(last=False)
        if now < state.silent_until:
            return False
        while state.events and state.events[0] <= now - WINDOW_SECONDS:
            state.events.popleft()
        if len(state.events) < MOST_EVENTS:
            state.events.append(now)
            return True
        state.events.clear()
        state.silent_until = now + SILENCE_SECONDS
        return False


class Notices:
    """Tells whether somebody may be told something again.

    :param seconds: monotonic clock.
    :param every: seconds between two notices to the same person.
    """

    def __init__(
        self, seconds: Callable[[], float], every: float, capacity: int = CAPACITY
    ) -> None:
        self._seconds = seconds
        self._every = every
        self._capacity = capacity
        self._told: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._told)

    def take(self, person: Hashable) -> bool:
        """Whether a notice is due; if so, it counts as given."""
        now = self._seconds()
        told = self._told.get(person)
        if told is not None and now < told + self._every:
            return False
        self._told[person] = now
        self._told.move_to_end(person)
        if len(self._told) > self._capacity:
            self._told.popitem(last=False)
        return True
