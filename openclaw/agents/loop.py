"""Asks a model, uses the tools it asks for, asks again: until it has answered or had enough."""

from collections.abc import Callable, Sequence

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred

from openclaw.agents.run import Run
from openclaw.interfaces.agents import IAgentRuntime, RunOutcome, RunRequest, Turn, Usage
from openclaw.interfaces.tools import IToolbox, ToolCall, ToolPlace, ToolResult, ToolUse

MOST_STEPS = 50
MOST_REPEATS = 3

_ENOUGH = "Enough tools were used for one answer. Answer now with what you know."
_AGAIN = "This very call was made several times already, with the same result. Do something else."


class ToolLoop:
    """One run's work with a model and its tools.

    :param toolbox: ``None`` where there are no tools.
    :param absorb: gives what people said meanwhile, if it is to be told to this run.
    """

    def __init__(
        self,
        runtime: IAgentRuntime,
        run: Run,
        toolbox: IToolbox | None,
        absorb: Callable[[], Deferred[Sequence[str]]],
    ) -> None:
        self._absorb = absorb
        self._runtime = runtime
        self._run = run
        self._toolbox = toolbox
        self._steps = run.steps
        self._usage = Usage()
        self._texts: list[str] = []
        self._made: dict[tuple[str, str], int] = {}

    async def work(self, request: RunRequest) -> RunOutcome:
        """Ask until there is an answer."""
        request = await self._with_tools(request)
        for _ in range(MOST_STEPS):
            outcome = await self._ask(request)
            if not outcome.calls or self._is_for_others(outcome, request):
                return self._done(outcome)
            await self._use_all(outcome, request)
        enough = Turn("system", _ENOUGH)
        return self._done(await self._ask(evolve(request, tools=()), enough))

    async def _with_tools(self, request: RunRequest) -> RunRequest:
        if self._toolbox is None:
            return request
        place = ToolPlace(
            agent_id=request.agent_id, session_key=request.session_key, model=request.model.ref
        )
        specs = await self._toolbox.specs(place, request.authority)
        taken = {spec.name for spec in request.tools}
        ours = [spec for spec in specs if spec.name not in taken]
        self._ours = frozenset(spec.name for spec in ours)
        return evolve(request, tools=(*request.tools, *ours))

    _ours: frozenset[str] = frozenset()

    async def _ask(self, request: RunRequest, *words: Turn) -> RunOutcome:
        turns: Sequence[Turn] = (*request.turns, *self._steps, *words)
        self._run.next_part()
        outcome = await self._runtime.run(evolve(request, turns=turns), self._run)
        self._usage = _sum(self._usage, outcome.usage)
        if outcome.text:
            self._texts.append(outcome.text)
        return outcome

    def _is_for_others(self, outcome: RunOutcome, request: RunRequest) -> bool:
        """Whether the model wants a tool of whoever asked: then the answer is that wish."""
        theirs = {spec.name for spec in request.tools} - self._ours
        return any(call.name in theirs for call in outcome.calls)

    async def _use_all(self, outcome: RunOutcome, request: RunRequest) -> None:
        self._steps.append(
            Turn("assistant", outcome.text, calls=outcome.calls, thinking=outcome.thinking)
        )
        for call in outcome.calls:
            result = await self._use(call, request)
            self._steps.append(Turn("tool", result.text, call_id=call.id, is_error=result.is_error))

        for words in await self._absorb():
            self._steps.append(Turn("user", words))

    async def _use(self, call: ToolCall, request: RunRequest) -> ToolResult:
        made = self._made[call.name, call.arguments] = (
            self._made.get((call.name, call.arguments), 0) + 1
        )
        if made > MOST_REPEATS:
            return ToolResult(text=_AGAIN, is_error=True)
        if self._toolbox is None or call.name not in self._ours:
            return ToolResult(text=f"There is no tool {call.name!r}.", is_error=True)
        if self._toolbox.effect(call.name) == "external":
            await self._run.commit()
            if self._run.is_over:
                raise CancelledError  # The record failed, and the run with it.
        self._run.tell_tool_started(call)
        use = ToolUse(
            run_id=request.run_id,
            session_key=request.session_key,
            agent_id=request.agent_id,
            call_id=call.id,
            authority=request.authority,
            model=self._asking(request),
        )
        result = await self._toolbox.use(call.name, call.arguments, use)
        self._run.tell_tool_ended(call, result)
        return result

    def _asking(self, request: RunRequest) -> str:
        """The model that wants the tool: another may answer in the place of the chosen one."""
        run = self._run
        return f"{run.provider}/{run.model}" if run.provider else request.model.ref

    def _done(self, outcome: RunOutcome) -> RunOutcome:
        text = "\n\n".join(self._texts)
        # What was thought goes with the words it was thought for: a layout may name their places.
        thinking = outcome.thinking if text == outcome.text else ""
        return evolve(outcome, text=text, usage=self._usage, thinking=thinking)


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        input=one.input + other.input,
        output=one.output + other.output,
        cache_read=one.cache_read + other.cache_read,
        cache_write=one.cache_write + other.cache_write,
    )
