"""The SQL of conversations: plain functions, each one transaction in the store's thread.

States of an input: ``accepted`` (on disk; nothing of its answer was seen), ``shown`` (something
was), ``answered`` (ended, and its answer is owed to where it came from), ``ended``. What they mean
after a crash is decided in :mod:`openclaw.sessions.recovery`.
"""

from typing import Any, get_args

import msgspec
from attrs import evolve, frozen

from openclaw.interfaces.agents import Usage
from openclaw.interfaces.conversations import Ending, Input, NewInput, RunRecord
from openclaw.interfaces.storage import ITransaction, Row
from openclaw.protocol.base import UNSET, encode
from openclaw.protocol.schema.chat import Message, MessageUsage, TextPart
from openclaw.sessions.records import LastStatus, Session, Settings, StoredInput
from openclaw.sessions.rows import (
    INPUT,
    MESSAGE,
    SESSION,
    StoredRun,
    input_of,
    marked,
    message_of,
    run_of,
    sealed,
    session_of,
    stored_input,
)
from openclaw.sessions.steps import messages_of

PREVIEW_LENGTH = 120


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
    session = _touch(tx, new.session_key, session_id, agent_id, _preview(new.text), now, titles)
    message = Message(
        role="user", content=new.text, timestamp=now, idempotency_key=f"{new.run_id}:user"
    )
    position = _insert_message(tx, session, message, message_id, new.run_id, now)
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
    settings = _after_run(before.settings, entry, ending)
    message = _answer(ending)
    said = [*messages_of(ending.steps, now), *([message] if message is not None else [])]
    session = session_of(tx, _update(tx, entry.session_key, settings, len(said), now))
    for back, one in enumerate(reversed(said)):
        name = message_id if one is message else f"{message_id}:{back}"
        _insert_message(tx, session, one, name, entry.run_id, now, session.last_seq - back)
    if message is None:
        return Ended(session, None)
    return Ended(session, marked(message, message_id, session.last_seq, entry.run_id))


def mark_replied(tx: ITransaction, *, run_id: str) -> None:
    """The answer is in the outbox."""
    tx.execute("update input set state = 'ended' where run_id = :run_id", run_id=run_id)


def read_messages(
    tx: ITransaction, *, session_id: str, after: int, before: int, limit: int
) -> list[Message]:
    """The latest messages between two places (both excluded), in order."""
    rows = tx.rows(
        f"select {MESSAGE} from message where session_id = :session_id and seq > :after"
        " and seq < :before order by seq desc limit :limit",
        session_id=session_id,
        after=after,
        before=before,
        limit=limit,
    )
    return [message_of(tx, row) for row in reversed(rows)]


def read_turns(
    tx: ITransaction, *, session_id: str, after: int, before: int, inputs: int
) -> list[Message]:
    """The latest inputs between two places (both excluded) with their answers, in order.

    The answer to an earlier input may stand behind a later input, so places alone do not tell.
    """
    rows = tx.rows(
        f"select {MESSAGE} from message where session_id = :session_id and run_id in ("
        "select run_id from message where session_id = :session_id and role = 'user'"
        " and seq > :after and seq < :before order by seq desc limit :inputs) order by seq",
        session_id=session_id,
        after=after,
        before=before,
        inputs=inputs,
    )
    return [message_of(tx, row) for row in rows]


def change_session(
    tx: ITransaction,
    *,
    key: str,
    session_id: str,
    archived: bool | None,
    changes: dict[str, Any],
    now: int,
) -> Session | None:
    """Change settings of a session; ``None`` if it is gone or another by now."""
    rows = tx.rows(
        f"select {SESSION} from session where key = :key and session_id = :session_id",
        key=key,
        session_id=session_id,
    )
    if not rows:
        return None
    before = session_of(tx, rows[0])
    settings = msgspec.structs.replace(before.settings, **changes)
    tx.execute(
        "update session set archived = :archived where key = :key",
        key=key,
        archived=int(before.archived if archived is None else archived),
    )
    return session_of(tx, _update(tx, key, settings, 0, now))


def reset_session(
    tx: ITransaction, *, key: str, agent_id: str, session_id: str, running: str, now: int
) -> tuple[Session, list[Input]]:
    """Start over under the same key; the transcript goes, what a session is set up with stays.

    What waits was promised an answer, so it moves to the new session and stands first in it.

    :param running: run id of what runs in the old session now; it stays behind.
    :return: the new session, and the inputs that moved, in order.
    """
    rows = tx.rows(f"select {SESSION} from session where key = :key", key=key)
    kept = Settings()
    moved: list[Input] = []
    if rows:
        before = session_of(tx, rows[0])
        kept = before.settings.lasting
        moved = _move_inputs(tx, before.session_id, session_id, running)
        delete_session(tx, key=key, expected=None)
    tx.execute(
        "insert into session(key, session_id, agent_id, created_at, updated_at, last_seq, settings)"
        " values (:key, :session_id, :agent_id, :now, :now, :last_seq, :settings)",
        key=key,
        session_id=session_id,
        agent_id=agent_id,
        now=now,
        last_seq=len(moved),
        settings=sealed(tx, key, kept),
    )
    row = tx.rows(f"select {SESSION} from session where key = :key", key=key)[0]
    return session_of(tx, row), moved


def delete_session(tx: ITransaction, *, key: str, expected: str | None) -> bool:
    """Delete a session and its transcript; false if it is not there, or is another."""
    rows = tx.rows("select session_id from session where key = :key", key=key)
    if not rows or (expected is not None and rows[0][0] != expected):
        return False
    tx.execute("delete from message where session_id = :id", id=rows[0][0])
    tx.execute("delete from session where key = :key", key=key)
    return True


def delete_idle(tx: ITransaction, *, wanted: dict[str, str]) -> list[str]:
    """Delete sessions in which nothing runs or waits, by key and session id; which ones it did."""
    gone = []
    for key, session_id in wanted.items():
        busy = tx.rows(
            "select 1 from input where state in ('accepted', 'shown', 'answered')"
            " and session_id = :session_id limit 1",
            session_id=session_id,
        )
        if not busy and delete_session(tx, key=key, expected=session_id):
            gone.append(key)
    return gone


def used_bytes(tx: ITransaction) -> int:
    """How much of the journal is in use; what was freed is in the file still, and used again."""
    rows = tx.rows(
        "select (page_count - freelist_count) * page_size"
        " from pragma_page_count(), pragma_freelist_count(), pragma_page_size()"
    )
    return int(rows[0][0])


def forget_runs(tx: ITransaction, *, before: int) -> int:
    """Forget runs that ended long ago; their messages stay."""
    return tx.execute(
        "delete from input where ended_at < :before and state = 'ended'", before=before
    )


def _move_inputs(tx: ITransaction, old: str, new: str, running: str) -> list[Input]:
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


def _touch(
    tx: ITransaction,
    key: str,
    session_id: str,
    agent_id: str,
    preview: str,
    now: int,
    titles: bool,
) -> Session:
    """The session of a key, made if there is none, with room for one message more."""
    settings = Settings(title=preview if titles else "", preview=preview)
    rows = tx.rows(
        "insert into session(key, session_id, agent_id, created_at, updated_at, last_seq, settings)"
        " values (:key, :session_id, :agent_id, :now, :now, 1, :settings)"
        " on conflict(key) do update set last_seq = session.last_seq + 1, updated_at = :now,"
        f" archived = 0 returning {SESSION}",
        key=key,
        session_id=session_id,
        agent_id=agent_id,
        now=now,
        settings=sealed(tx, key, settings),
    )
    session = session_of(tx, rows[0])
    if session.settings.title or not titles:
        return session  # Its preview follows with the answer; one statement less until then.
    titled = msgspec.structs.replace(session.settings, preview=preview, title=preview)
    return session_of(tx, _update(tx, key, titled, 0, now))


def _update(tx: ITransaction, key: str, settings: Settings, step: int, now: int) -> Row:
    rows = tx.rows(
        "update session set settings = :settings, last_seq = last_seq + :step, updated_at = :now"
        f" where key = :key returning {SESSION}",
        key=key,
        settings=sealed(tx, key, settings),
        step=step,
        now=now,
    )
    return rows[0]


def _insert_message(
    tx: ITransaction,
    session: Session,
    message: Message,
    message_id: str,
    run_id: str,
    now: int,
    seq: int = 0,
) -> int:
    """Put a message at a place, the session's last one; returns its position among all messages."""
    rows = tx.rows(
        "insert into message(session_id, seq, message_id, run_id, role, body, at)"
        " values (:session_id, :seq, :message_id, :run_id, :role, :body, :now) returning id",
        session_id=session.session_id,
        seq=seq or session.last_seq,
        message_id=message_id,
        run_id=run_id,
        role=message.role,
        body=tx.seal("message.body", message_id, encode(message)),
        now=now,
    )
    return int(rows[0][0])


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


def _after_run(settings: Settings, entry: Input, ending: Ending) -> Settings:
    status = "failed" if ending.state == "timeout" else ending.state
    assert status in get_args(LastStatus)
    return msgspec.structs.replace(
        settings,
        status=status,
        started_at=ending.started_at_ms,
        ended_at=ending.ended_at_ms,
        last_run_id=entry.run_id,
        input_tokens=settings.input_tokens + ending.usage.input,
        output_tokens=settings.output_tokens + ending.usage.output,
        preview=_preview(ending.text) or settings.preview,
    )


def _answer(ending: Ending) -> Message | None:
    """The message a run leaves; one that was stopped before it said anything leaves none."""
    if ending.state == "aborted" and not ending.text:
        return None
    usage = ending.usage
    return Message(
        role="assistant",
        content=[TextPart(text=ending.text)],
        timestamp=ending.ended_at_ms,
        provider=ending.provider or UNSET,
        model=ending.model or UNSET,
        usage=_wire_usage(usage) if usage.total else UNSET,
        stop_reason=ending.stop_reason,
        error_message=ending.error or UNSET,
        thinking=ending.thinking or UNSET,
    )


def _wire_usage(usage: Usage) -> MessageUsage:
    return MessageUsage(input=usage.input, output=usage.output, total_tokens=usage.total)


def _preview(text: str) -> str:
    return " ".join(text[: PREVIEW_LENGTH * 2].split())[:PREVIEW_LENGTH]
