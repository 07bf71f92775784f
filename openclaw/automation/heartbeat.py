"""The heartbeat: at a steady interval the main session is asked whether anything needs attention.

A beat is an ordinary run of the main session, so it waits its turn, is on disk before it starts and
is never doubled. The switch, the last result and the notes for the next beat survive a restart.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from attrs import frozen
from msgspec import field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.deferreds import Tasks, deferred
from openclaw.errors import Busy, GatewayError
from openclaw.interfaces.conversations import IConversations, NewInput, RunRecord
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.monitoring import IHeartbeats
from openclaw.interfaces.storage import IStore, ITransaction
from openclaw.periodic import Periodic
from openclaw.protocol.base import Wire, encode
from openclaw.protocol.schema.system import AgentHeartbeat, Heartbeat

PROMPT = (
    "This is a heartbeat. If something needs attention, say what and why. "
    "If nothing does, answer NO_REPLY."
)
MAX_NOTES = 100
MAX_NOTES_CHARACTERS = 100_000
_SETTING = "heartbeat"


class _Kept(Wire, frozen=True, kw_only=True):
    """What is in the journal."""

    enabled: bool = True
    last: Heartbeat | None = None
    notes: list[str] = field(default_factory=list)


@frozen(kw_only=True)
class HeartbeatPlan:
    """When and where it beats.

    :ivar every_seconds: 0 never beats by itself; ``wake`` still does.
    """

    every_seconds: int
    session_key: str
    prompt: str = PROMPT


def _load(tx: ITransaction) -> _Kept:
    rows = tx.rows("select value from setting where name = :name", name=_SETTING)
    if not rows:
        return _Kept()
    return msgspec.json.decode(tx.open("setting.value", _SETTING, rows[0][0]), type=_Kept)


def _change(tx: ITransaction, *, changes: dict[str, Any]) -> _Kept:
    """Change a part of it; the rest stays as it is on disk, whoever changed it last."""
    kept = msgspec.structs.replace(_load(tx), **changes)
    tx.execute(
        "insert into setting(name, value) values (:name, :value)"
        " on conflict(name) do update set value = :value",
        name=_SETTING,
        value=tx.seal("setting.value", _SETTING, encode(kept)),
    )
    return kept


def _add_note(tx: ITransaction, *, text: str) -> _Kept:
    """Keep a note for the next beat.

    :raises Busy: too many wait, as they do while beats are switched off.
    """
    notes = [*_load(tx).notes, text]
    if len(notes) > MAX_NOTES or sum(map(len, notes)) > MAX_NOTES_CHARACTERS:
        raise Busy("too many notes wait for the next heartbeat; send this one with mode now")
    return _change(tx, changes={"notes": notes})


def _drop_notes(tx: ITransaction, *, count: int) -> _Kept:
    """Forget the oldest notes: a beat has them."""
    return _change(tx, changes={"notes": _load(tx).notes[count:]})


@implementer(IHeartbeats)
class HeartbeatService(Periodic):
    """Beats."""

    _log = Logger()
    name = "heartbeat"

    def __init__(
        self,
        plan: HeartbeatPlan,
        conversations: IConversations,
        events: IEvents,
        store: IStore,
        clock: IReactorTime,
        now_ms: Callable[[], int],
        make_id: Callable[[], str],
    ) -> None:
        super().__init__(self._due, clock, plan.every_seconds)
        self._plan = plan
        self._conversations = conversations
        self._events = events
        self._store = store
        self._now_ms = now_ms
        self._make_id = make_id
        self._kept = _Kept()
        self._tasks = Tasks()
        self._beating = 0

    @deferred
    async def load(self) -> None:
        """Read the switch, the last result and what waits to be told."""
        self._kept = await self._store.read(_load)

    def stopService(self) -> Deferred[None]:
        """Stop beating; a beat that runs is the main session's own business."""
        super().stopService()
        return self._tasks.cancel()

    @property
    def last(self) -> Heartbeat | None:
        """How the last beat ended; ``None`` before the first."""
        return self._kept.last

    @property
    def waiting_notes(self) -> list[str]:
        """What the next beat will be told."""
        return list(self._kept.notes)

    def describe(self) -> AgentHeartbeat:
        """Whether and how often it beats."""
        seconds = self._plan.every_seconds
        return AgentHeartbeat(
            enabled=self._kept.enabled and seconds > 0,
            every=f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s",
            every_ms=seconds * 1000,
        )

    @deferred
    async def switch(self, enabled: bool) -> None:
        """Turn it on or off; fires when that is on disk."""
        self._kept = await self._store.run(_change, changes={"enabled": enabled})

    @deferred
    async def wake(self, text: str, now: bool) -> None:
        """Tell the main session something, now or with the next beat.

        :return: fires when the input of a beat, or the note, is on disk; fails with
            :class:`openclaw.errors.Busy` if too many notes wait.
        """
        if now:
            await self._accept(text)
        else:
            self._kept = await self._store.run(_add_note, text=text)

    def _due(self) -> None:
        if not self._kept.enabled or self._beating:
            return
        row = self._conversations.row(self._plan.session_key)
        if row is not None and row.has_active_run:
            skipped = Heartbeat(
                ts=self._now_ms(), status="skipped", duration_ms=0, reason="requests-in-flight"
            )
            self._tasks.spawn("heartbeat skipped", self._tell(skipped))
        else:
            self._tasks.spawn("heartbeat", self._beat())

    async def _beat(self) -> None:
        notes = self._kept.notes
        try:
            await self._accept("\n".join([self._plan.prompt, *notes]))
        except GatewayError as error:  # The next beat tries again, and tells what this one did not.
            self._log.warn("heartbeat not accepted: {why}", why=error.message)
            return
        if notes:  # A crash just before this tells them twice, which is better than never.
            self._kept = await self._store.run(_drop_notes, count=len(notes))

    async def _accept(self, text: str) -> None:
        """Hand a beat to the main session; its end is awaited beside it."""
        began = self._now_ms()
        run_id = f"heartbeat:{self._make_id()}"
        self._beating += 1
        try:
            await self._conversations.accept(
                NewInput(
                    run_id=run_id,
                    kind="heartbeat",
                    session_key=self._plan.session_key,
                    text=text,
                )
            )
        except BaseException:
            self._beating -= 1
            raise
        self._tasks.spawn("heartbeat result", self._wait(run_id, began))

    async def _wait(self, run_id: str, began: int) -> None:
        try:
            record = await self._conversations.ended(run_id)
            await self._ended(record, began)
        finally:
            self._beating -= 1

    async def _ended(self, record: RunRecord, began: int) -> None:
        now = self._now_ms()
        ok = record.final.status == "ok"
        fields: dict[str, Any] = {} if ok else {"reason": record.error or record.final.summary}
        if record.final.result and record.final.result.payloads:
            fields["preview"] = record.final.result.payloads[0].text[:200]
        result = Heartbeat(
            ts=now, status="ok" if ok else "error", duration_ms=now - began, **fields
        )
        await self._tell(result)

    async def _tell(self, result: Heartbeat) -> None:
        self._kept = await self._store.run(_change, changes={"last": result})
        self._events.publish("heartbeat", result)
