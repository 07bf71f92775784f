"""What platforms hand in, on its way to the inbox: let in, put together, fetched, stored."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from attrs import frozen
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from openclaw.channels.account import Account
from openclaw.channels.bursts import Bursts
from openclaw.channels.contents import RecentContents
from openclaw.channels.context import GroupContext
from openclaw.channels.control import NOBODY, Control
from openclaw.channels.inbox import Waiting
from openclaw.channels.media import MediaStore
from openclaw.channels.outbox import AccountOf, Outbox
from openclaw.channels.overdue import Overdue
from openclaw.deferreds import deferred
from openclaw.interfaces.channels import Taken
from openclaw.interfaces.messages import Inbound, Target
from openclaw.interfaces.queue import INBOX, IQueue, NewMessage
from openclaw.interfaces.routing import AccessRules, IAdmission, IRouter
from openclaw.interfaces.tracing import ITraces
from openclaw.protocol.base import encode

RECENT = 10_000


def message_key(message: Inbound) -> str:
    """Names a message for ever: in the inbox, in traces, as the run it becomes."""
    return f"{message.channel}:{message.account}:{message.dedupe_id}"


def target_of(message: Inbound) -> Target:
    """Where an answer to a message goes."""
    return Target(
        channel=message.channel,
        account=message.account,
        chat_id=message.chat_id,
        thread_id=message.thread_id,
        reply_to=message.message_id,
        chat_type=message.chat_type,
    )


@frozen(kw_only=True)
class Gates:
    """What an event passes on its way in.

    :ivar control: tells commands about runs and approvals, which wait for nothing.
    :ivar contents: tells messages that repeat the words of an earlier one; ``None`` if only ids do.
    """

    admission: IAdmission
    router: IRouter
    queue: IQueue
    outbox: Outbox
    overdue: Overdue
    media: MediaStore
    traces: ITraces
    rules_of: Callable[[Account], AccessRules]
    account_of: AccountOf
    counted: Callable[[str, str], None]
    control: Control = NOBODY
    contents: RecentContents | None = None


class Intake:
    """Takes events of every account, one after the other in each chat.

    An event that was taken before is a duplicate here already if that was lately, and in the inbox
    if it was longer ago: only what was let in lies there.
    """

    def __init__(self, gates: Gates, clock: IReactorTime) -> None:
        self._gates = gates
        self._context = GroupContext()
        self._bursts = Bursts(clock, self._store)
        self._locks: dict[tuple[str, ...], DeferredLock] = {}
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._taking: dict[str, list[Deferred[None]]] = {}

    @deferred
    async def take(self, account: Account, message: Inbound) -> Taken:
        """Take one event; see :meth:`openclaw.interfaces.channels.ILink.receive`."""
        key = message_key(message)
        if key in self._taking:
            await self._with_the_first(key)  # It may still fail, and then so does this one.
        if key in self._recent or self._repeats(message):
            self._gates.traces.note(key, "duplicate")
            self._gates.counted(account.key, "duplicate")
            return "duplicate"
        self._taking[key] = []
        try:
            taken = await self._admitted(account, message, key)
        except BaseException:
            self._first_ended(key, Failure())
            raise
        self._gates.counted(account.key, taken)
        self._recent[key] = None
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        self._first_ended(key, None)
        return taken

    def _with_the_first(self, key: str) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self._taking[key].append(waiting)
        return waiting

    def _first_ended(self, key: str, result: Failure | None) -> None:
        for waiting in self._taking.pop(key):
            waiting.callback(result)

    def _repeats(self, message: Inbound) -> bool:
        contents = self._gates.contents
        if contents is None or message.kind != "message":
            return False
        # Who says "/stop" twice means it twice.
        return not self._gates.control.is_command(message) and contents.repeats(message)

    def close(self) -> None:
        """Take nothing more."""
        self._bursts.close()

    async def _admitted(self, account: Account, message: Inbound, key: str) -> Taken:
        gates, settings = self._gates, account.configured.settings
        gates.traces.note(key, "received", message.kind)
        if self._bursts.gathers(message):
            # Let in with the first of its album, which alone has the words that address us.
            return await self._bursts.take(message, 0)
        verdict = await gates.admission.admit(message, gates.rules_of(account))
        if verdict.refusal is None:
            return await self._bursts.take(message, settings.debounce_ms / 1000)
        gates.traces.note(key, "refused", verdict.refusal)
        if verdict.reply:
            where = target_of(message)
            await gates.outbox.put(
                await gates.outbox.compose(where, verdict.reply, f"pairing:{key}")
            )
        if verdict.refusal == "not_mentioned":
            self._context.note(message, settings.history_limit)
            return "noted"
        return "refused"

    @deferred
    async def _store(self, messages: Sequence[Inbound]) -> Taken:
        """Put messages that belong together into the inbox, behind those of the same chat."""
        first = messages[0]
        if self._gates.control.is_command(first):
            return await self._command(first)  # A file of an earlier message may take its time.
        chat = (first.channel, first.account, first.chat_id, first.thread_id)
        lock = self._locks.setdefault(chat, DeferredLock())
        async with lock:
            taken = await self._enqueue(messages)
        if not lock.locked and not lock.waiting:
            self._locks.pop(chat, None)
        return taken

    async def _enqueue(self, messages: Sequence[Inbound]) -> Taken:
        gates, first = self._gates, messages[0]
        account = gates.account_of(first.channel, first.account)
        if account is None:
            return "refused"  # It was taken out of the configuration a moment ago.
        place = gates.router.place(first, gates.rules_of(account))
        whole = [await gates.media.with_files(account, one) for one in messages]
        context = self._context.take(first)
        for number in range(len(whole)):
            waiting = Waiting(
                message=whole[number],
                more=tuple(whole[number + 1 :]),
                context=context,
                agent_id=place.agent_id,
                session_key=place.session_key,
            )
            if await self._put(waiting):
                gates.router.remember(place.session_key, target_of(first))
                return "queued"
            # Come again after a stop, the first ones may be known, and what follows them not.
        return "duplicate"

    async def _command(self, message: Inbound) -> Taken:
        """Put a command about a run or an approval into a lane of its own.

        What waits for the session may have no room in it, as long as the run in question holds it.
        """
        gates = self._gates
        account = gates.account_of(message.channel, message.account)
        if account is None:
            return "refused"
        place = gates.router.place(message, gates.rules_of(account))
        waiting = Waiting(message=message, agent_id=place.agent_id, session_key=place.session_key)
        if not await self._put(waiting, f"command:{place.session_key}"):
            return "duplicate"
        gates.router.remember(place.session_key, target_of(message))
        return "queued"

    async def _put(self, waiting: Waiting, lane: str = "") -> bool:
        gates, key = self._gates, message_key(waiting.message)
        parts = tuple(message_key(one) for one in waiting.more)
        message = NewMessage(
            id=key,
            queue=INBOX,
            lane=lane or waiting.session_key,
            body=encode(waiting),
            covers=parts,
        )
        new = await gates.queue.enqueue(message)
        gates.traces.note(key, "queued" if new else "duplicate", waiting.session_key)
        if new:
            first = waiting.message
            gates.overdue.waits(key, target_of(first), first.sender.id)
            for part in parts:
                gates.traces.link(part, key)
        return new
