"""Watches that what was accepted is worked on soon; tells its sender, and the operator, if not."""

from collections import OrderedDict
from collections.abc import Callable

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from openclaw.channels.outbox import Outbox
from openclaw.deferreds import Tasks
from openclaw.errors import StoreError
from openclaw.interfaces.messages import Target
from openclaw.interfaces.queue import QueueFull

QUIET_SECONDS = 600.0
"""Neither a sender nor the operator hears of it more often."""

RETRY_SECONDS = 5.0

LATE = (
    "⏳ Your message has arrived, but nobody can work on it yet. "
    "It is kept: there is no need to send it again."
)
LOST = "⚠️ Your message has arrived, but could not be worked on. Please send it again."

Sender = tuple[str, ...]


@frozen
class _Message:
    """A message that nobody works on."""

    due: float
    target: Target
    sender: Sender


class Overdue(Service):
    """Every message from its acceptance until an agent has it, whatever holds it up meanwhile.

    All wait equally long, so they fall due in the order they came: one timer does for all.

    :param after_seconds: how long a message may wait unnoticed; 0 for always.
    :param alert: told of what an operator should hear of: its kind, in words.
    :param changed: told when more are overdue than before, or none is any more.
    """

    _log = Logger()
    name = "overdue messages"

    def __init__(
        self,
        outbox: Outbox,
        clock: IReactorTime,
        alert: Callable[[str, str], None],
        changed: Callable[[], None],
        after_seconds: float = 60.0,
    ) -> None:
        self._changed = changed
        self._outbox = outbox
        self._clock = clock
        self._alert = alert
        self._after = after_seconds
        self._watched: OrderedDict[str, _Message] = OrderedDict()
        self._late: dict[str, Sender] = {}
        self._backlogs: dict[Sender, int] = {}
        self._told: OrderedDict[Sender, float] = OrderedDict()
        self._unsaid = 0
        self._first_unsaid = ""
        self._next_alert = 0.0
        self._timer: IDelayedCall | None = None
        self._tasks = Tasks()

    def __len__(self) -> int:
        """How many messages are overdue."""
        return len(self._late)

    def startService(self) -> None:
        """Start telling; what waits already has its time from when it was noted."""
        super().startService()
        self._schedule()

    def stopService(self) -> Deferred[None]:
        """Tell nobody any more; what waits is on disk."""
        super().stopService()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self._tasks.cancel()

    # -- what becomes of messages --------------------------------------------------------------

    def waits(self, key: str, target: Target, sender_id: str) -> None:
        """A message is on disk; said again on its way, it keeps the time it has.

        :param target: where an answer to it goes.
        """
        if not self._after or key in self._watched or key in self._late:
            return
        sender = (target.channel, target.account, target.chat_id, target.thread_id, sender_id)
        self._watched[key] = _Message(self._clock.seconds() + self._after, target, sender)
        if self._timer is None:
            self._schedule()

    def over(self, key: str) -> None:
        """An agent has it, or nobody needs to."""
        self._watched.pop(key, None)
        sender = self._late.pop(key, None)
        if sender is None:
            return
        self._backlogs[sender] -= 1
        if not self._backlogs[sender]:
            del self._backlogs[sender]
        if not self._late:
            self._changed()

    def lost(self, key: str, target: Target, sender_id: str) -> None:
        """It was given up before any agent had it: the sender hears of that now."""
        self.over(key)
        sender = (target.channel, target.account, target.chat_id, target.thread_id, sender_id)
        self._tell(f"lost:{key}", target, sender, LOST)
        self._note(key)
        self._say()
        self._schedule()

    # -- time ----------------------------------------------------------------------------------

    def _schedule(self) -> None:
        """Have one timer, for whatever comes first."""
        if self._timer is not None or not self.running:
            return
        times = [self._next_alert] if self._unsaid else []
        if self._watched:
            times.append(next(iter(self._watched.values())).due)
        if times:
            left = min(times) - self._clock.seconds()
            self._timer = self._clock.callLater(max(0.0, left), self._look)

    def _look(self) -> None:
        self._timer = None
        now, before = self._clock.seconds(), len(self._late)
        while self._watched:
            key, message = next(iter(self._watched.items()))
            if message.due > now:
                break
            del self._watched[key]
            self._fell_due(key, message)
        if len(self._late) > before:
            self._changed()
        self._say()
        self._schedule()

    def _fell_due(self, key: str, message: _Message) -> None:
        sender = message.sender
        self._late[key] = sender
        self._backlogs[sender] = self._backlogs.get(sender, 0) + 1
        self._note(key)
        if self._backlogs[sender] == 1:
            self._tell(f"late:{key}", message.target, sender, LATE)

    # -- telling -------------------------------------------------------------------------------

    def _tell(self, id: str, target: Target, sender: Sender, words: str) -> None:
        """Tell a sender, unless it was told lately."""
        now = self._clock.seconds()
        while self._told and next(iter(self._told.values())) <= now - QUIET_SECONDS:
            self._told.popitem(last=False)
        if sender in self._told:
            return
        self._told[sender] = now
        self._tasks.spawn(f"notice {id}", self._put(id, target, words))

    async def _put(self, id: str, target: Target, words: str) -> None:
        """The same id after a restart is the same notice: the outbox has it once."""
        while True:
            try:
                await self._outbox.put(await self._outbox.compose(target, words, id))
                return
            except (StoreError, QueueFull) as error:
                self._log.warn("notice {id} is not stored yet: {why}", id=id, why=str(error))
                await deferLater(self._clock, RETRY_SECONDS)

    def _note(self, key: str) -> None:
        """The operator is to hear of a message."""
        if not self._unsaid:
            self._first_unsaid = key
        self._unsaid += 1

    def _say(self) -> None:
        """Tell the operator of all that is new, unless something was said lately."""
        now = self._clock.seconds()
        if not self._unsaid or now < self._next_alert:
            return
        words = (
            f"{self._unsaid} accepted messages could not be worked on within {self._after:g} s;"
            f" the first is {self._first_unsaid}"
        )
        self._unsaid = 0
        self._next_alert = now + QUIET_SECONDS
        self._log.warn("{words}", words=words)
        self._alert("messages.overdue", words)
