"""Tells the gateway what an agent says, as it says it."""

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from openclaw.interfaces.agents import IRunSink, IToolSink, RunOutcome
from openclaw.interfaces.tools import ToolCall, ToolResult
from openclaw.protocol.base import Wire
from openclaw.protocol.schema.workers import (
    WorkerDeltaParams,
    WorkerEndParams,
    WorkerFailParams,
    WorkerItemParams,
    WorkerUsage,
)

LONGEST_RESULT = 20_000
"""Characters of what a tool said; the gateway keeps no more of it."""

Tell = Callable[[str, Wire], None]


@implementer(IRunSink, IToolSink)
class WorkerSink:
    """One run, on its way to the gateway.

    :param tell: sends a request; nobody waits for its answer.
    """

    def __init__(self, run: str, tell: Tell) -> None:
        self._run = run
        self._tell = tell

    def model_started(self, provider: str, model: str) -> None:
        """See :meth:`IRunSink.model_started`; the gateway knows whom it has asked."""

    def delta(self, text: str) -> None:
        """See :meth:`IRunSink.delta`."""
        self._tell("worker.run.delta", WorkerDeltaParams(run=self._run, text=text))

    def thought(self, text: str) -> None:
        """See :meth:`IRunSink.thought`."""
        self._tell("worker.run.delta", WorkerDeltaParams(run=self._run, thinking=text))

    def watched(self) -> bool:
        """See :meth:`IRunSink.watched`; the gateway decides who sees what."""
        return True

    def commit(self) -> Deferred[None]:
        """See :meth:`IToolSink.commit`; the start of the tool tells the gateway to."""
        return succeed(None)

    def tool_started(self, call: ToolCall) -> None:
        """See :meth:`IToolSink.tool_started`."""
        item = WorkerItemParams(
            run=self._run,
            call_id=call.id,
            name=call.name,
            phase="start",
            arguments=call.arguments,
        )
        self._tell("worker.run.item", item)

    def tool_ended(self, call: ToolCall, result: ToolResult) -> None:
        """See :meth:`IToolSink.tool_ended`."""
        item = WorkerItemParams(
            run=self._run,
            call_id=call.id,
            name=call.name,
            phase="end",
            is_error=result.is_error,
            title=result.title,
            text=result.text[:LONGEST_RESULT],
        )
        self._tell("worker.run.item", item)

    def end(self, outcome: RunOutcome) -> None:
        """The run is done."""
        used = outcome.usage
        usage = WorkerUsage(
            input=used.input,
            output=used.output,
            cache_read=used.cache_read,
            cache_write=used.cache_write,
        )
        end = WorkerEndParams(
            run=self._run, text=outcome.text, stop_reason=outcome.stop_reason, usage=usage
        )
        self._tell("worker.run.end", end)

    def fail(self, words: str, kind: str) -> None:
        """There is no answer."""
        fail = WorkerFailParams(run=self._run, message=words[:10_000], kind=kind)
        self._tell("worker.run.fail", fail)
