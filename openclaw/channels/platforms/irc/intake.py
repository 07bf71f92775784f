"""What was heard, on its way into the gateway: in order, and kept until it was taken.

IRC wants no acknowledgement and repeats nothing, so what the gateway cannot take now waits here.
Where the server keeps history the moment of the last message is durable: after a restart the server
is asked for what came later.
"""

from collections import deque
from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from openclaw.errors import StoreError
from openclaw.interfaces.channels import ILink
from openclaw.interfaces.messages import Inbound
from openclaw.interfaces.queue import QueueFull

AGAIN_SECONDS = 1.0
MOST_WAITING = 10_000
HEARD = "heard"


class Intake:
    """The messages of one account; outlives its connections.

    :ivar keeps_moment: whether the moment of the last message is of use to the server.
    """

    def __init__(self, link: ILink) -> None:
        self._link = link
        self._ready: deque[Inbound] = deque()
        self._live: deque[Inbound] = deque()
        self._holding = False
        self._wake: Deferred[None] | None = None
        self.keeps_moment = False

    @property
    def moment_ms(self) -> int:
        """When the last message that was taken had been said; 0 if there is none."""
        kept = self._link.state.get(HEARD)
        return int(kept) if kept.isdigit() else 0

    @property
    def is_full(self) -> bool:
        """Whether more waits than anybody will read."""
        return len(self._ready) + len(self._live) >= MOST_WAITING

    def hold(self) -> None:
        """Let what is heard from now on wait for what was said before."""
        self._holding = True

    def release(self, before: Sequence[Inbound]) -> None:
        """Go on: first with what was said before."""
        self._holding = False
        self._ready.extend(before)
        self._ready.extend(self._live)
        self._live.clear()
        self._rouse()

    def put(self, message: Inbound) -> None:
        """Take a message."""
        (self._live if self._holding else self._ready).append(message)
        self._rouse()

    async def begin(self, moment_ms: int) -> None:
        """Note a first moment: what is said from now on is not to be missed."""
        if not self.moment_ms:
            await self._link.state.put(HEARD, str(moment_ms))

    async def work(self) -> None:
        """Hand in one message after the other, for ever."""
        while True:
            while self._ready:
                await self._hand_in(self._ready[0])
                self._ready.popleft()
            self._wake = Deferred()
            await self._wake

    async def _hand_in(self, message: Inbound) -> None:
        while True:
            try:
                await self._link.receive(message)
                if self.keeps_moment and message.timestamp_ms > self.moment_ms:
                    await self._link.state.put(HEARD, str(message.timestamp_ms))
                return
            except (QueueFull, StoreError):
                await deferLater(self._link.clock, AGAIN_SECONDS)

    def _rouse(self) -> None:
        wake, self._wake = self._wake, None
        if wake is not None and not wake.called:
            wake.callback(None)
