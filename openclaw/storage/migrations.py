"""The journal's schema as numbered steps; a released step is followed by others, never edited."""

import sqlite3
from collections.abc import Sequence

from attrs import frozen

from openclaw.errors import StoreError
from openclaw.storage.dialect import sqlite_sql


@frozen
class Migration:
    """One step of the schema.

    :ivar version: positive and growing.
    :ivar statements: SQL with dialect words, run in order in one transaction.
    """

    version: int
    statements: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1,
        (
            """create table session(
                key text primary key, session_id text not null, agent_id text not null,
                created_at bigint, updated_at bigint, archived int default 0,
                last_seq bigint default 0, settings text not null default '{}')""",
            """create table message(
                id {pk}, session_id text, seq bigint, message_id text, run_id text, role text,
                body {blob}, at bigint, unique (session_id, seq))""",
            "create unique index message_by_message_id on message(message_id)",
            "create index message_by_run on message(run_id)",
            """create table input(
                run_id text primary key, kind text, session_key text, session_id text,
                state text, attempts int default 0, accepted_at bigint, started_at bigint,
                ended_at bigint, position bigint, body {blob}, result {blob})""",
            "create index input_by_state on input(state, position)",
            "create index input_by_end on input(ended_at)",
            """create table device(
                device_id text primary key, public_key text, body {blob},
                approved_at bigint, last_seen_at bigint)""",
            """create table device_token(
                device_id text, role text, body {blob}, primary key (device_id, role))""",
            """create table pairing(
                request_id text primary key, device_id text, body {blob}, created_at bigint)""",
            "create table setting(name text primary key, value {blob})",
            """create table usage(
                id {pk}, run_id text, at bigint, provider text, model text,
                input bigint, output bigint)""",
            "create index usage_by_time on usage(at)",
        ),
    ),
    Migration(
        2,
        (
            """create table sender(
                channel text, account text, sender_id text, state text, body {blob},
                created_at bigint, primary key (channel, account, sender_id))""",
        ),
    ),
    Migration(
        3,
        (
            """create table audit(
                id bigint primary key, at bigint not null, kind text not null,
                body {blob} not null, chain {blob} not null)""",
            "create index audit_by_kind on audit(kind, id)",
            "create index audit_by_time on audit(at)",
        ),
    ),
    Migration(
        4,
        (
            """create table queue_state(
                queue text primary key, depth bigint not null, token bigint not null)""",
            """create table queue_lane(
                queue text not null, name text not null, due bigint not null,
                depth bigint not null, primary key (queue, name))""",
            "create index queue_lane_by_due on queue_lane(queue, due)",
            """create table queue_message(
                id {pk}, message_id text not null unique, queue text not null, lane text not null,
                attempts int not null, token bigint not null, interrupted int not null,
                not_before bigint not null, enqueued_at bigint not null,
                failures {blob}, body {blob})""",
            "create index queue_message_by_lane on queue_message(queue, lane, id)",
            """create table queue_letter(
                id {pk}, message_id text not null unique, queue text not null, lane text not null,
                attempts int not null, state text not null, enqueued_at bigint not null,
                died_at bigint not null, reason {blob}, body {blob})""",
            "create index queue_letter_by_time on queue_letter(died_at)",
            "create table queue_seen(message_id text primary key, expires bigint not null)",
            "create index queue_seen_by_time on queue_seen(expires)",
        ),
    ),
    Migration(
        5,
        (
            """create table route(
                session_key text primary key, body {blob} not null, at bigint not null)""",
            "create index route_by_time on route(at)",
        ),
    ),
    Migration(
        6,
        (
            """create table channel_state(
                channel text, account text, name text, value {blob},
                primary key (channel, account, name))""",
            "create table sent(id text primary key, result text, at bigint)",
            "create index sent_by_time on sent(at)",
            "create table trace(id {pk}, key text, at bigint, step text, detail text)",
            "create index trace_by_key on trace(key, id)",
            "create index trace_by_time on trace(at)",
        ),
    ),
    Migration(
        7,
        (
            """create table approval(
                id text primary key, digest text not null, state text not null,
                body {blob} not null, created_at bigint not null, expires_at bigint not null,
                decided_by text not null default '')""",
            "create index approval_by_state on approval(state, created_at)",
        ),
    ),
)


def migrate(connection: sqlite3.Connection, now_ms: int, migrations: Sequence[Migration]) -> None:
    """Bring the schema up to date, all missing steps in one transaction.

    :param now_ms: wall clock, recorded beside each step.
    :raises StoreError: the database was written by a newer version of the program.
    """
    connection.execute("begin exclusive")
    try:
        connection.execute(
            "create table if not exists schema_version(v bigint primary key, at bigint not null)"
        )
        (found,) = connection.execute("select coalesce(max(v), 0) from schema_version").fetchone()
        newest = max((step.version for step in migrations), default=0)
        if found > newest:
            raise StoreError(
                f"the journal has schema version {found}, this program knows up to {newest}: "
                "start the newer version that wrote it"
            )
        for step in migrations:
            if step.version > found:
                _apply(connection, step, now_ms)
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def _apply(connection: sqlite3.Connection, step: Migration, now_ms: int) -> None:
    for statement in step.statements:
        connection.execute(sqlite_sql(statement))
    connection.execute(
        "insert into schema_version(v, at) values (:v, :now)", {"v": step.version, "now": now_ms}
    )
