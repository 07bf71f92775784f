"""The rows of sessions: made when first spoken to, and kept up with what is said."""

from typing import get_args

import msgspec

from openclaw.interfaces.conversations import Ending, Input
from openclaw.interfaces.storage import ITransaction, Row
from openclaw.sessions.records import LastStatus, Session, Settings
from openclaw.sessions.rows import SESSION, sealed, session_of

PREVIEW_LENGTH = 120


def touch(
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
    return session_of(tx, update(tx, key, titled, 0, now))


def update(tx: ITransaction, key: str, settings: Settings, step: int, now: int) -> Row:
    """Write settings, and make room for ``step`` messages more; the row as it is then."""
    rows = tx.rows(
        "update session set settings = :settings, last_seq = last_seq + :step, updated_at = :now"
        f" where key = :key returning {SESSION}",
        key=key,
        settings=sealed(tx, key, settings),
        step=step,
        now=now,
    )
    return rows[0]


def after_run(settings: Settings, entry: Input, ending: Ending) -> Settings:
    """What a run leaves in its session besides its messages."""
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
        preview=preview(ending.text) or settings.preview,
    )


def preview(text: str) -> str:
    """The beginning of a text, in one line."""
    return " ".join(text[: PREVIEW_LENGTH * 2].split())[:PREVIEW_LENGTH]
