"""How sessions, messages and inputs lie in their rows; which rows are wanted is asked elsewhere."""

from typing import get_args

import msgspec
from attrs import frozen

from openclaw.interfaces.conversations import Input, InputKind, RunRecord
from openclaw.interfaces.storage import ITransaction, Row
from openclaw.protocol.base import encode
from openclaw.protocol.schema.chat import Message, MessageMark
from openclaw.sessions.records import Session, Settings, StoredInput

_message_decoder = msgspec.json.Decoder(Message)
_settings_decoder = msgspec.json.Decoder(Settings)
_stored_decoder = msgspec.json.Decoder(StoredInput)
_record_decoder = msgspec.json.Decoder(RunRecord)

INPUT = "run_id, kind, session_key, session_id, body, accepted_at, attempts, state, result"
SESSION = "key, session_id, agent_id, created_at, updated_at, archived, last_seq, settings"
MESSAGE = "seq, message_id, run_id, body"


@frozen
class StoredRun:
    """One input with its state, as the journal has it."""

    entry: Input
    state: str
    record: RunRecord | None


def marked(message: Message, message_id: str, seq: int, run_id: str) -> Message:
    """A message with its place, as clients see it."""
    mark = MessageMark(id=message_id, seq=seq, run_id=run_id)
    return msgspec.structs.replace(message, mark=mark)


def message_of(tx: ITransaction, row: Row) -> Message:
    """A message from the columns :data:`MESSAGE`."""
    seq, message_id, run_id, body = row
    plain = tx.open("message.body", message_id, body)
    return marked(_message_decoder.decode(plain), message_id, seq, run_id)


def sealed(tx: ITransaction, key: str, settings: Settings) -> str:
    """The settings of a session, ready for their column."""
    return tx.seal_text("session.settings", key, encode(settings))


def session_of(tx: ITransaction, row: Row) -> Session:
    """A session from the columns :data:`SESSION`."""
    key, session_id, agent_id, created_at, updated_at, archived, last_seq, settings = row
    return Session(
        key=key,
        session_id=session_id,
        agent_id=agent_id,
        created_at_ms=created_at,
        updated_at_ms=updated_at,
        archived=bool(archived),
        last_seq=last_seq,
        settings=_settings_decoder.decode(tx.open_text("session.settings", key, settings)),
    )


def run_of(tx: ITransaction, row: Row) -> StoredRun:
    """An input from the columns :data:`INPUT`."""
    run_id, kind, key, session_id, body, accepted_at, attempts, state, result = row
    assert kind in get_args(InputKind)
    stored = _stored_decoder.decode(tx.open("input.body", run_id, body))
    entry = input_of(stored, run_id, kind, key, session_id, accepted_at, attempts)
    if result is None:
        return StoredRun(entry, state, None)
    plain = tx.open("input.result", run_id, result)
    return StoredRun(entry, state, _record_decoder.decode(plain))


def input_of(
    stored: StoredInput,
    run_id: str,
    kind: InputKind,
    session_key: str,
    session_id: str,
    accepted_at_ms: int,
    attempt: int = 1,
) -> Input:
    """An input from its body and its columns."""
    return Input(
        run_id=run_id,
        kind=kind,
        session_key=session_key,
        session_id=session_id,
        agent_id=stored.agent_id,
        text=stored.text,
        message_seq=stored.message_seq,
        accepted_at_ms=accepted_at_ms,
        attempt=attempt,
        timeout_seconds=stored.timeout_seconds,
        system=stored.system,
        origin=stored.origin,
        owner=stored.owner,
        scopes=stored.scopes,
        wishes=stored.wishes,
        commanded_by=stored.commanded_by,
    )


def stored_input(entry: Input) -> StoredInput:
    """The body of an input, as :func:`input_of` takes it."""
    return StoredInput(
        text=entry.text,
        agent_id=entry.agent_id,
        message_seq=entry.message_seq,
        timeout_seconds=entry.timeout_seconds,
        system=entry.system,
        origin=entry.origin,
        owner=entry.owner,
        scopes=entry.scopes,
        wishes=entry.wishes,
        commanded_by=entry.commanded_by,
    )
