"""Tells clients what happened in sessions; decides nothing and stores nothing."""

from collections.abc import Callable
from typing import Literal

from openclaw.interfaces.conversations import Input
from openclaw.interfaces.events import IEvents
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.chat import ChatEvent, Message
from openclaw.protocol.schema.sessions import SessionsChanged
from openclaw.sessions.index import SessionIndex
from openclaw.sessions.records import Session
from openclaw.sessions.transcripts import session_message


class Telling:
    """Publishes the events of sessions, each made only if somebody wants it."""

    def __init__(self, events: IEvents, index: SessionIndex, now_ms: Callable[[], int]) -> None:
        self._events = events
        self._index = index
        self._now_ms = now_ms

    def message(self, session: Session, message: Message) -> None:
        """A message has entered a transcript."""
        if self._events.wanted("session.message", session.key):
            payload = session_message(session, self._index.row(session), message)
            self._events.publish("session.message", payload, session.key)

    def end(self, entry: Input, state: Literal["aborted", "final"], stop_reason: str) -> None:
        """An input ended before it ran; its only event."""
        payload = ChatEvent(
            run_id=entry.run_id,
            session_key=entry.session_key,
            agent_id=entry.agent_id,
            seq=1,
            state=state,
            stop_reason=stop_reason,
        )
        self._events.publish("chat", payload)

    def change(self, key: str, reason: str = "", phase: str = "", run_id: str = "") -> None:
        """A session is another than before."""
        if self._events.wanted("sessions.changed"):
            session = self._index.get(key)
            payload = SessionsChanged(
                session_key=key,
                ts=self._now_ms(),
                reason=reason or UNSET,
                phase=phase or UNSET,
                run_id=run_id or UNSET,
                session=self._index.row(session) if session is not None else UNSET,
            )
            self._events.publish("sessions.changed", payload)
