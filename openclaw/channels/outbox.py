"""What is to be sent: cut to size, put where it survives, and waited for by whoever wants to."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, succeed

from openclaw.channels.account import Account
from openclaw.channels.records import SentRecords
from openclaw.channels.text.chunks import chunks
from openclaw.deferreds import deferred
from openclaw.errors import DeliveryError, InvalidRequest
from openclaw.interfaces.messages import Outgoing, Sent, Target
from openclaw.interfaces.queue import IQueue, NewMessage, Undelivered, outbox
from openclaw.interfaces.tracing import ITraces
from openclaw.protocol.base import encode

LONG_CHARACTERS = 4_000
"""From here on a text is cut in a thread: one that is all brackets takes 20 µs a character."""

AccountOf = Callable[[str, str], Account | None]
Aside = Callable[[Callable[[], list[str]]], Deferred[list[str]]]


def at_once(work: Callable[[], list[str]]) -> Deferred[list[str]]:
    """Do it here and now."""
    return succeed(work())


class Outbox:
    """Puts calls of platforms into their accounts' queues.

    :param account_of: finds an account; ``None`` for one that is not configured (any more).
    :param aside: does what takes long beside the reactor.
    """

    def __init__(
        self,
        queue: IQueue,
        sent: SentRecords,
        traces: ITraces,
        account_of: AccountOf,
        aside: Aside = at_once,
    ) -> None:
        self._aside = aside
        self._queue = queue
        self._sent = sent
        self._traces = traces
        self._account_of = account_of
        self._waiting: dict[str, list[Deferred[Sent]]] = {}
        self._expected: dict[str, str] = {}

    @deferred
    async def compose(self, target: Target, text: str, key: str, **more: Any) -> Sequence[Outgoing]:
        """Cut a text into messages an account can send.

        A file goes first, with as much of the text as a caption may hold.

        :param key: names the text for ever; the parts are numbered below it.
        :param more: further fields of every :class:`Outgoing`; a file goes with the first.
        """
        file = more.pop("attachment", None)
        pieces = [text]
        account = self._account_of(target.channel, target.account)
        if account is not None:
            pieces = await self._pieces(account, text) or [text]
            if file is not None and not _is_caption(account, pieces):
                pieces = ["", *pieces]
        quotes = account.configured.settings.reply_to_mode if account is not None else "first"
        return [
            Outgoing(
                id=key if number == 0 else f"{key}#{number}",
                target=_quoting(target, number, quotes),
                text=piece,
                attachment=file if number == 0 else None,
                part=number,
                parts=len(pieces),
                **more,
            )
            for number, piece in enumerate(pieces)
        ]

    def _pieces(self, account: Account, text: str) -> Deferred[list[str]]:
        limit, render = account.configured.text_limit, account.channel.render
        how = self._aside if len(text) >= LONG_CHARACTERS else at_once
        return how(lambda: chunks(text, limit, render))

    @deferred
    async def put(self, calls: Sequence[Outgoing]) -> None:
        """Make calls durable, in their order; those that are there already stay as they are."""
        await self._queue.enqueue_all([_queued(one) for one in calls])
        for one in calls:
            self._expected.pop(one.id, None)
        for one in calls:
            self._traces.note(one.id, "outbox", f"{one.kind} {one.part + 1}/{one.parts}")

    @deferred
    async def send(self, calls: Sequence[Outgoing]) -> Sequence[Sent]:
        """Make calls durable, and wait for what the platform says to each.

        :raises DeliveryError: through the Deferred, in the platform's words.
        """
        waiting = [self._wait(one.id) for one in calls]
        try:
            await self.put(calls)
            for one in calls:
                await self._look_back(one)
            return [await answer for answer in waiting]
        finally:  # Nobody waits any more, however it ended.
            for call, answer in zip(calls, waiting, strict=True):
                self._stop_waiting(call.id, answer)

    def expect(self, target: Target, id: str) -> None:
        """Something is about to be put in for a place; nothing may be shown there before it."""
        self._expected[id] = _place(target)

    @deferred
    async def is_clear(self, target: Target) -> bool:
        """Whether nothing waits to be sent to a place, so that what is shown overtakes nothing."""
        queue = outbox(target.channel, target.account)
        if _place(target) in self._expected.values():
            return False
        return not await self._queue.inspect(queue, 1, 0, lane_of(target), False)

    def keep(self, id: str, sent: Sent) -> Deferred[None]:
        """Note what was sent past the queue; fires when it is on disk."""
        return self._sent.keep(id, sent)

    def find(self, id: str) -> Deferred[Sent | None]:
        """What the platform called something that was sent lately."""
        return self._sent.find(id)

    @deferred
    async def has(self, id: str) -> bool:
        """Whether a call was put in before, whatever became of it since."""
        known = await self._sent.find(id) is not None
        return known or await self._queue.find(id) is not None

    def done(self, id: str, result: Sent | Undelivered) -> None:
        """Tell whoever waits what came of a call in the end."""
        for waiting in self._waiting.pop(id, ()):
            if isinstance(result, Sent):
                waiting.callback(result)
            else:
                waiting.errback(DeliveryError(result.message, kind=result.kind))

    def _wait(self, id: str) -> Deferred[Sent]:
        waiting: Deferred[Sent] = Deferred()
        self._waiting.setdefault(id, []).append(waiting)
        return waiting

    def _stop_waiting(self, id: str, waiting: Deferred[Sent]) -> None:
        waiting.addErrback(lambda _: None)
        left = [one for one in self._waiting.pop(id, ()) if one is not waiting]
        if left:
            self._waiting[id] = left

    async def _look_back(self, call: Outgoing) -> None:
        """A call that was put in before may be over already."""
        known = await self._sent.find(call.id)
        if known is not None:
            self.done(call.id, known)
            return
        queued = await self._queue.find(call.id)
        if queued is not None and queued.state in ("dead", "unknown"):
            self.done(call.id, Undelivered(queued.reason, "never"))

    def of(self, channel: str, account: str) -> str:
        """The queue of an account that is configured.

        :raises InvalidRequest: it is not.
        """
        if self._account_of(channel, account) is None:
            raise InvalidRequest(f"no account {account!r} of channel {channel!r} is configured")
        return outbox(channel, account)


def _is_caption(account: Account, pieces: Sequence[str]) -> bool:
    most = account.configured.text_limit.caption
    return len(pieces) == 1 and len(account.channel.render(pieces[0])) <= most


def lane_of(target: Target) -> str:
    """What is sent to one place leaves in order."""
    return msgspec.json.encode([target.chat_id, target.thread_id]).decode()


def _place(target: Target) -> str:
    return f"{outbox(target.channel, target.account)} {lane_of(target)}"


def _queued(call: Outgoing) -> NewMessage:
    return NewMessage(
        id=call.id,
        queue=outbox(call.target.channel, call.target.account),
        lane=lane_of(call.target),
        body=encode(call),
    )


def _quoting(target: Target, number: int, mode: str) -> Target:
    """The target of one part: all, the first or none of the parts quote the message."""
    if mode == "all" or (mode != "off" and number == 0):
        return target
    return msgspec.structs.replace(target, reply_to="")
