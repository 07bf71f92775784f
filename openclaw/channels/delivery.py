"""Does what an outbox holds for one account, and finds out what became of what was cut off."""

from collections.abc import Callable

import msgspec
from twisted.internet.defer import Deferred
from zope.interface import implementer

from openclaw.channels.account import Account
from openclaw.channels.records import SentRecords
from openclaw.deferreds import deferred
from openclaw.interfaces.messages import Outgoing, Sent
from openclaw.interfaces.queue import Delivery, IHandler, Undelivered
from openclaw.interfaces.tracing import ITraces

LATER_MS = 1_000
PATIENCE_MS = 5 * 60_000
"""For so long a platform that asks for a pause gets it without that being an attempt: many messages
at a busy moment are no fault of any of them."""
LONGEST_REPEAT_MS = 10 * 60_000
"""Something that may have been sent is not sent again after this time, even where a platform would
see that it is the same: nobody wants the answer of ten minutes ago now."""

_decoder = msgspec.json.Decoder(Outgoing)
Done = Callable[[str, Sent | Undelivered], None]


@implementer(IHandler)
class Deliverer:
    """Hands one account's outbox to its platform, call by call.

    :param done: told what came of each call in the end, by its id.
    """

    def __init__(
        self,
        account: Account,
        sent: SentRecords,
        traces: ITraces,
        now_ms: Callable[[], int],
        done: Done,
    ) -> None:
        self._account = account
        self._sent = sent
        self._traces = traces
        self._now_ms = now_ms
        self._done = done

    @deferred
    async def handle(self, delivery: Delivery) -> None:
        """See :meth:`IHandler.handle`."""
        try:
            outgoing = _decoder.decode(delivery.body)
        except msgspec.MsgspecError as error:
            raise Undelivered(f"cannot be read: {error}", "never") from None
        if not self._account.connected:
            raise Undelivered(f"{self._account.key} is not connected", "later", LATER_MS)
        try:
            result = await self._deliver(outgoing, delivery)
        except Undelivered as error:
            self._traces.note(outgoing.id, f"send: {error.kind}", error.message)
            if error.kind in ("never", "unknown"):
                self._done(outgoing.id, error)
            if error.kind == "retry" and error.after_ms and self._is_young(delivery):
                raise Undelivered(error.message, "later", error.after_ms) from None
            raise
        await self._sent.keep(outgoing.id, result)
        self._account.record.outbound_ms = self._now_ms()
        self._traces.note(outgoing.id, "sent", result.message_id)
        self._done(outgoing.id, result)

    def gave_up(self, delivery: Delivery, reason: str, unknown: bool) -> None:
        """See :meth:`IHandler.gave_up`; whoever waits for the call waits in vain."""
        self._traces.note(delivery.id, "given up", reason)
        self._done(delivery.id, Undelivered(reason, "unknown" if unknown else "never"))

    def _is_young(self, delivery: Delivery) -> bool:
        return self._now_ms() - delivery.enqueued_at_ms < PATIENCE_MS

    async def _deliver(self, outgoing: Outgoing, delivery: Delivery) -> Sent:
        if delivery.interrupted and outgoing.kind == "send":
            known = await self._reconciled(outgoing, delivery)
            if known is not None:
                return known
        self._traces.note(outgoing.id, "sending", f"attempt {delivery.attempt}")
        return await self._call(outgoing)

    async def _reconciled(self, outgoing: Outgoing, delivery: Delivery) -> Sent | None:
        """What an attempt that was cut off had done; ``None`` if it may be made again.

        Changes of a message (edit, delete, reaction) are the same however often they are made.
        """
        known = await self._sent.find(outgoing.id)
        if known is not None:
            return known
        abilities = self._account.configured.manifest.abilities
        if abilities.lookup:
            return await self._account.channel.find(outgoing)
        fresh = self._now_ms() - delivery.enqueued_at_ms < LONGEST_REPEAT_MS
        if abilities.idempotent and fresh:
            return None
        raise Undelivered(
            "the gateway stopped while this was being sent, and the platform cannot tell whether "
            "it arrived",
            "unknown",
        )

    def _call(self, outgoing: Outgoing) -> Deferred[Sent]:
        channel = self._account.channel
        if outgoing.kind == "send":
            return channel.send(outgoing)
        if outgoing.kind == "edit":
            return channel.edit(outgoing)
        same = Sent(message_id=outgoing.message_id)
        if outgoing.kind == "delete":
            changed = channel.delete(outgoing.target, outgoing.message_id)
        else:
            changed = channel.react(outgoing.target, outgoing.message_id, outgoing.emoji)
        return changed.addCallback(lambda _: same)
