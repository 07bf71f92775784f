"""Sessions: list, look, rename, start over, delete."""

from collections.abc import Callable, Mapping, Sequence

from attrs import frozen
from twisted.internet.defer import TimeoutError

from openclaw.errors import InvalidRequest, MissingScope, ModelError
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.agents import ISummaries, Turn
from openclaw.interfaces.conversations import IConversations, IRuns, Unsummed
from openclaw.protocol import scopes
from openclaw.protocol.base import UNSET, Raw, UnsetType
from openclaw.protocol.schema.sessions import (
    ApprovalReplay,
    Compacted,
    CompactParams,
    Deleted,
    DeleteParams,
    Described,
    DescribeParams,
    MessagesSubscribed,
    MessagesSubscribeParams,
    Patched,
    PatchParams,
    ResetParams,
    ResetResult,
    SessionRow,
    SessionsListParams,
    Subscribed,
    SubscribeParams,
)

MAX_FOLLOWED = 1000
LEAST_TURNS = 3
PIECE = 200
"""Messages that are read at a time for a summary."""


@frozen(kw_only=True)
class SessionMethods:
    """The list of sessions and changes to single ones."""

    conversations: IConversations
    runs: IRuns
    summaries: ISummaries
    canonical: Callable[[str], str]
    check_model: Callable[[str], object]
    now_ms: Callable[[], int]

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            "sessions.list": self._list,
            "sessions.subscribe": self._subscribe,
            "sessions.describe": self._describe,
            "sessions.patch": self._patch,
            "sessions.reset": self._reset,
            "sessions.delete": self._delete,
            "sessions.compact": self._compact,
            "sessions.messages.subscribe": self._follow,
        }

    def _list(self, client: Client, params: SessionsListParams) -> Raw:
        return self.conversations.page(params)

    def _subscribe(self, client: Client, params: SubscribeParams) -> Subscribed:
        client.follows_sessions = True
        return Subscribed()

    def _describe(self, client: Client, params: DescribeParams) -> Described:
        return Described(session=self.conversations.row(params.key))

    async def _patch(self, client: Client, params: PatchParams) -> Patched:
        rules = (params.tool_overrides, params.inherited_tool_allow, params.inherited_tool_deny)
        if scopes.ADMIN not in client.allowed and any(one is not UNSET for one in rules):
            raise MissingScope(scopes.ADMIN)  # What was taken away, not everybody may give back.
        if params.model is not UNSET and params.model:
            self.check_model(params.model)
        row = await self.conversations.patch(params)
        return Patched(ok=True, key=row.key, entry=row)

    async def _reset(self, client: Client, params: ResetParams) -> ResetResult:
        await self._stop(params.key)
        row = await self.conversations.reset(params.key)
        return ResetResult(ok=True, key=row.key, session_id=row.session_id or "", entry=row)

    async def _delete(self, client: Client, params: DeleteParams) -> Deleted:
        key = self.canonical(params.key)
        row = self.conversations.row(key)
        expected = None if params.expected_session_id is UNSET else params.expected_session_id
        if row is not None and expected not in (None, row.session_id):
            raise InvalidRequest(f"session changed meanwhile: {key}")
        await self._stop(key)
        deleted = await self.conversations.delete(key, expected)
        return Deleted(ok=True, key=key, deleted=deleted, archived=[])

    async def _compact(self, client: Client, params: CompactParams) -> Compacted:
        key = self.canonical(params.key)
        row = self.conversations.row(key)
        if row is None:
            raise InvalidRequest(f"No session found: {key}")
        ref = f"{row.model_provider}/{row.model}"
        if not self.summaries.can(ref):
            return _not_compacted(key, "no model is configured that could write a summary")
        first = await self.conversations.unsummed(key, PIECE)
        last = row.message_count or 0
        if len(first.turns) < LEAST_TURNS and first.upto >= last:
            return _not_compacted(key, "nothing to compact: the conversation is short")
        try:
            words = await self._sum_up(row, ref, first, scopes.ADMIN in client.allowed)
        except (ModelError, TimeoutError) as error:
            words = f"no summary: {error}"
        if words:
            return _not_compacted(key, words, ok=False)
        return Compacted(ok=True, key=key, compacted=True)

    async def _sum_up(self, row: SessionRow, ref: str, piece: Unsummed, owner: bool) -> str:
        """Sum up what there was when it began; what is done is kept, if the rest fails.

        :return: why it could not be done; empty if it was.
        """
        key, last = row.key, row.message_count or 0
        turns: Sequence[Turn] = piece.turns
        while True:
            summary = await self.summaries.write(ref, key, row.agent_id, turns, owner)
            if not summary:
                return "no summary: the model said nothing"
            upto = min(piece.upto, last)
            await self.conversations.shorten(key, row.session_id or "", summary, upto)
            if piece.upto >= last:
                return ""
            # The summary that was just kept is the first of these.
            piece = await self.conversations.unsummed(key, min(PIECE, last - upto))
            turns = piece.turns

    def _follow(self, client: Client, params: MessagesSubscribeParams) -> MessagesSubscribed:
        key = self.canonical(params.key)
        if key not in client.followed and len(client.followed) >= MAX_FOLLOWED:
            raise InvalidRequest(f"a connection follows at most {MAX_FOLLOWED} sessions")
        client.followed.add(key)
        replay: ApprovalReplay | UnsetType = UNSET
        if params.include_approvals and scopes.APPROVALS in client.allowed:
            replay = ApprovalReplay(
                session_key=key, updated_at_ms=self.now_ms(), approvals=[], truncated=False
            )
        return MessagesSubscribed(subscribed=True, key=key, approval_replay=replay)

    async def _stop(self, key: str) -> None:
        """Nothing of an old session may run on in the new one."""
        canonical = self.canonical(key)
        await self.conversations.withdraw(canonical, None)
        await self.runs.abort(canonical, None)


def _not_compacted(key: str, reason: str, ok: bool = True) -> Compacted:
    return Compacted(ok=ok, key=key, compacted=False, reason=reason)
