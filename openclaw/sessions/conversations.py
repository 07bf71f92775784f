"""Sessions with their transcripts and lanes: an input is acknowledged when it is on disk."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Literal

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.errors import Busy, StoreError
from openclaw.interfaces.agents import Turn
from openclaw.interfaces.conversations import (
    Ending,
    IConversations,
    Input,
    IReplies,
    IRunner,
    NewInput,
    Receipt,
    RunRecord,
    Unsummed,
)
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.storage import IStore
from openclaw.protocol.base import Raw
from openclaw.protocol.schema.chat import (
    History,
    HistoryDelta,
    HistoryParams,
    Message,
)
from openclaw.protocol.schema.sessions import (
    PatchParams,
    SessionDefaults,
    SessionRow,
    SessionsListParams,
)
from openclaw.sessions import recovery
from openclaw.sessions.attempts import CountedRunner
from openclaw.sessions.changes import SessionChanges
from openclaw.sessions.endings import record_of
from openclaw.sessions.index import SessionIndex
from openclaw.sessions.journal import inputs
from openclaw.sessions.keys import SessionKeys
from openclaw.sessions.lanes import CAPACITY, Lanes, lane_of
from openclaw.sessions.merging import ModeOf, belongs_to, merge_inputs, merged_record, with_text
from openclaw.sessions.owed import OwedReplies
from openclaw.sessions.rows import StoredRun
from openclaw.sessions.telling import Telling
from openclaw.sessions.transcripts import Transcripts

RUNS_KEPT_MS = 24 * 3_600_000


@implementer(IConversations)
class Conversations:
    """Everything that is said to the gateway, and what became of it."""

    _log = Logger()

    def __init__(
        self,
        store: IStore,
        runner: IRunner,
        events: IEvents,
        index: SessionIndex,
        keys: SessionKeys,
        clock: IReactorTime,
        now_ms: Callable[[], int],
        make_id: Callable[[], str],
        replies: IReplies,
        lane_capacity: int = CAPACITY,
        mode_of: ModeOf = lambda entry: "followup",
        is_command: Callable[[str], bool] = lambda text: False,
    ) -> None:
        self._is_command = is_command
        self._mode_of = mode_of
        self._store = store
        self._tell = Telling(events, index, now_ms)
        self._changes = SessionChanges(store, index, keys, self._tell, now_ms, make_id)
        self._keys = keys
        self._now_ms = now_ms
        self._make_id = make_id
        self._index = index
        self._runner = CountedRunner(runner, store)
        self._lanes = Lanes(self._runner, clock, self._left, lane_capacity, self._gather)
        self._transcripts = Transcripts(store, index)
        self._replies = replies
        self._owed = OwedReplies(store, replies, clock)
        self._storing: dict[str, list[Deferred[None]]] = {}
        self._coming: dict[str, int] = {}
        self._open: dict[str, Input] = {}
        self._waiting: dict[str, list[Deferred[RunRecord]]] = {}
        self._results: dict[str, RunRecord | Failure] = {}

    # -- start and stop ------------------------------------------------------------------------

    @deferred
    async def load(self) -> None:
        """Read the journal, and settle what an earlier process left unfinished."""
        await self.forget_old_runs()
        sessions, unfinished = await self._store.read(inputs.load)
        for session in sessions:
            self._index.put(session)
        plan = recovery.plan(unfinished, {session.session_id for session in sessions})
        for run in plan.owed:
            if run.record is not None:
                self._owed.add(run.entry, run.record.reply)
        for entry in plan.interrupted:
            await self._interrupt(entry)
        for entry in plan.run:
            self._runner.count(entry)
            self._queue(entry)
        if unfinished:
            self._log.info(
                "recovered {again} inputs to run, {interrupted} interrupted",
                again=len(plan.run),
                interrupted=len(plan.interrupted),
            )

    @deferred
    async def forget_old_runs(self) -> None:
        """Forget runs that ended a day ago, and their idempotency keys; their messages stay."""
        before = self._now_ms() - RUNS_KEPT_MS
        await self._store.run(inputs.forget_runs, before=before)

    def open(self) -> None:
        """Start running inputs, and giving the answers that are owed."""
        self._owed.settle()
        self._lanes.open()

    def drain(self) -> Deferred[None]:
        """Start nothing more; fires when what runs has ended. What waits stays on disk."""
        self._owed.close()
        return self._lanes.close()

    # -- inputs ----------------------------------------------------------------------------------

    @deferred
    async def accept(self, new: NewInput) -> Receipt:
        """See :meth:`IConversations.accept`."""
        while new.run_id in self._storing:  # Found afterwards, or tried again if that failed.
            await self._wait_for_storing(new.run_id)
        known = self._known(new.run_id)
        if known is not None:
            return known
        key = self._keys.parse(new.session_key)
        lane = lane_of(new, str(key))
        if self._lanes.full(lane, self._coming.get(lane, 0)):
            raise Busy(
                "too many inputs wait in this session; retry shortly",
                {"code": "LANE_FULL", "sessionKey": str(key)},
                retry_after_ms=1000,
            )
        return await self._store_new(new, str(key), key.agent_id)

    async def _store_new(self, new: NewInput, key: str, agent_id: str) -> Receipt:
        """Store an input that is not known in memory; those who repeat it meanwhile wait."""
        lane = lane_of(new, key)
        self._storing[new.run_id] = []
        self._coming[lane] = self._coming.get(lane, 0) + 1
        try:
            stored = await self._store.run(
                inputs.store_input,
                new=_with_key(new, key),
                agent_id=agent_id,
                session_id=self._make_id(),
                message_id=self._make_id(),
                now=self._now_ms(),
                titles=new.kind != "heartbeat" and not self._is_command(new.text),
            )
            receipt = await self._accepted(stored)
        finally:
            self._coming[lane] -= 1
            if not self._coming[lane]:
                del self._coming[lane]
            for waiting in self._storing.pop(new.run_id):
                waiting.callback(None)
        return receipt

    def _wait_for_storing(self, run_id: str) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self._storing[run_id].append(waiting)
        return waiting

    async def _accepted(self, stored: inputs.Stored) -> Receipt:
        entry = stored.run.entry
        if stored.session is None:
            return await self._take_up(stored.run)
        session = self._index.put(stored.session)
        self._interrupt_running(entry)
        self._queue(entry)
        if stored.message is not None:
            self._tell.message(session, stored.message)
        self._tell.change(entry.session_key, reason="accepted", run_id=entry.run_id)
        return Receipt(state="new", input=entry)

    async def _take_up(self, run: StoredRun) -> Receipt:
        """Answer for an input that the journal has and memory has not.

        Usually it ended long ago. If not, this process could not record its end, or never learned
        that it had been stored: then it goes on as it would after a restart.
        """
        entry, record = run.entry, run.record
        if record is None and run.state == "accepted":
            self._queue(entry)
            return Receipt(state="in_flight", input=entry)
        if record is None:
            record = await self._interrupt(entry)
        return Receipt(state="done", input=entry, record=record)

    async def _interrupt(self, entry: Input) -> RunRecord:
        """Tell in its session that an input will not be answered."""
        ending = recovery.interruption(entry, self._now_ms())
        await self.finish(entry, ending)
        self._left(entry)
        return record_of(entry, ending)

    def _queue(self, entry: Input) -> None:
        self._open[entry.run_id] = entry
        self._index.activate(entry.session_key, entry.run_id)
        if entry.origin is not None:
            self._replies.waits(entry)
        self._lanes.add(entry)

    def _known(self, run_id: str) -> Receipt | None:
        """What memory knows of a run."""
        entry = self._open.get(run_id)
        if entry is not None:
            return Receipt(state="in_flight", input=entry)
        return None

    @deferred
    async def receipt(self, run_id: str) -> Receipt | None:
        """See :meth:`IConversations.receipt`."""
        known = self._known(run_id)
        if known is not None:
            return known
        run = await self._store.read(inputs.find_run, run_id=run_id)
        if run is None:
            return None
        state: Literal["done", "in_flight"] = "in_flight" if run.record is None else "done"
        return Receipt(state=state, input=run.entry, record=run.record)

    @deferred
    async def withdraw(self, session_key: str, run_id: str | None) -> Sequence[str]:
        """See :meth:`IConversations.withdraw`."""
        now = self._now_ms()
        key = str(self._keys.parse(session_key))
        taken = self._lanes.withdraw(key, run_id)
        for place, entry in enumerate(taken):
            ending = Ending(
                state="aborted", text="", started_at_ms=now, ended_at_ms=now, stop_reason="rpc"
            )
            try:
                await self.finish(entry, ending)
            except Exception:
                self._results.pop(entry.run_id, None)
                self._lanes.put_back(key, taken[place:])
                raise
            self._tell.end(entry, "aborted", "rpc")
            self._left(entry)
        return [entry.run_id for entry in taken]

    # -- runs --------------------------------------------------------------------------------------

    def turns(self, entry: Input, most: int) -> Deferred[Sequence[Turn]]:
        """See :meth:`IConversations.turns`."""
        return self._transcripts.turns(entry, most)

    @deferred
    async def absorb(self, entry: Input) -> Sequence[str]:
        """See :meth:`IConversations.absorb`."""
        if self._mode_of(entry) != "steer":
            return ()
        others = await self._merge(entry)
        return [one.text for one in others]

    @deferred
    async def _gather(self, entry: Input) -> Input:
        """What is run in an input's place: with what waits behind it, where that is collected."""
        if entry.commanded_by or self._mode_of(entry) != "collect":
            return entry
        others = await self._merge(entry, collect=True)
        return with_text(entry, others)

    async def _merge(self, entry: Input, collect: bool = False) -> Sequence[Input]:
        """Make what waits and belongs to an input part of it; nothing, if it cannot be stored."""
        others = self._lanes.take(entry.session_key, belongs_to(entry))
        if not others:
            return ()
        now = self._now_ms()
        records = [merged_record(one, entry, now) for one in others]
        into = with_text(entry, others) if collect else entry
        try:
            await self._store.run(merge_inputs, into=into, others=others, records=records)
        except StoreError as error:
            self._log.warn("inputs stay apart: {why}", why=error.message)
            self._lanes.put_back(entry.session_key, others)
            return ()
        for one, record in zip(others, records, strict=True):
            self._results[one.run_id] = record
            self._tell.end(one, "final", "merged")
            self._left(one)
        return others

    def _interrupt_running(self, entry: Input) -> None:
        """Stop what runs, where the newest input is the one that counts."""
        if entry.commanded_by:
            return  # Else an approval would end the very run that waits for it.
        running = self._lanes.running(entry.session_key)
        if running is not None and self._mode_of(entry) == "interrupt":
            self._runner.supersede(running.run_id)

    def shown(self, run_id: str) -> Deferred[None]:
        """See :meth:`IConversations.shown`."""
        return self._store.run(inputs.mark_shown, run_id=run_id, now=self._now_ms())

    @deferred
    async def finish(self, entry: Input, ending: Ending) -> Message | None:
        """See :meth:`IConversations.finish`."""
        record = record_of(entry, ending)
        try:
            ended = await self._store.run(
                inputs.store_ending,
                entry=entry,
                ending=ending,
                record=record,
                message_id=self._make_id(),
            )
        except Exception:
            self._results[entry.run_id] = Failure()
            raise
        self._index.deactivate(entry.session_key, entry.run_id)
        if ended.session is not None:
            session = self._index.put(ended.session)
            if ended.message is not None:
                self._tell.message(session, ended.message)
        self._tell.change(entry.session_key, phase=_phase(ending), run_id=entry.run_id)
        self._results[entry.run_id] = record
        if record.reply:
            await self._owed.give(entry, record.reply)
        elif entry.origin is not None:
            self._owed.forgo(entry)
        return ended.message

    def ended(self, run_id: str) -> Deferred[RunRecord]:
        """See :meth:`IConversations.ended`."""
        waiting: Deferred[RunRecord] = Deferred(lambda gone: self._stop_waiting(run_id, gone))
        self._waiting.setdefault(run_id, []).append(waiting)
        return waiting

    def _stop_waiting(self, run_id: str, waiting: Deferred[RunRecord]) -> None:
        left = [one for one in self._waiting.get(run_id, ()) if one is not waiting]
        if left:
            self._waiting[run_id] = left
        else:
            self._waiting.pop(run_id, None)

    def _left(self, entry: Input) -> None:
        """An input is out of its lane: only now, after its last event, do answers go out.

        One that has no result was cut off by the stop of the gateway, and will run again.
        """
        self._open.pop(entry.run_id, None)
        self._index.deactivate(entry.session_key, entry.run_id)
        if entry.origin is not None:
            self._replies.left(entry)
        result = self._results.pop(entry.run_id, None)
        if result is not None:
            for waiting in self._waiting.pop(entry.run_id, ()):
                waiting.callback(result)

    # -- reading -----------------------------------------------------------------------------------

    def history(self, params: HistoryParams) -> Deferred[History | HistoryDelta]:
        """See :meth:`IConversations.history`."""
        return self._transcripts.history(str(self._keys.parse(params.session_key)), params)

    def page(self, params: SessionsListParams) -> Raw:
        """See :meth:`IConversations.page`."""
        return self._index.page(params)

    def recent(self, limit: int) -> Sequence[SessionRow]:
        """See :meth:`IConversations.recent`."""
        return [self._index.row(one) for one in islice(self._index.latest_first(), limit)]

    def row(self, key: str) -> SessionRow | None:
        """See :meth:`IConversations.row`."""
        session = self._index.get(str(self._keys.parse(key)))
        return self._index.row(session) if session is not None else None

    def defaults(self) -> SessionDefaults:
        """See :meth:`IConversations.defaults`."""
        return self._index.defaults()

    def count(self) -> int:
        """See :meth:`IConversations.count`."""
        return len(self._index)

    # -- changing ----------------------------------------------------------------------------------

    def patch(self, params: PatchParams) -> Deferred[SessionRow]:
        """See :meth:`IConversations.patch`."""
        return self._changes.patch(params)

    @deferred
    async def reset(self, key: str) -> SessionRow:
        """See :meth:`IConversations.reset`."""
        row, moved = await self._changes.reset(key, self._lanes.running(self._changes.key(key)))
        self._open.update((entry.run_id, entry) for entry in moved if entry.run_id in self._open)
        self._lanes.replace(self._changes.key(key), moved)
        return row

    @deferred
    async def said(self, key: str) -> Sequence[Turn]:
        """See :meth:`IConversations.said`."""
        return await self._transcripts.whole(self._changes.existing(key))

    @deferred
    async def unsummed(self, key: str, most: int) -> Unsummed:
        """See :meth:`IConversations.unsummed`."""
        return await self._transcripts.unsummed(self._changes.existing(key), most)

    def memory(self, key: str) -> str:
        """See :meth:`IConversations.memory`."""
        session = self._index.get(self._changes.key(key))
        return session.settings.memory if session is not None else ""

    def remember(self, key: str, text: str) -> Deferred[None]:
        """See :meth:`IConversations.remember`."""
        return self._changes.remember(key, text)

    def shorten(self, key: str, session_id: str, summary: str, seq: int) -> Deferred[SessionRow]:
        """See :meth:`IConversations.shorten`."""
        return self._changes.shorten(key, session_id, summary, seq)

    @deferred
    async def delete(self, key: str, expected_session_id: str | None) -> bool:
        """See :meth:`IConversations.delete`."""
        deleted = await self._changes.delete(key, expected_session_id)
        if deleted:
            # What was accepted before this moment belonged to the session that is gone.
            await self.withdraw(self._changes.key(key), None)
            self._tell.change(self._changes.key(key), reason="delete")
        return deleted


def _with_key(new: NewInput, key: str) -> NewInput:
    return evolve(new, session_key=key)


def _phase(ending: Ending) -> str:
    return "error" if ending.state in ("failed", "interrupted") else "end"
