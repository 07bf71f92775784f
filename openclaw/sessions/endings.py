"""How a run's end reads: in the record that is kept, for repeats and for those who wait."""

from msgspec import UNSET

from openclaw.interfaces.conversations import Ending, Input, RunRecord
from openclaw.protocol.schema.agents import (
    AgentFinal,
    AgentMeta,
    ReplyPayload,
    ResultMeta,
    RunResult,
    UsageTotals,
)


def record_of(entry: Input, ending: Ending) -> RunRecord:
    """The record of a run that ended."""
    return RunRecord(
        final=_final(entry, ending),
        started_at=ending.started_at_ms,
        ended_at=ending.ended_at_ms,
        error=ending.error,
        stop_reason=ending.stop_reason,
        reply=_reply(ending) if entry.origin is not None else "",
        error_kind=ending.error_kind,
        calls=ending.calls,
    )


def _reply(ending: Ending) -> str:
    """What somebody on a chat platform is told: no run ends in silence unless it was stopped."""
    if not ending.error:
        return ending.text
    return "\n\n".join(part for part in (ending.text, f"⚠️ {ending.error}") if part)


def _final(entry: Input, ending: Ending) -> AgentFinal:
    if ending.state == "done":
        return AgentFinal(
            run_id=entry.run_id, status="ok", summary="completed", result=_result(entry, ending)
        )
    if ending.state == "aborted":
        return AgentFinal(
            run_id=entry.run_id, status="timeout", summary="aborted", stop_reason="rpc"
        )
    if ending.state == "timeout":
        return AgentFinal(
            run_id=entry.run_id,
            status="timeout",
            summary="aborted",
            timeout_phase="provider",
            provider_started=bool(ending.provider),
            result=_result(entry, ending) if ending.text else UNSET,
        )
    return AgentFinal(run_id=entry.run_id, status="error", summary=ending.error)


def _result(entry: Input, ending: Ending) -> RunResult:
    usage = ending.usage
    return RunResult(
        payloads=[ReplyPayload(text=ending.text)] if ending.text else [],
        meta=ResultMeta(
            duration_ms=max(0, ending.ended_at_ms - ending.started_at_ms),
            agent_meta=AgentMeta(
                session_id=entry.session_id,
                provider=ending.provider,
                model=ending.model,
                usage=UsageTotals(input=usage.input, output=usage.output, total=usage.total),
            ),
        ),
    )
