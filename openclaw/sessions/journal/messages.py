"""The messages of transcripts, in their order."""

from openclaw.interfaces.agents import Usage
from openclaw.interfaces.conversations import Ending
from openclaw.interfaces.storage import ITransaction
from openclaw.protocol.base import UNSET, encode
from openclaw.protocol.schema.chat import Message, MessageUsage, TextPart
from openclaw.sessions.records import Session
from openclaw.sessions.rows import MESSAGE, message_of


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


def insert_message(
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


def answer(ending: Ending) -> Message | None:
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
