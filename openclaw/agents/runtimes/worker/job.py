"""One run in the hands of one worker."""

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from openclaw.interfaces.agents import IRunSink, IToolSink, ModelInfo, RunOutcome
from openclaw.interfaces.tools import ToolCall, ToolResult


class WorkerLost(Exception):
    """The connection of the worker has ended."""


class Job:
    """A try of a run.

    :param aborted: told when nobody waits for it any more.
    :ivar shown: something of it was seen, or may have been felt outside: it must not run twice.
    :ivar ended: fires with the outcome, or fails with :class:`WorkerLost` or a ModelError.
        Cancelling it means that the sink hears nothing more.
    """

    _log = Logger()

    def __init__(self, name: str, model: ModelInfo, sink: IRunSink) -> None:
        self.name = name
        self.shown = False
        self.ended: Deferred[RunOutcome] = Deferred(lambda _: self._hush())
        self._model = model
        self._sink: IRunSink | None = sink
        self._tools: IToolSink | None = IToolSink(sink, None)
        self._started = False
        self._calls: dict[str, ToolCall] = {}

    def delta(self, text: str, thinking: str) -> None:
        """More of the answer, or of what the model thinks."""
        sink = self._listening()
        if sink is None:
            return
        if thinking:
            sink.thought(thinking)
        if text:
            self.shown = True
            sink.delta(text)

    def tool_started(self, call: ToolCall) -> None:
        """The agent uses a tool of its own."""
        self.shown = True
        if self._listening() is not None and self._tools is not None:
            # The agent does not wait for it: the record may come a moment after the deed.
            self._tools.commit().addErrback(lambda _: self._log.failure("not committed"))
            self._calls[call.id] = call
            self._tools.tool_started(call)

    def tool_ended(self, call: ToolCall, result: ToolResult) -> None:
        """It has used it."""
        if self._listening() is not None and self._tools is not None:
            # Only the start says what it was given.
            self._tools.tool_ended(self._calls.pop(call.id, call), result)

    def end(self, outcome: RunOutcome) -> None:
        """It is done."""
        if self._listening() is not None:
            self._hush()
            self.ended.callback(outcome)

    def fail(self, error: Exception) -> None:
        """There will be no answer of this try."""
        if self._sink is not None:
            self._hush()
            self.ended.errback(error)

    def _listening(self) -> IRunSink | None:
        if self._sink is not None and not self._started:
            self._started = True
            self._sink.model_started(self._model.provider, self._model.id)
        return self._sink

    def _hush(self) -> None:
        self._sink = None
