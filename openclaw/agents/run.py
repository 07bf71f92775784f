"""One run while it lasts: numbers its events, holds back what is not yet allowed to be seen."""

from collections.abc import Callable
from typing import Any, Literal

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from openclaw.interfaces.agents import IRunSink, IToolSink, RunOutcome, Turn
from openclaw.interfaces.conversations import Input
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.tools import ToolCall, ToolResult
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.agents import AgentEvent, AssistantData
from openclaw.protocol.schema.chat import ChatEvent, Message, TextPart

Cut = Literal["aborted", "timeout", "interrupted"]

GATHER_FROM = 16_384
"""Characters; from here on the pieces of an answer are gathered before they are told.

Each event carries the whole text so far, so a long answer told word by word would cost its length
squared: 8 GB for 200 000 characters. Gathered, it costs its length times :data:`GATHER_SHARE`.
"""
GATHER_SHARE = 64

MOST_FOREIGN_STEPS = 200
"""Uses of tools by programs that use them by themselves, of which a run keeps the first."""
LONGEST_FOREIGN = 20_000
"""Characters that are kept of what such a tool was given, and of what it said."""


class RunCut(Exception):
    """The run was ended from outside."""

    def __init__(self, why: Cut) -> None:
        super().__init__(why)
        self.why = why


@implementer(IRunSink, IToolSink)
class Run:
    """A run in progress.

    Before the first words of an answer are shown, that they will be is recorded on disk: after a
    crash a run whose answer was seen must not run a second time. Until the record is there, words
    wait here.

    :param grew: told what may be seen of the answer so far, each time it is more; ``None`` if
        nobody but the clients looks.
    :ivar begun: told when an agent has it, perhaps more than once.
    :ivar heard: each is told every piece that may be seen, ungathered.
    :ivar text: the answer so far, what was not told yet included.
    :ivar shown: whether anything of it was allowed to be seen.
    :ivar steps: what was done with tools so far.
    :ivar ended: fires with the outcome, or fails with :class:`RunCut` or the runtime's failure.
    """

    def __init__(
        self,
        entry: Input,
        events: IEvents,
        now_ms: Callable[[], int],
        item_id: str,
        record_shown: Callable[[], Deferred[None]],
        grew: Callable[[str], None] | None = None,
    ) -> None:
        self.entry = entry
        self.started_at_ms = now_ms()
        self.text = ""
        self.shown = False
        self.provider = ""
        self.model = ""
        self.ended: Deferred[RunOutcome] = Deferred()
        self.begun: Callable[[], None] = lambda: None
        self.heard: list[Callable[[str], None]] = []
        self._events = events
        self._now_ms = now_ms
        self._item_id = item_id
        self._record_shown = record_shown
        self._grew = grew
        self._held: list[str] | None = None
        self._recording: Deferred[None] | None = None
        self._runtime: Deferred[RunOutcome] | None = None
        self._seq = 0
        self._told = 0
        self._over = False
        self._breaks = False
        self._foreign = 0
        self.steps: list[Turn] = []

    # -- the runtime tells -------------------------------------------------------------------

    def model_started(self, provider: str, model: str) -> None:
        """See :meth:`IRunSink.model_started`."""
        if not self._over:
            self.provider, self.model = provider, model
            self.begun()
            self.lifecycle({"phase": "model", "provider": provider, "model": model})

    def delta(self, text: str) -> None:
        """See :meth:`IRunSink.delta`."""
        if self._over:
            return
        if self._breaks:
            self._breaks = False
            text = f"\n\n{text}"
        if self.shown:
            self._show(text)
        elif self._held is None:
            self._held = [text]
            self._recording = self._record_shown().addCallbacks(self._release, self._stop)
        else:
            self._held.append(text)

    def next_part(self) -> None:
        """What comes now is another part of the answer: it begins with a new paragraph."""
        self._breaks = bool(self.text) or bool(self._held)

    def commit(self) -> Deferred[None]:
        """See :meth:`IToolSink.commit`."""
        if self.shown:
            return succeed(None)
        if self._recording is None:
            self._held = []
            self._recording = self._record_shown().addCallbacks(self._release, self._stop)
        waiting: Deferred[None] = Deferred()
        self._recording.addCallback(lambda _: waiting.callback(None))
        return waiting

    def tool_started(self, call: ToolCall) -> None:
        """See :meth:`IToolSink.tool_started`."""
        self.tell_tool_started(call)

    def tool_ended(self, call: ToolCall, result: ToolResult) -> None:
        """See :meth:`IToolSink.tool_ended`: it becomes a step, like those of our own loop."""
        if self._over:
            return
        self.tell_tool_ended(call, result)
        if self._foreign < MOST_FOREIGN_STEPS:
            self._foreign += 1
            kept = evolve(call, arguments=_cut(call.arguments))
            self.steps.append(Turn("assistant", "", calls=(kept,)))
            text = _cut(result.text or result.title)
            self.steps.append(Turn("tool", text, call_id=call.id, is_error=result.is_error))

    def tell_tool_started(self, call: ToolCall) -> None:
        """Tell clients that a tool is used."""
        if not self._over:
            self._agent("item", _item(call, "start", "running"))

    def tell_tool_ended(self, call: ToolCall, result: ToolResult) -> None:
        """Tell clients that it has been; what the tool said is for the model alone."""
        if not self._over:
            status = "failed" if result.is_error else "completed"
            self._agent("item", _item(call, "end", status, result.title))

    def thought(self, text: str) -> None:
        """See :meth:`IRunSink.thought`."""
        if not self._over and self._events.wanted("agent", self.entry.session_key):
            self._agent("thinking", {"delta": text})

    def watched(self) -> bool:
        """See :meth:`IRunSink.watched`."""
        seen = self._grew is not None or bool(self.heard)
        return seen or self._events.wanted("chat", self.entry.session_key)

    def follow(self, runtime: Deferred[RunOutcome]) -> None:
        """Take the runtime's outcome for this run's, unless it was cut before."""
        self._runtime = runtime
        runtime.addCallbacks(self._finished, self.fail)

    # -- others tell -------------------------------------------------------------------------

    def cut(self, why: Cut) -> bool:
        """End the run now, whatever the runtime does about it; false if it had ended already."""
        cuts = not self._over
        self._stop(Failure(RunCut(why)))
        return cuts

    def fail(self, failure: Failure) -> None:
        """End the run with a failure; only the first end counts."""
        if not self._over:
            self._tell()
            self._over = True
            self.ended.errback(failure)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, whatever still works on it."""
        return self._over

    @property
    def may_be_seen(self) -> bool:
        """Whether the record says, or will say, that something of the answer was seen."""
        return self._recording is not None

    # -- events --------------------------------------------------------------------------------

    def lifecycle(self, data: dict[str, Any]) -> None:
        """Tell a step of the run."""
        self._agent("lifecycle", data)

    def status(self, phase: str) -> None:
        """Tell what is being prepared."""
        self._agent("run_status", {"phase": phase})
        self._chat("status", phase=phase)

    def usage(self, output_tokens: int) -> None:
        """Tell how many tokens the answer took."""
        self._agent("usage", {"outputTokens": output_tokens})

    def final(self, message: Message | None, stop_reason: str) -> None:
        """Tell the whole answer; the last event of a run that went well."""
        self._chat("final", message=_or_unset(message), stop_reason=stop_reason)

    def aborted(self, message: Message | None) -> None:
        """Tell that the run was stopped, with what there was."""
        self._chat("aborted", message=_or_unset(message), stop_reason="rpc")

    def error(self, words: str, kind: str, failover_reason: str = "") -> None:
        """Tell that the run failed.

        :param failover_reason: why another model might have answered, if it was a model's failure.
        """
        told = {
            "provider": self.provider,
            "model": self.model,
            "failoverReason": failover_reason,
        }
        detail = {name: value for name, value in told.items() if value} or UNSET
        self._chat("error", error_message=words, error_kind=kind or UNSET, error_detail=detail)

    # -- inside --------------------------------------------------------------------------------

    def _stop(self, failure: Failure) -> None:
        self.fail(failure)
        if self._runtime is not None:
            self._runtime.cancel()

    def _release(self, _: None) -> None:
        """It is on disk that the answer is seen: show what was held back."""
        self.shown = True
        held, self._held = self._held, None
        if held and not self._over:
            self._show("".join(held))

    def _finished(self, outcome: RunOutcome) -> None:
        """The runtime is done; the run is, once its words may be seen."""
        if self._recording is not None and not self._recording.called:
            self._recording.addCallback(lambda _: self._succeed(outcome))
        else:
            self._succeed(outcome)

    def _succeed(self, outcome: RunOutcome) -> None:
        if not self._over:
            self._tell()
            self._over = True
            self.ended.callback(outcome)

    def _show(self, text: str) -> None:
        self.text += text
        for heard in tuple(self.heard):
            heard(text)
        size = len(self.text)
        if size < GATHER_FROM or (size - self._told) * GATHER_SHARE >= size:
            self._tell()

    def _tell(self) -> None:
        """Tell what was said since the last time, if anything was."""
        delta, self._told = self.text[self._told :], len(self.text)
        if not delta:
            return
        if self._grew is not None:
            self._grew(self.text)
        if not self._events.wanted("chat", self.entry.session_key):
            self._seq += 1
            return
        data = AssistantData(text=self.text, delta=delta, item_id=self._item_id)
        self._agent("assistant", data)
        message = Message(
            role="assistant", content=[TextPart(text=self.text)], timestamp=self._now_ms()
        )
        self._chat("delta", delta_text=delta, message=message)

    def _agent(self, stream: str, data: object) -> None:
        self._seq += 1
        entry = self.entry
        event = AgentEvent(
            run_id=entry.run_id,
            session_key=entry.session_key,
            session_id=entry.session_id,
            agent_id=entry.agent_id,
            stream=stream,
            data=data,
            seq=self._seq,
            ts=self._now_ms(),
            is_heartbeat=True if entry.kind == "heartbeat" else UNSET,
        )
        self._events.publish("agent", event, entry.session_key)

    def _chat(self, state: Any, **fields: Any) -> None:
        entry = self.entry
        event = ChatEvent(
            run_id=entry.run_id,
            session_key=entry.session_key,
            agent_id=entry.agent_id,
            seq=self._seq,
            state=state,
            **fields,
        )
        self._events.publish("chat", event, entry.session_key)


def _cut(text: str) -> str:
    left = len(text) - LONGEST_FOREIGN
    return text if left <= 0 else f"{text[:LONGEST_FOREIGN]}\n[cut here: {left} more characters]"


def _item(call: ToolCall, phase: str, status: str, title: str = "") -> dict[str, Any]:
    return {
        "itemId": f"tool:{call.id}",
        "toolCallId": call.id,
        "name": call.name,
        "kind": "tool",
        "phase": phase,
        "title": title or call.name,
        "status": status,
    }


def _or_unset(message: Message | None) -> Any:
    return UNSET if message is None else message
