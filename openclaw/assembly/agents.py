"""Makes the runtimes of agents that are programs, here or on workers; ends what they started."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, DeferredList, succeed

from openclaw.agents.runtimes.worker.runtime import WorkerRuntime
from openclaw.agents.runtimes.worker.workers import Workers
from openclaw.config.backends import AgentBackend
from openclaw.config.known import known_secrets
from openclaw.config.settings import Settings
from openclaw.interfaces.agents import IAgentRuntime, ModelInfo

if TYPE_CHECKING:
    from openclaw.agents.runtimes.process.runtime import (
        AgentProgram,
        EnvironmentOf,
        ProcessRuntime,
    )
    from openclaw.agents.runtimes.process.supervisor import Alarm


class AgentPrograms:
    """Every agent of one gateway that is a program.

    :param noticed: told what diagnostics should know: a kind, and words.
    :ivar workers: the hosts that run some of them.
    :ivar changed: told when one has gone down; set once health is made.
    :ivar environment: what skills are given in a run; set once skills are made.
    """

    def __init__(
        self,
        settings: Settings,
        reactor: Any,
        noticed: Callable[[str, str], None],
        make_id: Callable[[], str],
    ) -> None:
        self.workers = Workers(reactor)
        self._make_id = make_id
        self._settings = settings
        self._reactor = reactor
        self._noticed = noticed
        self._made: list[ProcessRuntime] = []
        self.changed: Callable[[], object] = lambda: None
        self.environment: EnvironmentOf = lambda request: succeed({})

    def runtime(self, backend: AgentBackend) -> IAgentRuntime:
        """Make the runtime of one; it starts nothing before its first run."""
        if backend.runs_on == "worker":
            return WorkerRuntime(backend.id, models_of(backend), self.workers, self._make_id)
        # Loaded at the first run that needs it: most gateways have no such agent.
        from openclaw.agents.runtimes.process.runtime import make_runtime

        made = make_runtime(
            program_of(backend),
            self._settings.workspace_of,
            self._reactor,
            known_secrets(self._settings).clean,
            self._alarmed,
            lambda request: self.environment(request),
        )
        self._made.append(made)
        return made

    def down(self) -> Sequence[str]:
        """Those that crash too often, by name."""
        return [name for runtime in self._made for name in runtime.down()]

    def stop(self, grace_seconds: float) -> Deferred[None]:
        """End every process; kill after the grace what has not ended."""
        return DeferredList([one.stop(grace_seconds) for one in self._made]).addCallback(
            lambda _: None
        )

    def _alarmed(self, alarm: Alarm) -> None:
        self._noticed("agent.down", f"{alarm.name} {alarm.why}")
        self.changed()


def models_of(backend: AgentBackend) -> tuple[ModelInfo, ...]:
    """The models that are listed for an agent."""
    return tuple(ModelInfo(backend.id, id, id) for id in backend.models)


def program_of(backend: AgentBackend) -> AgentProgram:
    """What a runtime has to know of a configured agent."""
    from openclaw.agents.runtimes.process.runtime import AgentProgram

    return AgentProgram(
        id=backend.id,
        argv=backend.argv,
        guest_args=backend.guest_args,
        env=backend.env,
        models=models_of(backend),
        most_processes=backend.max_processes,
        idle_seconds=float(backend.idle_seconds),
    )
