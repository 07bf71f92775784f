"""What the sweep of sessions that nobody uses asks and does."""

from openclaw.interfaces.storage import ITransaction
from openclaw.sessions.journal.changes import delete_session


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
