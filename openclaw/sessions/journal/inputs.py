"""Inputs: taken once, run, ended, and answered for.

Their states: ``accepted`` (on disk; nothing of its answer was seen), ``shown`` (something was),
``answered`` (ended, and its answer is owed to where it came from), ``ended``. What they mean after
a crash is decided in :mod:`openclaw.sessions.recovery`.
"""

from attrs import evolve, frozen

from openclaw.interfaces.conversations import Ending, Input, NewInput, RunRecord
from openclaw.interfaces.storage import ITransaction
from openclaw.protocol.base import encode
from openclaw.protocol.schema.chat import Message
from openclaw.sessions.journal.messages import answer, insert_message
from openclaw.sessions.journal.sessions import after_run, preview, touch, update
from openclaw.sessions.records import Session, StoredInput
from openclaw.sessions.rows import (
    INPUT,
    SESSION,
    StoredRun,
    input_of,
    marked,
    run_of,
    session_of,
    stored_input,
)
from openclaw.sessions.steps import messages_of


@frozen
class Stored:
    """What storing an input did.

    :ivar session: the session as it stands now; ``None`` if the input was there already.
    """

    run: StoredRun
    session: Session | None = None
    message: Message | None = None


@frozen
class Ended:
    """What storing an ending did; both are ``None`` if the session is another by now."""

    session: Session | None
    message: Message | None


def load(tx: ITransaction) -> tuple[list[Session], list[StoredRun]]:
    """Every session, the one that changed last at the end, and every input that has not ended."""
    sessions = tx.rows(f"select {SESSION} from session order by updated_at")
    inputs = tx.rows(f"select {INPUT} from input where state <> 'ended' order by position")
    return [session_of(tx, row) for row in sessions], [run_of(tx, row) for row in inputs]


def find_run(tx: ITransaction, *, run_id: str) -> StoredRun | None:
    """One input, whatever its state."""
    rows = tx.rows(f"select {INPUT} from input where run_id = :run_id", run_id=run_id)
    return run_of(tx, rows[0]) if rows else None


def store_input(
    tx: ITransaction,
    *,
    new: NewInput,
    agent_id: str,
    session_id: str,
    message_id: str,
    now: int,
    titles: bool = True,
) -> Stored:
    """Put an input into its session's transcript and into the queue, once per run id.

    :param session_id: id of the session if the key has none yet.
    :param titles: whether its words may be the title of the session.
    """
    known = find_run(tx, run_id=new.run_id)
    if known is not None:
        return Stored(known)
    session = touch(tx, new.session_key, session_id, agent_id, preview(new.text), now, titles)
    message = Message(
        role="user", content=new.text, timestamp=now, idempotency_key=f"{new.run_id}:user"
    )
    position = insert_message(tx, session, message, message_id, new.run_id, now)
    stored = StoredInput(
        text=new.text,
        agent_id=agent_id,
        message_seq=session.last_seq,
        timeout_seconds=new.timeout_seconds,
        system=new.system,
        origin=new.origin,
        owner=new.owner,
        scopes=new.scopes,
        wishes=new.wishes,
        commanded_by=new.commanded_by,
    )
    tx.execute(
        "insert into input(run_id, kind, session_key, session_id, state, attempts, accepted_at,"
        " position, body) values (:run_id, :kind, :key, :session_id, 'accepted', 1, :now,"
        " :position, :body)",
        run_id=new.run_id,
        kind=new.kind,
        key=new.session_key,
        session_id=session.session_id,
        now=now,
        position=position,
        body=tx.seal("input.body", new.run_id, encode(stored)),
    )
    entry = input_of(stored, new.run_id, new.kind, session.key, session.session_id, now)
    return Stored(
        StoredRun(entry, "accepted", None),
        session,
        marked(message, message_id, session.last_seq, new.run_id),
    )


def mark_shown(tx: ITransaction, *, run_id: str, now: int) -> None:
    """Something of the answer is about to be seen."""
    tx.execute(
        "update input set state = 'shown', started_at = :now"
        " where run_id = :run_id and state = 'accepted'",
        run_id=run_id,
        now=now,
    )


def mark_attempt(tx: ITransaction, *, run_id: str) -> int:
    """The input is about to run once more; returns the number of the attempt."""
    rows = tx.rows(
        "update input set attempts = attempts + 1 where run_id = :run_id returning attempts",
        run_id=run_id,
    )
    return int(rows[0][0]) if rows else 0


def store_ending(
    tx: ITransaction, *, entry: Input, ending: Ending, record: RunRecord, message_id: str
) -> Ended:
    """Record how a run ended, with its answer in the transcript of the session it belongs to.

    The row tells which session that is: a reset may have moved the input while it waited. An end
    that is there already, as its first try was stored and only the answer to it was lost, changes
    nothing.
    """
    now = ending.ended_at_ms
    belongs = tx.rows(
        "update input set state = :state, started_at = :started, ended_at = :now,"
        " result = :result where run_id = :run_id and state in ('accepted', 'shown')"
        " returning session_id",
        run_id=entry.run_id,
        state="answered" if record.reply else "ended",
        started=ending.started_at_ms,
        now=now,
        result=tx.seal("input.result", entry.run_id, encode(record)),
    )
    rows = tx.rows(
        f"select {SESSION} from session where key = :key and session_id = :session_id",
        key=entry.session_key,
        session_id=belongs[0][0] if belongs else entry.session_id,
    )
    if belongs:
        _store_usage(tx, entry, ending)
    if not rows:
        return Ended(None, None)
    if not belongs:
        return Ended(session_of(tx, rows[0]), None)
    before = session_of(tx, rows[0])
    settings = after_run(before.settings, entry, ending)
    message = answer(ending)
    said = [*messages_of(ending.steps, now), *([message] if message is not None else [])]
    session = session_of(tx, update(tx, entry.session_key, settings, len(said), now))
    for back, one in enumerate(reversed(said)):
        name = message_id if one is message else f"{message_id}:{back}"
        insert_message(tx, session, one, name, entry.run_id, now, session.last_seq - back)
    if message is None:
        return Ended(session, None)
    return Ended(session, marked(message, message_id, session.last_seq, entry.run_id))


def mark_replied(tx: ITransaction, *, run_id: str) -> None:
    """The answer is in the outbox."""
    tx.execute("update input set state = 'ended' where run_id = :run_id", run_id=run_id)


def forget_runs(tx: ITransaction, *, before: int) -> int:
    """Forget runs that ended long ago; their messages stay."""
    return tx.execute(
        "delete from input where ended_at < :before and state = 'ended'", before=before
    )


def move_inputs(tx: ITransaction, old: str, new: str, running: str) -> list[Input]:
    """Give the inputs that wait in one session, with their messages, to another, empty one."""
    rows = tx.rows(
        f"select {INPUT} from input where session_id = :old and state = 'accepted'"
        " and run_id <> :running order by position",
        old=old,
        running=running,
    )
    moved = []
    for seq, row in enumerate(rows, 1):
        entry = evolve(run_of(tx, row).entry, session_id=new, message_seq=seq)
        moved.append(entry)
        tx.execute(
            "update message set session_id = :new, seq = :seq"
            " where session_id = :old and run_id = :run_id and role = 'user'",
            new=new,
            seq=seq,
            old=old,
            run_id=entry.run_id,
        )
        tx.execute(
            "update input set session_id = :new, body = :body where run_id = :run_id",
            new=new,
            body=tx.seal("input.body", entry.run_id, encode(stored_input(entry))),
            run_id=entry.run_id,
        )
    return moved


def _store_usage(tx: ITransaction, entry: Input, ending: Ending) -> None:
    if ending.usage.total:
        tx.execute(
            "insert into usage(run_id, at, provider, model, input, output)"
            " values (:run_id, :at, :provider, :model, :input, :output)",
            run_id=entry.run_id,
            at=ending.ended_at_ms,
            provider=ending.provider,
            model=ending.model,
            input=ending.usage.input,
            output=ending.usage.output,
        )
