"""Runs: one input, one model, one end; whatever happens, the lane is free afterwards."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from twisted.internet.defer import gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.agents.loop import ToolLoop
from openclaw.agents.run import Run, RunCut
from openclaw.agents.runtimes.commands import is_command
from openclaw.agents.tools.memory import memory_prompt
from openclaw.agents.tools.session_rules import skills_without
from openclaw.deferreds import deferred
from openclaw.errors import GatewayError, ModelError, StoreError
from openclaw.interfaces.agents import IAgentRuntime, ModelInfo, RunOutcome, RunRequest
from openclaw.interfaces.conversations import (
    Ending,
    IConversations,
    Input,
    IReplies,
    IRunner,
    IRuns,
    Wishes,
)
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.skills import ISkills
from openclaw.interfaces.tools import Authority, IToolbox
from openclaw.protocol.schema.chat import Message, TextPart

MAX_SECONDS = 24 * 3600.0
STORE_AGAIN_SECONDS = (1.0, 2.0)
PROGRAM, WORKER = "process", "worker"


class Models(Protocol):
    """What a run needs to know of the models."""

    def resolve(self, ref: str = "", agent_id: str = "") -> ModelInfo:
        """Find a model; for an empty text the default one of an agent."""

    def runtime_for(self, model: ModelInfo) -> IAgentRuntime:
        """What serves a model."""


@implementer(IRunner, IRuns)
class Runs:
    """Runs inputs.

    :param commands: answers what a user types as a command, whichever model the session has.
    :param timeout_seconds: how long a run may take that names no time.
    :param count: told how each run ended.
    :param replies: told about runs whose answers go back to a chat platform.
    """

    _log = Logger()

    def __init__(
        self,
        models: Models,
        commands: IAgentRuntime,
        events: IEvents,
        clock: IReactorTime,
        now_ms: Callable[[], int],
        make_id: Callable[[], str],
        timeout_seconds: float,
        count: Callable[[str], None],
        replies: IReplies,
    ) -> None:
        self._models = models
        self._commands = commands
        self._events = events
        self._clock = clock
        self._now_ms = now_ms
        self._make_id = make_id
        self._timeout_seconds = timeout_seconds
        self._count = count
        self._replies = replies
        self._active: dict[str, Run] = {}
        self._followed: dict[str, list[Callable[[str], None]]] = {}
        self.conversations: IConversations | None = None
        """Set once, right after both are made: each needs the other."""
        self.toolbox: IToolbox | None = None
        """What models may use; set once likewise, ``None`` for nothing."""
        self.skills: ISkills | None = None
        """What models are told they know; set once likewise, ``None`` for nothing."""

    # -- IRuns ---------------------------------------------------------------------------------

    def active(self) -> Sequence[str]:
        """See :meth:`IRuns.active`."""
        return tuple(self._active)

    def entry(self, run_id: str) -> Input | None:
        """See :meth:`IRuns.entry`."""
        run = self._active.get(run_id)
        return None if run is None else run.entry

    @deferred
    async def abort(self, session_key: str, run_id: str | None) -> Sequence[str]:
        """See :meth:`IRuns.abort`."""
        stopping = [
            run
            for run in self._active.values()
            if run.entry.session_key == session_key and _is_meant(run.entry, run_id)
        ]
        ended = [self._conversations.ended(run.entry.run_id) for run in stopping]
        stopped = [run.entry.run_id for run in stopping if run.cut("aborted")]
        await gatherResults([one.addErrback(lambda _: None) for one in ended])
        withdrawn = await self._conversations.withdraw(session_key, run_id) if run_id else []
        return [*stopped, *withdrawn]

    def follow(self, run_id: str, heard: Callable[[str], None]) -> Callable[[], None]:
        """See :meth:`IRuns.follow`."""
        following = self._followed.setdefault(run_id, [])
        following.append(heard)

        def leave() -> None:
            if heard in following:
                following.remove(heard)
            if not following and self._followed.get(run_id) is following:
                del self._followed[run_id]

        return leave

    def interrupt(self) -> None:
        """See :meth:`IRuns.interrupt`."""
        for run in list(self._active.values()):
            run.cut("interrupted")

    def supersede(self, run_id: str) -> None:
        """See :meth:`IRunner.supersede`."""
        run = self._active.get(run_id)
        if run is not None:
            run.cut("aborted")

    # -- IRunner -------------------------------------------------------------------------------

    @deferred
    async def run(self, entry: Input) -> None:
        """See :meth:`IRunner.run`."""
        run = self._start(entry)
        try:
            ending = await self._ending(run)
            if ending is not None:
                await self._finish(run, ending)
                self._count(ending.state)
        except StoreError as error:
            # The end is not on disk: the next start sees a run that had not ended.
            self._log.error("{run} ended unrecorded: {why}", run=entry.run_id, why=error.message)
            self._tell_broken(run, error.message, "store")
        except Exception:  # A bug in here must not hold the lane for ever.
            self._log.failure("run {run} broke", run=entry.run_id)
            self._tell_broken(run, "internal error", "internal")
        finally:
            del self._active[entry.run_id]

    def _start(self, entry: Input) -> Run:
        grew = None
        if entry.origin is not None and self._replies.started(entry):
            grew = partial(self._replies.grew, entry)
        run = Run(
            entry,
            self._events,
            self._now_ms,
            f"{self._make_id()}:1",
            lambda: self._conversations.shown(entry.run_id),
            grew,
        )
        run.heard = self._followed.get(entry.run_id, run.heard)
        if entry.origin is not None:
            run.begun = partial(self._replies.begun, entry)
        self._active[entry.run_id] = run
        run.lifecycle({"phase": "start", "startedAt": run.started_at_ms})
        return run

    async def _ending(self, run: Run) -> Ending | None:
        """Run the model; ``None`` if the gateway stops and the input shall run again."""
        deadline = self._clock.callLater(self._seconds(run.entry), run.cut, "timeout")
        try:
            run.follow(self._ask(run))
            outcome = await run.ended
        except RunCut as cut:
            if cut.why == "interrupted" and not run.may_be_seen:
                return None
            return self._cut_ending(run, cut)
        except Exception as error:  # Whatever a runtime fails with ends its run, not the gateway.
            return self._failed_ending(run, error)
        finally:
            if deadline.active():
                deadline.cancel()
        return self._good_ending(run, outcome)

    @deferred
    async def _ask(self, run: Run) -> RunOutcome:
        """Let the session's model answer."""
        entry = run.entry
        model = self._model(entry)
        if entry.kind == "chat":
            run.status("starting_model")
        command = is_command(entry.text)
        runtime = self._commands if command else self._models.runtime_for(model)
        # It makes no use of tools, nor of what models are told: nobody need look for them.
        plain = runtime is self._commands
        turns = await self._conversations.turns(entry, runtime.most_turns)
        wishes = entry.wishes or Wishes()
        request = RunRequest(
            run_id=entry.run_id,
            session_key=entry.session_key,
            agent_id=entry.agent_id,
            model=self._commands.models()[0] if command else model,
            turns=turns,
            system=entry.system if plain else await self._system(entry, runtime.name),
            timeout_seconds=self._seconds(entry),
            tools=wishes.tools,
            tool_choice=wishes.tool_choice,
            sampling=wishes.sampling,
            max_tokens=wishes.max_tokens,
            authority=authority_of(entry),
        )
        toolbox = None if plain else self.toolbox
        absorb = partial(self._conversations.absorb, entry)
        return await ToolLoop(runtime, run, toolbox, absorb).work(request)

    async def _system(self, entry: Input, runtime: str) -> str:
        """What a model is told before the turns."""
        conversations, key, skills = self._conversations, entry.session_key, ""
        if self.skills is not None and _reads_skills(runtime, entry):
            without = skills_without(conversations.row(key))
            skills = await self.skills.prompt(entry.agent_id, without, runtime == PROGRAM)
        memory = memory_prompt(conversations.memory(key))
        return "\n\n".join(part for part in (entry.system, skills, memory) if part)

    async def _finish(self, run: Run, ending: Ending) -> None:
        """Store the end, then tell it: nobody hears of an answer that could still be lost."""
        if ending.usage.output:
            run.usage(ending.usage.output)
        run.lifecycle({"phase": "finishing", "stopReason": ending.stop_reason})
        if run.entry.origin is not None:
            await self._replies.settle(run.entry)
        message = await self._store(run.entry, ending)
        data = {
            "startedAt": ending.started_at_ms,
            "endedAt": ending.ended_at_ms,
            "aborted": ending.state == "aborted",
            "stopReason": ending.stop_reason,
        }
        if ending.error:
            run.lifecycle({"phase": "error", "error": ending.error, **data})
        else:
            run.lifecycle({"phase": "end", **data})
        self._tell_end(run, ending, message)

    async def _store(self, entry: Input, ending: Ending) -> Message | None:
        """Store an end, again if the disk was in trouble for a moment: it was paid for."""
        for seconds in STORE_AGAIN_SECONDS:
            try:
                return await self._conversations.finish(entry, ending)
            except StoreError as error:
                if error.details and error.details.get("code") == "CONSTRAINT":
                    raise  # What the journal does not take now it will never take.
                self._log.warn(
                    "the end of {run} is stored again in {seconds} s: {why}",
                    run=entry.run_id,
                    seconds=seconds,
                    why=error.message,
                )
            await deferLater(self._clock, seconds)
        return await self._conversations.finish(entry, ending)

    def _tell_broken(self, run: Run, words: str, kind: str) -> None:
        run.lifecycle({"phase": "error", "error": words, "endedAt": self._now_ms()})
        run.error(words, kind)
        self._count("failed")

    def _tell_end(self, run: Run, ending: Ending, message: Message | None) -> None:
        if ending.state == "done":
            run.final(message or _unkept(ending), ending.stop_reason)
        elif ending.state == "aborted":
            run.aborted(message)
        else:
            run.error(ending.error, ending.error_kind, ending.failover_reason)

    def _good_ending(self, run: Run, outcome: RunOutcome) -> Ending:
        return Ending(
            state="done",
            text=outcome.text,
            started_at_ms=run.started_at_ms,
            ended_at_ms=self._now_ms(),
            stop_reason=outcome.stop_reason,
            usage=outcome.usage,
            provider=run.provider,
            model=run.model,
            steps=tuple(run.steps),
            calls=outcome.calls,
            thinking=outcome.thinking,
        )

    def _cut_ending(self, run: Run, cut: RunCut) -> Ending:
        words = {
            "aborted": "",
            "timeout": f"no answer within {self._seconds(run.entry):g} s",
            "interrupted": "The gateway stopped while this was being answered.",
        }
        return Ending(
            state=cut.why,
            text=run.text,
            started_at_ms=run.started_at_ms,
            ended_at_ms=self._now_ms(),
            stop_reason="rpc" if cut.why == "aborted" else cut.why,
            provider=run.provider,
            model=run.model,
            steps=tuple(run.steps),
            error=words[cut.why],
            error_kind="" if cut.why == "aborted" else cut.why,
        )

    def _failed_ending(self, run: Run, error: Exception) -> Ending:
        if not isinstance(error, GatewayError):
            self._log.failure("runtime of run {run} broke", run=run.entry.run_id)
        words = error.message if isinstance(error, GatewayError) else "the runtime failed"
        of_model = error if isinstance(error, ModelError) else None
        return Ending(
            state="failed",
            text=run.text,
            started_at_ms=run.started_at_ms,
            ended_at_ms=self._now_ms(),
            stop_reason="error",
            provider=run.provider,
            model=run.model,
            steps=tuple(run.steps),
            error=words,
            error_kind=of_model.kind if of_model else "unknown",
            failover_reason=of_model.failover_reason if of_model else "",
        )

    def _model(self, entry: Input) -> ModelInfo:
        row = self._conversations.row(entry.session_key)
        ref = f"{row.model_provider}/{row.model}" if row else ""
        return self._models.resolve(ref, entry.agent_id)

    def _seconds(self, entry: Input) -> float:
        asked = entry.timeout_seconds
        return min(asked or self._timeout_seconds, MAX_SECONDS)

    @property
    def _conversations(self) -> IConversations:
        assert self.conversations is not None
        return self.conversations


def _reads_skills(runtime: str, entry: Input) -> bool:
    """Whether whoever answers can read skills.

    A program on another host cannot, and one that answers a guest may have no tool to do it with.
    """
    if runtime == WORKER:
        return False
    return runtime != PROGRAM or authority_of(entry).owner


def authority_of(entry: Input) -> Authority:
    """On whose behalf a run acts: the gateway's own beats act for the owner."""
    return Authority(
        owner=entry.owner or entry.kind == "heartbeat",
        scopes=frozenset(entry.scopes),
        origin=entry.origin,
        commanded_by=entry.commanded_by,
    )


def _is_meant(entry: Input, run_id: str | None) -> bool:
    """Whether a stop of one run, or of all, is for this one: whoever stops all goes on."""
    return entry.run_id == run_id if run_id is not None else not entry.commanded_by


def _unkept(ending: Ending) -> Message:
    """The answer of a run whose session was started over under it: told, but in no transcript."""
    return Message(
        role="assistant", content=[TextPart(text=ending.text)], timestamp=ending.ended_at_ms
    )
