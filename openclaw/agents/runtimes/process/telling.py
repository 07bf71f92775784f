"""What an agent's events become for the run that waits for them."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from openclaw.agents.runtimes.process.wire import (
    Event,
    MessageEnd,
    RunEnd,
    Said,
    Thought,
    ToolEnd,
    ToolStart,
)
from openclaw.interfaces.agents import IRunSink, IToolSink, RunOutcome, Usage
from openclaw.interfaces.tools import ToolCall, ToolResult

MOST_TITLE = 80


class Failed(Exception):
    """The agent could not answer; its own words, or its provider's."""


class Telling:
    """One prompt while it is worked on.

    :param hide: takes secrets out of what tools are given and say.
    :ivar shown: something of it was seen, or may have been felt outside: it must not run twice.
    :ivar ended: fires with the outcome, or fails with :class:`Failed`; cancelling it means that
        the sink hears nothing more.
    """

    _log = Logger()

    def __init__(self, sink: IRunSink, hide: Callable[[str], str]) -> None:
        self._hide = hide
        self.shown = False
        self.ended: Deferred[RunOutcome] = Deferred(self._hush)
        self._sink: IRunSink | None = sink
        self._tools: IToolSink | None = IToolSink(sink, None)
        self._texts: list[str] = []
        self._breaks = False
        self._said_in_message = False
        self._usage = Usage()
        self._last = MessageEnd("stop")
        self._calls: dict[str, ToolCall] = {}

    def event(self, event: Event) -> None:
        """Take the next event of the agent."""
        if self._sink is not None:
            self._handlers.get(type(event), Telling._nothing)(self, event)

    def fail(self, error: Exception) -> None:
        """It will not end by itself any more."""
        if not self.ended.called:
            self._sink = None
            self.ended.errback(error)

    def _hush(self, _: Deferred[RunOutcome]) -> None:
        self._sink = None

    def _said(self, event: Said) -> None:
        assert self._sink is not None
        text = event.text
        if self._breaks and self._texts:
            text = f"\n\n{text}"
        self._breaks = False
        self._said_in_message = self.shown = True
        self._texts.append(text)
        self._sink.delta(text)

    def _thought(self, event: Thought) -> None:
        assert self._sink is not None
        self._sink.thought(event.text)

    def _message_ended(self, event: MessageEnd) -> None:
        if event.text and not self._said_in_message:
            self._said(Said(event.text))  # An agent that sends no pieces.
        used, new = self._usage, event.usage
        self._usage = Usage(
            used.input + new.input,
            used.output + new.output,
            used.cache_read + new.cache_read,
            used.cache_write + new.cache_write,
        )
        self._last = event
        self._breaks, self._said_in_message = True, False

    def _tool_started(self, event: ToolStart) -> None:
        self.shown = True
        if self._tools is None:
            return
        arguments = self._hide(event.arguments)
        call = ToolCall(id=event.call_id, name=event.name, arguments=arguments)
        self._calls[event.call_id] = call
        # The agent does not wait for it: the record may come a moment after the deed.
        self._tools.commit().addErrback(lambda _: self._log.failure("a run was not committed"))
        self._tools.tool_started(call)

    def _tool_ended(self, event: ToolEnd) -> None:
        call = self._calls.pop(event.call_id, None)
        if self._tools is not None and call is not None:
            text = self._hide(event.text)
            title = text.strip().partition("\n")[0][:MOST_TITLE] if event.is_error else ""
            result = ToolResult(text=text, is_error=event.is_error, title=title)
            self._tools.tool_ended(call, result)

    def _run_ended(self, event: RunEnd) -> None:
        last = self._last
        self._sink = None
        if last.reason in ("error", "aborted"):
            self.ended.errback(Failed(last.error or f"it ended its answer with {last.reason}"))
            return
        self.ended.callback(
            RunOutcome("".join(self._texts), stop_reason=last.reason, usage=self._usage)
        )

    def _nothing(self, event: Event) -> None:
        """Of no interest to the run."""

    _handlers: dict[type, Callable[..., None]] = {  # noqa: RUF012  # A table of the class.
        Said: _said,
        Thought: _thought,
        MessageEnd: _message_ended,
        ToolStart: _tool_started,
        ToolEnd: _tool_ended,
        RunEnd: _run_ended,
    }
