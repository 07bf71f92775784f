"""Lanes: the inputs of one conversation run one after the other, conversations side by side."""

from collections import deque
from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from openclaw.deferreds import Tasks
from openclaw.interfaces.conversations import Input, IRunner, NewInput

CAPACITY = 100
_COMMANDS = "\ncommands"  # No session key has a line's end in it.


def lane_of(entry: NewInput | Input, session_key: str) -> str:
    """The lane of an input: a command about runs waits behind none of those that it is about."""
    return session_key + _COMMANDS if entry.commanded_by else session_key


class _Lane:
    """Inputs of one session that wait, and the one that runs."""

    __slots__ = ("running", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Input] = deque()
        self.running: Input | None = None


class Lanes:
    """Hands the runner one input per session at a time, in the order they were added.

    Commands about runs have a lane of their own beside each session's, which only :meth:`add` and
    :meth:`full` know: nothing else that is done to a session's lane is meant for them.

    :param capacity: how many inputs of one session may wait.
    :param left: told when an input has ended, whatever became of it.
    :param gather: gives what is really to be run in an input's place, right before it is.
    """

    def __init__(
        self,
        runner: IRunner,
        clock: IReactorTime,
        left: Callable[[Input], None],
        capacity: int = CAPACITY,
        gather: Callable[[Input], Deferred[Input]] = succeed,
    ) -> None:
        self._gather = gather
        self._runner = runner
        self._clock = clock
        self._left = left
        self._capacity = capacity
        self._lanes: dict[str, _Lane] = {}
        self._tasks = Tasks()
        self._open = False

    def __len__(self) -> int:
        """How many inputs run now."""
        return len(self._tasks)

    def full(self, key: str, coming: int) -> bool:
        """Whether a session's lane has no room, counting what is about to be added."""
        lane = self._lanes.get(key)
        return (len(lane.waiting) if lane else 0) + coming >= self._capacity

    def waiting(self, key: str) -> tuple[Input, ...]:
        """The inputs of a session that wait, in order."""
        lane = self._lanes.get(key)
        return tuple(lane.waiting) if lane else ()

    def running(self, key: str) -> Input | None:
        """The input of a session that runs."""
        lane = self._lanes.get(key)
        return lane.running if lane else None

    def add(self, entry: Input) -> None:
        """Queue an input; it starts in a later turn, so that its acknowledgement leaves first."""
        key = lane_of(entry, entry.session_key)
        self._lanes.setdefault(key, _Lane()).waiting.append(entry)
        self._start_soon(key)

    def withdraw(self, key: str, run_id: str | None) -> list[Input]:
        """Take inputs that wait (all of them, or one) out of a lane."""
        lane = self._lanes.get(key)
        if lane is None:
            return []
        taken = [entry for entry in lane.waiting if run_id in (None, entry.run_id)]
        for entry in taken:
            lane.waiting.remove(entry)
        self._tidy(key, lane)
        return taken

    def take(self, key: str, belongs: Callable[[Input], bool]) -> list[Input]:
        """Take the next inputs that wait out of a lane, up to the first that does not belong."""
        lane = self._lanes.get(key)
        taken: list[Input] = []
        while lane is not None and lane.waiting and belongs(lane.waiting[0]):
            taken.append(lane.waiting.popleft())
        return taken

    def put_back(self, key: str, entries: Sequence[Input]) -> None:
        """Undo :meth:`withdraw`: they are next again, in their order."""
        lane = self._lanes.setdefault(key, _Lane())
        lane.waiting.extendleft(reversed(entries))
        self._start_soon(key)

    def replace(self, key: str, entries: Sequence[Input]) -> None:
        """Take inputs that wait as they are now; their order stays."""
        fresh = {entry.run_id: entry for entry in entries}
        lane = self._lanes.get(key)
        if lane is not None:
            lane.waiting = deque(fresh.get(entry.run_id, entry) for entry in lane.waiting)

    def open(self) -> None:
        """Start running what waits."""
        self._open = True
        for key in list(self._lanes):
            self._start_soon(key)

    def close(self) -> Deferred[None]:
        """Start nothing more; fires when what runs now has ended."""
        self._open = False
        return self._tasks.drain()

    def _start_soon(self, key: str) -> None:
        if self._open:
            self._clock.callLater(0, self._start, key)

    def _start(self, key: str) -> None:
        lane = self._lanes.get(key)
        if lane is None or lane.running or not lane.waiting or not self._open:
            return
        lane.running = entry = lane.waiting.popleft()
        self._tasks.spawn(f"run {entry.run_id}", self._run(key, lane, entry))

    async def _run(self, key: str, lane: _Lane, entry: Input) -> None:
        try:
            lane.running = gathered = await self._gather(entry)
            await self._runner.run(gathered)
        finally:
            lane.running = None
            if lane.waiting:
                self._start_soon(key)
            self._tidy(key, lane)
            self._left(entry)

    def _tidy(self, key: str, lane: _Lane) -> None:
        if not lane.waiting and lane.running is None:
            self._lanes.pop(key, None)
