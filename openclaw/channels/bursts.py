"""Messages that belong together: albums, and what one person writes in quick succession."""

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from openclaw.interfaces.channels import Taken
from openclaw.interfaces.messages import Inbound

ALBUM_SECONDS = 0.8
MOST_TOGETHER = 20

Flush = Callable[[Sequence[Inbound]], Deferred[Taken]]


class _Burst:
    """What has come of one burst so far, and who waits to hear that it was taken."""

    __slots__ = ("messages", "timer", "waiting")

    def __init__(self, timer: IDelayedCall) -> None:
        self.timer = timer
        self.messages: list[Inbound] = []
        self.waiting: list[Deferred[Taken]] = []


class Bursts:
    """Gathers messages of one chat for a moment; what comes from elsewhere ends the burst.

    :param flush: takes the messages of a burst as one.
    """

    def __init__(self, clock: IReactorTime, flush: Flush) -> None:
        self._clock = clock
        self._flush = flush
        self._open: dict[tuple[str, ...], _Burst] = {}

    def gathers(self, message: Inbound) -> bool:
        """Whether a message is the next part of an album that is being gathered."""
        burst = self._open.get(_chat(message))
        return bool(message.batch) and burst is not None and _joins(burst.messages[-1], message)

    def take(self, message: Inbound, debounce_seconds: float) -> Deferred[Taken]:
        """Take a message, alone or with others; fires once it was taken."""
        chat = _chat(message)
        burst = self._open.get(chat)
        if burst is not None and not _joins(burst.messages[-1], message):
            self._end(chat)
            burst = None
        seconds = ALBUM_SECONDS if message.batch else debounce_seconds
        if burst is None:
            if not seconds or message.kind != "message" or message.text.startswith("/"):
                return self._flush((message,))
            burst = _Burst(self._clock.callLater(seconds, self._end, chat))
            self._open[chat] = burst
        else:
            burst.timer.reset(seconds)
        waiting: Deferred[Taken] = Deferred()
        burst.messages.append(message)
        burst.waiting.append(waiting)
        if len(burst.messages) >= MOST_TOGETHER:
            self._end(chat)
        return waiting

    def close(self) -> None:
        """Take nothing more; what was gathered was never acknowledged and will come again."""
        for burst in self._open.values():
            burst.timer.cancel()
        self._open.clear()

    def _end(self, chat: tuple[str, ...]) -> None:
        burst = self._open.pop(chat)
        if burst.timer.active():
            burst.timer.cancel()
        self._flush(burst.messages).addCallbacks(
            _succeed, _fail, callbackArgs=(burst.waiting,), errbackArgs=(burst.waiting,)
        )


def _chat(message: Inbound) -> tuple[str, ...]:
    return (message.channel, message.account, message.chat_id, message.thread_id)


def _joins(last: Inbound, message: Inbound) -> bool:
    """Whether a message belongs to the burst that ``last`` is in."""
    return (
        last.sender.id == message.sender.id
        and last.batch == message.batch
        and message.kind == "message"
        and not message.text.startswith("/")
    )


def _succeed(taken: Taken, waiting: Sequence[Deferred[Taken]]) -> None:
    for one in waiting:
        one.callback(taken)


def _fail(failure: Failure, waiting: Sequence[Deferred[Taken]]) -> None:
    for one in waiting:
        one.errback(failure)
