"""Every session, in memory, in the order of its last change; rows and pages are encoded once."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from attrs import evolve
from msgspec import UNSET

from openclaw.interfaces.agents import ModelInfo
from openclaw.protocol.base import Raw, encode
from openclaw.protocol.schema.sessions import (
    SessionDefaults,
    SessionRow,
    SessionsList,
    SessionsListParams,
)
from openclaw.sessions.keys import SessionKeys
from openclaw.sessions.records import Session, Settings

PAGES_KEPT = 16
Models = Callable[[str, str], ModelInfo]


class SessionIndex:
    """The sessions of this gateway; the journal holds the same and more.

    :param models: the model behind ``provider/model``, or for an empty text the one that the
        agent of that id uses.
    """

    def __init__(self, keys: SessionKeys, models: Models, now_ms: Callable[[], int]) -> None:
        self._keys = keys
        self._models = models
        self._now_ms = now_ms
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._archived = 0
        self._rows: dict[str, SessionRow] = {}
        self._pages: dict[SessionsListParams, Raw] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, key: str) -> Session | None:
        """One session by its canonical key."""
        return self._sessions.get(key)

    def put(self, session: Session) -> Session:
        """Take a session as the journal has it now; what runs in it stays known."""
        known = self._sessions.get(session.key)
        if known is not None:
            session = evolve(session, active=known.active)
            self._archived -= known.archived
        self._archived += session.archived
        self._keep(session)
        self._sessions.move_to_end(session.key)
        return session

    def activate(self, key: str, run_id: str) -> None:
        """A run waits or runs in a session."""
        session = self._sessions.get(key)
        if session is not None and run_id not in session.active:
            self._keep(session.with_active(run_id))

    def deactivate(self, key: str, run_id: str) -> None:
        """A run of a session has ended."""
        session = self._sessions.get(key)
        if session is not None and run_id in session.active:
            self._keep(session.without_active(run_id))

    def drop(self, key: str) -> None:
        """Forget a session."""
        gone = self._sessions.pop(key, None)
        if gone is not None:
            self._archived -= gone.archived
            self._rows.pop(key, None)
            self._pages.clear()

    def latest_first(self) -> Iterator[Session]:
        """Every session, the one that changed last first."""
        return reversed(self._sessions.values())

    def oldest_first(self) -> Iterator[Session]:
        """The same the other way round; a change meanwhile ends it with RuntimeError."""
        return iter(self._sessions.values())

    def defaults(self) -> SessionDefaults:
        """The model of a session that asks for none."""
        model = self._models("", self._keys.default_agent)
        return SessionDefaults(
            model_provider=model.provider, model=model.id, context_tokens=model.context_window
        )

    def row(self, session: Session) -> SessionRow:
        """A session as clients see it now, however old the given one is."""
        row = self._rows.get(session.key)
        if row is None:
            current = self._sessions.get(session.key, session)
            row = self._rows[session.key] = self._make_row(current)
        return row

    def empty_row(self, key: str) -> SessionRow:
        """The row of a session that does not exist yet, for pages that open it."""
        parsed = self._keys.parse(key)
        nothing = Session(
            key=key, session_id="", agent_id=parsed.agent_id, created_at_ms=0, updated_at_ms=0
        )
        return self._make_row(nothing)

    def page(self, params: SessionsListParams) -> Raw:
        """A page of the list as JSON text; the same question gets the same text until it is old."""
        text = self._pages.get(params)
        if text is None:
            text = Raw(encode(self._make_page(params)))
            if params.active_minutes is UNSET:  # Else the answer changes as time goes by.
                if len(self._pages) >= PAGES_KEPT:
                    self._pages.clear()
                self._pages[params] = text
        return text

    def _keep(self, session: Session) -> None:
        self._sessions[session.key] = session
        self._rows.pop(session.key, None)
        self._pages.clear()

    def _find(self, params: SessionsListParams, now: int) -> tuple[Iterator[Session], int]:
        """The sessions of a page, and how many there are on all pages.

        The usual question names no filter; then nobody looks at sessions beyond the page.
        """
        span = (params.offset, params.offset + params.limit)
        if _unfiltered(params):
            living = (one for one in self.latest_first() if not one.archived)
            return islice(living, *span), len(self) - self._archived
        matching = [one for one in self.latest_first() if self._matches(one, params, now)]
        return islice(matching, *span), len(matching)

    def _make_page(self, params: SessionsListParams) -> SessionsList:
        now = self._now_ms()
        found, total = self._find(params, now)
        page = list(found)
        following = params.offset + len(page)
        more = following < total
        return SessionsList(
            ts=now,
            count=len(page),
            total_count=total,
            limit_applied=params.limit,
            next_offset=following if more else None,
            has_more=more,
            defaults=self.defaults(),
            sessions=[self.row(one) for one in page],
        )

    def _matches(self, session: Session, params: SessionsListParams, now: int) -> bool:
        if params.spawned_by is not UNSET:
            return False  # No session here is the child of another.
        if params.agent_id is not UNSET and session.agent_id != params.agent_id:
            return False
        if not _archived_matches(session.archived, params.archived):
            return False
        if params.label is not UNSET and session.settings.label != params.label:
            return False
        minutes = params.active_minutes
        if minutes is not UNSET and session.updated_at_ms < now - minutes * 60_000:
            return False
        return params.search is UNSET or _found(session, params.search.casefold())

    def _make_row(self, session: Session) -> SessionRow:
        settings = session.settings
        model = self._models(settings.model, session.agent_id)
        classification = self._keys.parse(session.key).classification(self._keys.main_key)
        exists = bool(session.session_id)
        return SessionRow(
            key=session.key,
            kind="group" if classification in ("group", "channel") else "direct",
            classification=classification,
            agent_id=session.agent_id,
            is_main=classification == "main",
            updated_at=session.updated_at_ms if exists else None,
            archived=session.archived,
            model_provider=model.provider,
            model=model.id,
            context_tokens=model.context_window,
            has_active_run=bool(session.active),
            active_run_ids=list(session.active),
            session_id=session.session_id if exists else UNSET,
            created_at=session.created_at_ms if exists else UNSET,
            last_interaction_at=session.updated_at_ms if exists else UNSET,
            message_count=session.last_seq if exists else UNSET,
            label=settings.label or UNSET,
            display_name=settings.label or UNSET,
            derived_title=settings.title or UNSET,
            last_message_preview=settings.preview or UNSET,
            status="running" if session.active else settings.status,
            tool_overrides=settings.tool_overrides,
            inherited_tool_allow=settings.inherited_tool_allow,
            inherited_tool_deny=settings.inherited_tool_deny,
            **_last_run(settings),
        )


def _last_run(settings: Settings) -> dict[str, Any]:
    """The fields of a row that only a session with a run has."""
    if not settings.last_run_id:
        return {}
    return {
        "input_tokens": settings.input_tokens,
        "output_tokens": settings.output_tokens,
        "total_tokens": settings.input_tokens + settings.output_tokens,
        "total_tokens_fresh": True,
        "started_at": settings.started_at,
        "ended_at": settings.ended_at,
        "runtime_ms": max(0, settings.ended_at - settings.started_at),
        "last_run_id": settings.last_run_id,
        "aborted_last_run": settings.status == "aborted",
    }


def _unfiltered(params: SessionsListParams) -> bool:
    everything = SessionsListParams(limit=params.limit, offset=params.offset)
    return params == everything


def _archived_matches(archived: bool, asked: object) -> bool:
    if asked == "all":
        return True
    return archived is (asked in (True, "only"))


def _found(session: Session, text: str) -> bool:
    settings = session.settings
    return any(text in part.casefold() for part in (session.key, settings.label, settings.title))
