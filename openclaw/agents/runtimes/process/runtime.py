"""The runtime of an agent that is a program: a process for every session, not more than so many."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen
from twisted.internet.defer import Deferred, DeferredList, succeed
from zope.interface import implementer

from openclaw.agents.runtimes.process.child import Program, Spawn, spawner
from openclaw.agents.runtimes.process.complaints import Complaints
from openclaw.agents.runtimes.process.session import SessionNeeds, SessionProcess
from openclaw.agents.runtimes.process.supervisor import GRACE_SECONDS, Alarm
from openclaw.deferreds import deferred
from openclaw.errors import ModelError
from openclaw.interfaces.agents import (
    MOST_TURNS,
    IAgentRuntime,
    IRunSink,
    ModelInfo,
    RunOutcome,
    RunRequest,
)


@frozen(kw_only=True)
class AgentProgram:
    """An agent that is a program, as configured.

    :ivar id: the left part of its models' references.
    :ivar guest_args: what is added to the arguments for runs that are not the owner's; ``None``:
        nobody else may use it, for its tools are the owner's.
    :ivar env: the whole environment; holds secrets.
    :ivar most_processes: how many there are at a time; one for each session in use.
    """

    id: str
    argv: tuple[str, ...]
    guest_args: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(factory=dict, repr=False)
    models: tuple[ModelInfo, ...] = ()
    most_processes: int = 8
    idle_seconds: float = 600.0


MakeSpawn = Callable[[str, Program], Spawn]
"""Makes what starts a program, given a name for people."""


EnvironmentOf = Callable[[RunRequest], Deferred[Mapping[str, str]]]
"""Gives the variables of a run's process that are not its program's own."""


@frozen
class _Place:
    """Whose process: sessions share none, and in a session owner and guests share none.

    :ivar env: what skills are given, besides what every process has; empty for guests.
    """

    session_key: str
    agent_id: str
    owner: bool
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@implementer(IAgentRuntime)
class ProcessRuntime:
    """Runs a session's prompts in a process of its own.

    :param workspace: where an agent's processes work.
    :param hide: takes secrets out of the agent's words.
    :param alarmed: told when a process crashes too often.
    :param environment: what skills are given in a run of the owner's; secrets are in it.
    """

    name = "process"
    most_turns = MOST_TURNS

    def __init__(
        self,
        program: AgentProgram,
        make_spawn: MakeSpawn,
        workspace: Callable[[str], Path],
        clock: Any,
        hide: Callable[[str], str],
        alarmed: Callable[[Alarm], None],
        environment: EnvironmentOf = lambda request: succeed({}),
    ) -> None:
        self._environment = environment
        self._program = program
        self._make_spawn = make_spawn
        self._workspace = workspace
        self._needs = SessionNeeds(
            clock=clock, hide=hide, idle_seconds=program.idle_seconds, alarmed=alarmed
        )
        self._processes: dict[_Place, SessionProcess] = {}
        self._ending: set[Deferred[None]] = set()
        self._waiting: list[Deferred[None]] = []
        self._stopped = False

    def models(self) -> Sequence[ModelInfo]:
        """The models that are listed for it."""
        return self._program.models

    def down(self) -> Sequence[str]:
        """The processes that crash too often, by name."""
        return [one.supervisor.name for one in self._processes.values() if one.supervisor.down]

    @deferred
    async def run(self, request: RunRequest, sink: IRunSink) -> RunOutcome:
        """See :meth:`IAgentRuntime.run`."""
        owner = request.authority.owner
        if not owner and self._program.guest_args is None:
            raise self._refused(
                request, "this agent has tools of its own and works only for the owner"
            )
        given = await self._environment(request) if owner else {}
        env = tuple(sorted(given.items()))
        place = _Place(request.session_key, request.agent_id, owner, env)
        await self._make_room(place)
        if self._stopped:
            raise self._refused(request, "the gateway is stopping")
        try:
            return await self._process(place).run(request, sink)
        finally:
            self._tell_waiting()

    @deferred
    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """End every process, kill what is left after the grace; fires once all are gone."""
        self._stopped = True
        for place in list(self._processes):
            self._end(place, grace_seconds)
        self._tell_waiting()
        await DeferredList(list(self._ending))

    def _process(self, place: _Place) -> SessionProcess:
        process = self._processes.get(place)
        if process is None:
            name = f"agent {place.agent_id} ({self._program.id})"
            extra = () if place.owner else self._program.guest_args or ()
            program = Program(
                argv=(*self._program.argv, *extra),
                directory=self._workspace(place.agent_id),
                env={**dict(place.env), **self._program.env},  # Its own come first.
            )
            spawn = self._make_spawn(name, program)
            process = SessionProcess(name, spawn, self._needs, lambda _: self._end(place))
            self._processes[place] = process
        return process

    async def _make_room(self, place: _Place) -> None:
        """Wait until this session has a process, or one more may be started."""
        while place not in self._processes and not self._stopped:
            if len(self._processes) + len(self._ending) < self._program.most_processes:
                return
            if not self._ending:
                self._end_oldest()
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    def _end_oldest(self) -> None:
        idle = [place for place, process in self._processes.items() if not process.busy]
        if idle:
            self._end(min(idle, key=lambda place: self._processes[place].last_used))

    def _end(self, place: _Place, grace_seconds: float = GRACE_SECONDS) -> None:
        """End the process of a session; the session's next run gets another."""
        ending = self._processes.pop(place).stop(grace_seconds)
        if ending.called:
            return
        self._ending.add(ending)
        ending.addCallback(lambda _: self._ended(ending))

    def _ended(self, ending: Deferred[None]) -> None:
        self._ending.discard(ending)
        self._tell_waiting()

    def _tell_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def _refused(self, request: RunRequest, words: str) -> ModelError:
        provider = request.model.provider
        return ModelError(
            f"{provider}: {words}", kind="auth", provider=provider, model=request.model.id
        )


def make_runtime(
    program: AgentProgram,
    workspace: Callable[[str], Path],
    reactor: Any,
    hide: Callable[[str], str],
    alarmed: Callable[[Alarm], None],
    environment: EnvironmentOf = lambda request: succeed({}),
) -> ProcessRuntime:
    """Make the runtime that starts real processes."""

    def make_spawn(name: str, what: Program) -> Spawn:
        return spawner(what, reactor, lambda: Complaints(name, hide, reactor.seconds))

    return ProcessRuntime(program, make_spawn, workspace, reactor, hide, alarmed, environment)
