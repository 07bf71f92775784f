"""Sessions changed, started over, shortened, deleted; what runs in them is not looked after."""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from openclaw.deferreds import deferred
from openclaw.errors import InvalidRequest
from openclaw.interfaces.conversations import Input
from openclaw.interfaces.storage import IStore
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.sessions import PatchParams, SessionRow
from openclaw.sessions.index import SessionIndex
from openclaw.sessions.journal.changes import change_session, delete_session, reset_session
from openclaw.sessions.keys import SessionKeys
from openclaw.sessions.records import Session
from openclaw.sessions.telling import Telling


class SessionChanges:
    """Changes sessions in the journal, in memory, and tells of it."""

    def __init__(
        self,
        store: IStore,
        index: SessionIndex,
        keys: SessionKeys,
        tell: Telling,
        now_ms: Callable[[], int],
        make_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._index = index
        self._keys = keys
        self._tell = tell
        self._now_ms = now_ms
        self._make_id = make_id

    def key(self, text: str) -> str:
        """The one spelling of a key; raises InvalidRequest for what is none."""
        return str(self._keys.parse(text))

    def existing(self, key: str) -> Session:
        """A session that is there.

        :raises InvalidRequest: it is not.
        """
        session = self._index.get(self.key(key))
        if session is None:
            raise InvalidRequest(f"No session found: {key}")
        return session

    @deferred
    async def patch(self, params: PatchParams) -> SessionRow:
        """See :meth:`IConversations.patch`."""
        session = self.existing(params.key)
        if params.expected_session_id not in (UNSET, session.session_id):
            raise InvalidRequest(f"session changed meanwhile: {session.key}")
        archived = None if params.archived is UNSET else params.archived
        changed = await self._change(session.key, session.session_id, _changes(params), archived)
        if changed is None:
            raise InvalidRequest(f"No session found: {session.key}")
        return self._changed(changed, "patch")

    @deferred
    async def reset(self, key: str, running: Input | None) -> tuple[SessionRow, Sequence[Input]]:
        """Start over under the same key.

        :param running: what runs in it now; it stays behind.
        :return: the new session, and the inputs that moved into it.
        """
        parsed = self._keys.parse(key)
        fresh, moved = await self._store.run(
            reset_session,
            key=str(parsed),
            agent_id=parsed.agent_id,
            session_id=self._make_id(),
            running=running.run_id if running is not None else "",
            now=self._now_ms(),
        )
        return self._changed(fresh, "reset"), moved

    @deferred
    async def remember(self, key: str, text: str) -> None:
        """See :meth:`IConversations.remember`."""
        session = self.existing(key)
        changed = await self._change(session.key, session.session_id, {"memory": text})
        if changed is None:
            raise InvalidRequest(f"session changed meanwhile: {session.key}")
        self._index.put(changed)

    @deferred
    async def shorten(self, key: str, session_id: str, summary: str, seq: int) -> SessionRow:
        """See :meth:`IConversations.shorten`."""
        session = self.existing(key)
        changes = {"summary": summary, "summary_seq": seq}
        changed = await self._change(session.key, session_id, changes)
        if changed is None:
            raise InvalidRequest(f"session changed meanwhile: {session.key}")
        return self._changed(changed, "compact")

    @deferred
    async def delete(self, key: str, expected_session_id: str | None) -> bool:
        """Delete a session with its transcript; false if there was none."""
        canonical = self.key(key)
        deleted = await self._store.run(delete_session, key=canonical, expected=expected_session_id)
        if deleted:
            self._index.drop(canonical)
        return deleted

    def _change(
        self, key: str, session_id: str, changes: dict[str, Any], archived: bool | None = None
    ) -> Deferred[Session | None]:
        """Change settings in the journal; fires with ``None`` if the session is gone by now."""
        return self._store.run(
            change_session,
            key=key,
            session_id=session_id,
            archived=archived,
            changes=changes,
            now=self._now_ms(),
        )

    def _changed(self, session: Session, reason: str) -> SessionRow:
        kept = self._index.put(session)
        self._tell.change(session.key, reason=reason)
        return self._index.row(kept)


def _changes(params: PatchParams) -> dict[str, Any]:
    """What a patch changes of the settings."""
    words = {"label": params.label, "model": params.model}
    rules = {
        "tool_overrides": params.tool_overrides,
        "inherited_tool_allow": params.inherited_tool_allow,
        "inherited_tool_deny": params.inherited_tool_deny,
    }
    changes: dict[str, Any] = {
        name: value or "" for name, value in words.items() if value is not UNSET
    }
    for name, value in rules.items():
        if value is not UNSET:
            changes[name] = UNSET if value is None else value
    return changes
