"""Updates that were taken out of polls and that Telegram still keeps; it asks for nothing."""

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Literal

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from openclaw.channels.platforms.telegram.intake import NotTaken
from openclaw.channels.platforms.telegram.wire import Update
from openclaw.deferreds import Tasks

State = Literal["waiting", "stored", "failed"]
Take = Callable[[Update], Deferred[None]]


class Unconfirmed:
    """What became of each update, until its number lies below the offset.

    An album is stored as one, a moment after its last picture; so its pictures wait here while
    the next poll, which does not confirm them yet, brings the others.

    :param take: stores an update; fails with :class:`NotTaken`.
    :param tasks: owns what is under way.
    """

    _log = Logger()

    def __init__(self, take: Take, tasks: Tasks, clock: IReactorTime) -> None:
        self._take = take
        self._tasks = tasks
        self._clock = clock
        self._states: dict[int, State] = {}
        self._order: list[Update] = []
        self._settled: Deferred[None] | None = None

    @property
    def waiting(self) -> bool:
        """Whether something is still being stored."""
        return "waiting" in self._states.values()

    def hand_in(self, updates: Sequence[Update]) -> None:
        """Begin to store those that were not handed in by an earlier poll.

        :param updates: what a poll brought, in Telegram's order: everything that is not confirmed,
            but for servers that bring each update once.
        """
        brought = {update.id for update in updates}
        earlier = [one for one in self._order if one.id not in brought and one.id in self._states]
        self._order = [*earlier, *updates]
        for update in updates:
            if update.id not in self._states:
                self._states[update.id] = "waiting"
                self._tasks.spawn("storing a Telegram update", self._store(update))

    async def settle(self, seconds: float) -> None:
        """Wait until nothing is being stored any more, at most so long."""
        if not self.waiting:
            return
        settled: Deferred[None] = Deferred()
        self._settled = settled
        timer = self._clock.callLater(seconds, self._tell)
        try:
            await settled
        finally:
            self._settled = None
            if timer.active():
                timer.cancel()

    def confirmable(self) -> Sequence[Update]:
        """Those from the front, in Telegram's order, that are safe."""
        return tuple(takewhile(lambda update: self._states.get(update.id) == "stored", self._order))

    def confirmed(self, updates: Sequence[Update]) -> None:
        """Telegram will not bring these again."""
        for update in updates:
            self._states.pop(update.id, None)
        self._order = self._order[len(updates) :]

    def forget_failures(self) -> bool:
        """Let what failed be handed in anew; says whether anything had failed."""
        failed = [number for number, state in self._states.items() if state == "failed"]
        for number in failed:
            del self._states[number]
        return bool(failed)

    async def _store(self, update: Update) -> None:
        state: State = "failed"
        try:
            await self._take(update)
            state = "stored"
        except NotTaken as error:
            self._log.warn("a Telegram message was not stored: {why}", why=str(error))
        finally:
            self._states[update.id] = state
            if not self.waiting:
                self._tell()

    def _tell(self) -> None:
        settled, self._settled = self._settled, None
        if settled is not None:
            settled.callback(None)
