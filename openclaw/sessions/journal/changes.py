"""What people change of sessions: settings, a fresh start, an end."""

from typing import Any

import msgspec

from openclaw.interfaces.conversations import Input
from openclaw.interfaces.storage import ITransaction
from openclaw.sessions.journal.inputs import move_inputs
from openclaw.sessions.journal.sessions import update
from openclaw.sessions.records import Session, Settings
from openclaw.sessions.rows import SESSION, sealed, session_of


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
    return session_of(tx, update(tx, key, settings, 0, now))


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
        moved = move_inputs(tx, before.session_id, session_id, running)
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
