"""The conversation: history, sending, stopping; and ``agent``, which is sending by another name."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime

from openclaw.deferreds import deferred
from openclaw.errors import InvalidRequest
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler, Refused, Twice
from openclaw.gateway.web_chat import WebChat
from openclaw.interfaces.conversations import (
    IConversations,
    IRuns,
    NewInput,
    Receipt,
    RunRecord,
)
from openclaw.protocol.base import UNSET, UnsetType
from openclaw.protocol.frames import ErrorBody
from openclaw.protocol.schema.agents import (
    AgentAccepted,
    AgentFinal,
    AgentParams,
    AgentWait,
    AgentWaitParams,
)
from openclaw.protocol.schema.chat import (
    AbortParams,
    AbortResult,
    History,
    HistoryDelta,
    HistoryParams,
    SendParams,
    SendResult,
    SendStatus,
)
from openclaw.protocol.scopes import ADMIN


@frozen(kw_only=True)
class ChatMethods:
    """What goes into conversations and comes out of them.

    :ivar canonical: the one spelling of a session key.
    :ivar agents: the ids of the agents there are.
    :ivar main_of: the main session's key of an agent id; of the default agent for an empty one.
    :ivar control_method: the method that a message stands for as a command about runs or
        approvals; empty for all other messages.
    :ivar check: refuses a client the method of that name, as its own request would be.
    """

    conversations: IConversations
    runs: IRuns
    canonical: Callable[[str], str]
    main_of: Callable[[str], str]
    agents: frozenset[str]
    clock: IReactorTime
    web_chat: WebChat
    control_method: Callable[[str], str] = lambda text: ""
    check: Callable[[Client, str], None] = lambda client, method: None

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            "chat.startup": self._history,
            "chat.history": self._history,
            "chat.send": self._send,
            "chat.abort": self._abort,
            "agent": self._agent,
            "agent.wait": self._wait,
        }

    def _history(self, client: Client, params: HistoryParams) -> Deferred[History | HistoryDelta]:
        return self.conversations.history(params)

    async def _send(self, client: Client, params: SendParams) -> SendResult:
        if not params.message.strip():
            raise InvalidRequest("message is empty: send some text")
        if params.attachments is not UNSET and params.attachments:
            raise InvalidRequest("attachments are not yet served: send text only")
        seconds = None if params.timeout_ms is UNSET else params.timeout_ms / 1000
        receipt = await self.conversations.accept(
            NewInput(
                run_id=params.idempotency_key,
                kind="chat",
                session_key=params.session_key,
                text=params.message,
                timeout_seconds=seconds or None,
                owner=ADMIN in client.allowed,
                scopes=tuple(sorted(client.allowed)),
                commanded_by=self._commanded_by(client, params.message),
            )
        )
        if receipt.state == "new":
            self.web_chat.heard(client)
            status: SendStatus = "started"
        elif receipt.record is None:
            status = "in_flight"
        else:
            status = receipt.record.final.status
        return SendResult(
            run_id=params.idempotency_key, status=status, message_seq=receipt.input.message_seq
        )

    def _commanded_by(self, client: Client, message: str) -> str:
        """Who gives a command about runs or approvals; refused at once to who may not."""
        method = self.control_method(message)
        if not method:
            return ""
        self.check(client, method)
        return client.admitted.device_id or client.conn_id

    async def _abort(self, client: Client, params: AbortParams) -> AbortResult:
        key = self.canonical(params.session_key)
        run_id = None if params.run_id is UNSET else params.run_id
        stopped = list(await self.runs.abort(key, run_id))
        return AbortResult(ok=True, aborted=bool(stopped), run_ids=stopped)

    async def _agent(self, client: Client, params: AgentParams) -> Any:
        if not params.message.strip():
            raise InvalidRequest("invalid agent params: message is empty")
        receipt = await self.conversations.accept(
            NewInput(
                run_id=params.idempotency_key,
                kind="agent",
                session_key=self._agent_session(params),
                text=params.message,
                timeout_seconds=_or_none(params.timeout),
                system=params.extra_system_prompt or "",
                owner=ADMIN in client.allowed,
                scopes=tuple(sorted(client.allowed)),
            )
        )
        if receipt.record is not None:
            return _final_answer(client, receipt.input.session_key, receipt.record)
        accepted = _accepted(receipt)
        if receipt.state == "in_flight":
            return accepted
        return Twice(accepted, self._final(client, receipt))

    @deferred
    async def _final(self, client: Client, receipt: Receipt) -> AgentFinal | Refused:
        record = await self.conversations.ended(receipt.input.run_id)
        return _final_answer(client, receipt.input.session_key, record)

    def _agent_session(self, params: AgentParams) -> str:
        agent_id = params.agent_id or ""
        if agent_id and agent_id not in self.agents:
            raise InvalidRequest(f'invalid agent params: unknown agent id "{agent_id[:64]}"')
        if params.session_key is UNSET:
            return self.main_of(agent_id)
        key = self.canonical(params.session_key)
        if agent_id and not key.startswith(f"agent:{agent_id}:"):
            raise InvalidRequest(
                f'agent "{agent_id}" does not match session key "{params.session_key}"'
            )
        return key

    async def _wait(self, client: Client, params: AgentWaitParams) -> AgentWait:
        # First wait, then look: a run that ends meanwhile is seen by one of the two.
        waiting = client.wait_for(lambda: self.conversations.ended(params.run_id))
        timer = self.clock.callLater(params.timeout_ms / 1000, waiting.cancel)
        try:
            receipt = await self.conversations.receipt(params.run_id)
            if receipt is not None and receipt.record is not None:
                return _waited(params.run_id, receipt.record)
            record = await waiting
        except CancelledError:
            return AgentWait(run_id=params.run_id, status="timeout")
        finally:
            if timer.active():
                timer.cancel()
            client.waits.discard(waiting)
            waiting.addErrback(lambda _: None)
            waiting.cancel()
        return _waited(params.run_id, record)


def _accepted(receipt: Receipt) -> AgentAccepted:
    entry = receipt.input
    if receipt.state == "in_flight":
        return AgentAccepted(
            run_id=entry.run_id,
            session_key=entry.session_key,
            agent_id=entry.agent_id,
            status="in_flight",
        )
    return AgentAccepted(
        run_id=entry.run_id,
        session_key=entry.session_key,
        agent_id=entry.agent_id,
        status="accepted",
        accepted_at=entry.accepted_at_ms,
    )


def _final_answer(client: Client, session_key: str, record: RunRecord) -> AgentFinal | Refused:
    """The second answer of ``agent``; the older dialects also get the text and the key in it."""
    final = record.final
    if not client.native:
        payloads = final.result.payloads if final.result else []
        final = AgentFinal(
            run_id=final.run_id,
            status=final.status,
            summary=final.summary,
            result=final.result,
            stop_reason=final.stop_reason,
            message="".join(part.text for part in payloads),
            session_key=session_key,
        )
    if final.status == "error":
        return Refused(final, ErrorBody(code="UNAVAILABLE", message=record.error or final.summary))
    return final


def _waited(run_id: str, record: RunRecord) -> AgentWait:
    return AgentWait(
        run_id=run_id,
        status=record.final.status,
        started_at=record.started_at,
        ended_at=record.ended_at,
        stop_reason=record.stop_reason or UNSET,
        error=record.error or UNSET,
    )


def _or_none(seconds: int | UnsetType) -> float | None:
    return None if seconds is UNSET or seconds == 0 else float(seconds)
