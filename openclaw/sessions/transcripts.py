"""Reading transcripts: pages and deltas for clients, the conversation for a model."""

import base64
import binascii
from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from openclaw.deferreds import deferred
from openclaw.interfaces.agents import MOST_TURNS, Turn
from openclaw.interfaces.conversations import Input, Unsummed
from openclaw.interfaces.storage import IStore
from openclaw.protocol.base import Wire, encode
from openclaw.protocol.schema.chat import (
    History,
    HistoryDelta,
    HistoryParams,
    Message,
    PendingInputs,
    SessionMessage,
)
from openclaw.protocol.schema.sessions import SessionRow
from openclaw.sessions.index import SessionIndex
from openclaw.sessions.journal.messages import read_messages, read_turns
from openclaw.sessions.records import Session, Settings
from openclaw.sessions.steps import turn_of

TURNS_CHARACTERS = 400_000
_END = 2**62


class Cursor(Wire, frozen=True, kw_only=True):
    """A place in a transcript, as clients carry it around."""

    session_id: str
    seq: int


def write_cursor(session_id: str, seq: int) -> str:
    """A cursor as opaque text."""
    return base64.urlsafe_b64encode(encode(Cursor(session_id=session_id, seq=seq))).decode()


def read_cursor(text: str) -> Cursor | None:
    """A cursor of ours; ``None`` for anything else."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text), type=Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None


class Transcripts:
    """Reads what the journal has of a session."""

    def __init__(self, store: IStore, index: SessionIndex) -> None:
        self._store = store
        self._index = index

    @deferred
    async def history(self, key: str, params: HistoryParams) -> History | HistoryDelta:
        """The latest messages, or what came after a cursor we know."""
        session = self._index.get(key)
        if session is None:
            return self._nothing(key)
        if params.cursor is not UNSET:
            cursor = read_cursor(params.cursor)
            if cursor is not None and _fits(cursor, session):
                delta = await self._delta(session, cursor.seq, params.limit)
                if delta is not None:
                    return delta
        before = _END if params.before_seq is UNSET else min(params.before_seq, _END)
        if params.offset is not UNSET:
            before = max(1, session.last_seq + 1 - params.offset)
        messages = await self._read(session, 0, before, params.limit)
        if params.max_bytes is not UNSET:
            messages = _within(messages, params.max_bytes)
        return self._page(session, messages)

    @deferred
    async def turns(self, entry: Input, most: int) -> Sequence[Turn]:
        """The latest of the conversation up to one input, that input last.

        An input that was accepted while an earlier one still ran stands before that one's answer
        in the transcript; a model has to see each input with its own answer.
        """
        if entry.wishes is not None and entry.wishes.turns:
            return entry.wishes.turns[-most:]
        session = self._index.get(entry.session_key)
        if session is not None and session.session_id == entry.session_id:
            known = session.settings
        else:
            known = Settings()
        # An input that already waited when the conversation was shortened stands before the cut.
        after = min(known.summary_seq, entry.message_seq - 1)
        messages = await self._store.read(
            read_turns,
            session_id=entry.session_id,
            after=after,
            before=entry.message_seq,
            inputs=most // 2 + 1,
        )
        latest = _from_a_beginning(order_turns(messages, entry)[-most:])
        return [*_summary(known), *latest]

    @deferred
    async def whole(self, session: Session) -> Sequence[Turn]:
        """Everything that was said since the last summary, that summary first."""
        settings = session.settings
        messages = await self._read(session, settings.summary_seq, _END, MOST_TURNS)
        said = [turn for one in messages if (turn := turn_of(one)) is not None]
        return [*_summary(settings), *_last_turns(said)]

    @deferred
    async def unsummed(self, session: Session, most: int) -> Unsummed:
        """See :meth:`IConversations.unsummed`."""
        settings = session.settings
        start = settings.summary_seq
        upto = min(start + most, session.last_seq)
        messages = await self._read(session, start, upto + 1, most)
        said = [turn for one in messages if (turn := turn_of(one)) is not None]
        return Unsummed(turns=[*_summary(settings), *said], upto=upto)

    async def _delta(self, session: Session, seq: int, limit: int) -> HistoryDelta | None:
        """What came after a place; ``None`` if that is more than was asked for."""
        messages = await self._read(session, seq, _END, limit + 1)
        if len(messages) > limit:
            return None  # A delta has no gaps; whoever was away so long reads the latest page.
        row = self._index.row(session)
        last = messages[-1].mark.seq if messages and messages[-1].mark else seq
        return HistoryDelta(
            messages=[session_message(session, row, message) for message in messages],
            delta_cursor=write_cursor(session.session_id, last),
            pending_inputs=PendingInputs(),
            session_info=row,
        )

    async def _read(self, session: Session, after: int, before: int, limit: int) -> list[Message]:
        return await self._store.read(
            read_messages,
            session_id=session.session_id,
            after=after,
            before=before,
            limit=limit,
        )

    def _page(self, session: Session, messages: list[Message]) -> History:
        seqs = [one.mark.seq for one in messages if one.mark]
        first, last = (seqs[0], seqs[-1]) if seqs else (1, session.last_seq)
        more = first > 1
        return History(
            session_key=session.key,
            messages=[message for _, message in placed(messages)],
            pending_inputs=PendingInputs(),
            has_more=more,
            total_messages=max(session.last_seq, last),
            defaults=self._index.defaults(),
            session_info=self._index.row(session),
            session_id=session.session_id,
            next_offset=session.last_seq + 1 - first if more else UNSET,
            delta_cursor=write_cursor(session.session_id, last),
        )

    def _nothing(self, key: str) -> History:
        return History(
            session_key=key,
            messages=[],
            pending_inputs=PendingInputs(),
            has_more=False,
            total_messages=0,
            defaults=self._index.defaults(),
            session_info=self._index.empty_row(key),
        )


def _fits(cursor: Cursor, session: Session) -> bool:
    return cursor.session_id == session.session_id and 0 <= cursor.seq <= session.last_seq


def session_message(session: Session, row: SessionRow, message: Message) -> SessionMessage:
    """One message as followers of its session receive it."""
    mark = message.mark
    assert mark is not UNSET
    return SessionMessage(
        session_key=session.key,
        agent_id=session.agent_id,
        message=message,
        message_id=mark.id,
        message_seq=mark.seq,
        session=row,
        run_id=mark.run_id,
    )


def order_turns(messages: Sequence[Message], entry: Input) -> list[Turn]:
    """Put each answer behind its own input, drop what came after ``entry``, and cut to size."""
    earlier = [
        turn
        for place, message in placed(messages)
        if place < entry.message_seq and (turn := turn_of(message)) is not None
    ]
    # The input itself does not depend on what could be read: its session may be gone by now.
    images = entry.wishes.images if entry.wishes is not None else ()
    return _last_turns([*earlier, Turn("user", entry.text, images)])


def placed(messages: Sequence[Message]) -> list[tuple[int, Message]]:
    """Put each answer behind its own input, with the place of that input."""
    asked: dict[str, int] = {}
    for message in messages:
        if message.role == "user" and message.mark and message.mark.run_id:
            asked[message.mark.run_id] = message.mark.seq
    keyed = []
    for message in messages:
        assert message.mark is not UNSET
        seq, run_id = message.mark.seq, message.mark.run_id
        place = asked.get(run_id, seq) if run_id is not UNSET else seq
        keyed.append((place, seq, message))
    keyed.sort(key=lambda one: one[:2])
    return [(place, message) for place, _, message in keyed]


def _summary(settings: Settings) -> list[Turn]:
    """What stands for the older part of a conversation."""
    if not settings.summary:
        return []
    return [Turn("system", f"What was said before, in short:\n{settings.summary}")]


def _last_turns(turns: list[Turn]) -> list[Turn]:
    """As many of the latest turns as a model can be expected to take; no tool without its call."""
    size = 0
    for count, turn in enumerate(reversed(turns)):
        size += len(turn.text) + sum(len(call.arguments) for call in turn.calls)
        if size > TURNS_CHARACTERS and count:
            return _from_a_beginning(turns[len(turns) - count :])
    return turns


def _from_a_beginning(turns: list[Turn]) -> list[Turn]:
    """Without the results of tools whose calls were cut off."""
    at = next((at for at, turn in enumerate(turns) if turn.role != "tool"), len(turns))
    return turns[at:]


def _within(messages: list[Message], max_bytes: int) -> list[Message]:
    """The latest messages that fit, at least one."""
    size = 0
    for count, message in enumerate(reversed(messages)):
        size += len(encode(message))
        if size > max_bytes and count:
            return messages[len(messages) - count :]
    return messages
