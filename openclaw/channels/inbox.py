"""Hands what waits in the inbox to its session; after that the session's own queue has it."""

from collections.abc import Callable

import msgspec
from twisted.internet.defer import Deferred
from zope.interface import implementer

from openclaw.channels.control import NOBODY, Control, sender_name
from openclaw.channels.overdue import Overdue
from openclaw.channels.words import context_for, words_for
from openclaw.deferreds import deferred
from openclaw.errors import Busy, InvalidRequest, StoreError
from openclaw.interfaces.conversations import IConversations, NewInput, Receipt
from openclaw.interfaces.messages import Inbound, Origin, Target
from openclaw.interfaces.queue import INBOX, Delivery, IHandler, IQueue, Undelivered
from openclaw.interfaces.tracing import ITraces
from openclaw.protocol.base import Wire
from openclaw.protocol.scopes import ADMIN, expand


class Waiting(Wire, frozen=True, kw_only=True):
    """What lies in the inbox: a message with everything that was decided about it.

    :ivar more: later messages that belong to it: the rest of an album, or of a burst.
    :ivar context: what was said in the group before, oldest first.
    """

    message: Inbound
    more: tuple[Inbound, ...] = ()
    context: tuple[Inbound, ...] = ()
    agent_id: str
    session_key: str


_decoder = msgspec.json.Decoder(Waiting)
STORE_MS = 1_000
PAGE = 500


@implementer(IHandler)
class InboxHandler:
    """Makes an input of each message that waits.

    :param overdue: watches that what waits here and behind does not wait too long.
    :param reply_to: which message an answer quotes; empty for none.
    :param control: whose word is the owner's, and what is a command about a run or an approval.
    :param heard: told of every message that became an input.
    """

    def __init__(
        self,
        conversations: IConversations,
        traces: ITraces,
        overdue: Overdue,
        reply_to: Callable[[Inbound], str],
        control: Control = NOBODY,
        heard: Callable[[Inbound], None] = lambda message: None,
    ) -> None:
        self._conversations = conversations
        self._traces = traces
        self._overdue = overdue
        self._reply_to = reply_to
        self._control = control
        self._heard = heard

    @deferred
    async def handle(self, delivery: Delivery) -> None:
        """See :meth:`IHandler.handle`."""
        try:
            waiting = _decoder.decode(delivery.body)
        except msgspec.MsgspecError as error:
            raise Undelivered(f"cannot be read: {error}", "never") from None
        try:
            receipt = await self._accept(delivery.id, waiting)
        except Busy as error:
            raise Undelivered(error.message, "later", error.retry_after_ms or STORE_MS) from None
        except StoreError as error:
            raise Undelivered(error.message, "later", STORE_MS) from None
        except InvalidRequest as error:
            raise Undelivered(error.message, "never") from None
        self._heard(waiting.message)
        self._traces.note(delivery.id, "run", f"{receipt.state} in {waiting.session_key}")
        if receipt.state == "done":
            self._overdue.over(delivery.id)  # Before a stop, so that no lane tells of it.

    @deferred
    async def watch(self, queue: IQueue) -> None:
        """See what an earlier process left in the inbox; fires when all of it is watched."""
        after = 0
        while True:
            page = await queue.inspect(INBOX, PAGE, after, "", False)
            for one in page:
                waiting = _read(one.body)
                if waiting is not None:
                    message = waiting.message
                    self._overdue.waits(one.id, self._target(message), message.sender.id)
            if len(page) < PAGE:
                return
            after = page[-1].position

    def gave_up(self, delivery: Delivery, reason: str, unknown: bool) -> None:
        """See :meth:`IHandler.gave_up`."""
        self._traces.note(delivery.id, "given up", reason)
        # One of unknown outcome may lie in a lane: it stays watched.
        waiting = None if unknown else _read(delivery.body)
        if waiting is not None:
            message = waiting.message
            self._overdue.lost(delivery.id, self._target(message), message.sender.id)

    def _accept(self, key: str, waiting: Waiting) -> Deferred[Receipt]:
        message = waiting.message
        owner = self._control.is_owner(message)
        is_command = self._control.is_command(message)
        return self._conversations.accept(
            NewInput(
                run_id=key,
                kind="chat",
                session_key=waiting.session_key,
                text=words_for(message, waiting.more),
                system=context_for(message, waiting.context, waiting.more),
                owner=owner,
                scopes=tuple(sorted(expand((ADMIN,)))) if owner else (),
                commanded_by=sender_name(message) if is_command else "",
                origin=Origin(
                    target=self._target(message),
                    sender=message.sender,
                    message_key=key,
                ),
            )
        )

    def _target(self, message: Inbound) -> Target:
        return Target(
            channel=message.channel,
            account=message.account,
            chat_id=message.chat_id,
            thread_id=message.thread_id,
            reply_to=self._reply_to(message),
            chat_type=message.chat_type,
        )


def _read(body: bytes) -> Waiting | None:
    try:
        return _decoder.decode(body)
    except msgspec.MsgspecError:  # Whoever claims it says so.
        return None
