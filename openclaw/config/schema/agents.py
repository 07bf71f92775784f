"""The ``agents`` section: who answers, with which model; keys only."""

from typing import Annotated, Any

import msgspec.structs
from msgspec import field

from openclaw.config.schema.backends import CliBackend
from openclaw.config.schema.fields import Section, at_least, later, now
from openclaw.config.schema.tools import AgentTools


class ModelChoice(Section, frozen=True, kw_only=True):
    """Which model to use, as ``provider/model``."""

    primary: Annotated[str | None, now("The model to use, ``<provider>/<model id>``.")] = None
    fallbacks: Annotated[
        tuple[str, ...], now("Models to try after it, in this order, when it cannot answer.")
    ] = ()


def choice_of(model: str | ModelChoice | None) -> ModelChoice:
    """Read a model that may be written as one name."""
    return model if isinstance(model, ModelChoice) else ModelChoice(primary=model)


class ModelUse(Section, frozen=True, kw_only=True):
    """How one model, by its ``provider/model``, is named and asked here."""

    alias: Annotated[str | None, now("A short name for it, ``fast``.")] = None
    params: Annotated[
        dict[str, Any], now("Extra parameters of its requests; they win over the provider's.")
    ] = field(default_factory=dict)


class Heartbeat(Section, frozen=True, kw_only=True):
    """The agent's own regular turn."""

    every: Annotated[str | None, later("Time between two turns, ``30m``; ``0m`` is never.")] = None
    prompt: Annotated[str | None, later("What the turn starts with.")] = None
    target: Annotated[str | None, later("Who is told.")] = None
    to: Annotated[str | None, later("The target's address.")] = None
    model: Annotated[str | None, later("Model for these turns.")] = None
    session: Annotated[str | None, later("Session they run in.")] = None
    active_hours: Annotated[Any, later("When they may run.")] = None
    light_context: Annotated[bool, later("Leave workspace files out.")] = False
    isolated_session: Annotated[bool, later("Run in a session of its own.")] = False
    timeout_seconds: Annotated[int | None, later("Deadline of one turn.")] = None


class AgentDefaults(Section, frozen=True, kw_only=True):
    """What every agent starts from."""

    workspace: Annotated[
        str | None, now("The agent's folder; ``<state-dir>/workspace`` when absent.")
    ] = None
    model: Annotated[
        str | ModelChoice | None,
        now('The model: ``"provider/model"`` or ``{primary, fallbacks}``.'),
    ] = None
    timeout_seconds: Annotated[int, at_least(1, "Deadline of one run, in seconds.")] = 600
    heartbeat: Annotated[Heartbeat, later("The agent's own regular turn.")] = Heartbeat()
    cli_backends: Annotated[
        dict[str, CliBackend],
        now("Agents that are programs, by the left part of their models' names."),
    ] = field(default_factory=dict)
    models: Annotated[dict[str, ModelUse], now("Aliases and parameters by ``provider/model``.")] = (
        field(default_factory=dict)
    )
    image_model: Annotated[Any, later("Model for pictures.")] = None
    max_concurrent: Annotated[int | None, later("Runs at the same time.")] = None
    subagents: Annotated[Any, later("Agents started by agents.")] = None
    compaction: Annotated[Any, later("How long conversations are shortened.")] = None
    context_pruning: Annotated[Any, later("What is left out of the context.")] = None
    context_tokens: Annotated[int | None, later("Tokens of context to use.")] = None
    memory_search: Annotated[Any, later("Search in memory files.")] = None
    sandbox: Annotated[Any, later("Isolation of tools.")] = None
    tools: Annotated[AgentTools, now("Tools the agents may use.")] = AgentTools()
    skills: Annotated[tuple[str, ...] | None, now("The only skills of agents.")] = None
    thinking_default: Annotated[str | None, later("Thinking level.")] = None
    verbose_default: Annotated[str | None, later("How much of the work is shown.")] = None
    user_timezone: Annotated[str | None, later("The user's time zone.")] = None
    skip_bootstrap: Annotated[bool, later("Create no workspace files.")] = False

    @property
    def primary_model(self) -> str | None:
        """The chosen model as ``provider/model``, whichever way it was written."""
        return choice_of(self.model).primary


class Identity(Section, frozen=True, kw_only=True):
    """How an agent presents itself."""

    name: Annotated[str | None, now("Name shown to people.")] = None
    emoji: Annotated[str | None, now("Emoji shown beside it.")] = None
    avatar: Annotated[str | None, now("Picture: an address or a file of the workspace.")] = None
    theme: Annotated[str | None, now("A few words of character.")] = None


class Agent(Section, frozen=True, kw_only=True):
    """One agent of ``agents.list`` or ``agents.entries``."""

    id: Annotated[str, now("Its id; the key says it in ``entries``.")] = ""
    default: Annotated[bool, now("Whether it answers when nobody else is chosen.")] = False
    name: Annotated[str | None, now("Name shown to people.")] = None
    identity: Annotated[Identity, now("How it presents itself.")] = Identity()
    workspace: Annotated[str | None, now("Its own folder; beside the common one when absent.")] = (
        None
    )
    model: Annotated[
        str | ModelChoice | None, now("Its own model, written as in the defaults.")
    ] = None
    heartbeat: Annotated[Any, later("Its own regular turn.")] = None
    tools: Annotated[AgentTools, now("Tools it may use.")] = AgentTools()
    skills: Annotated[tuple[str, ...] | None, now("The only skills it may use.")] = None
    sandbox: Annotated[Any, later("Isolation of its tools.")] = None
    subagents: Annotated[Any, later("Agents it may start.")] = None
    group_chat: Annotated[Any, later("Behaviour in groups.")] = None


class Agents(Section, frozen=True, kw_only=True):
    """Who answers."""

    defaults: Annotated[AgentDefaults, now("What every agent starts from.")] = AgentDefaults()
    list: Annotated[tuple[Agent, ...], now("Agents, each with its ``id``.")] = ()
    entries: Annotated[dict[str, Agent], now("Agents by id, another way to list them.")] = field(
        default_factory=dict
    )

    @property
    def known(self) -> tuple[Agent, ...]:
        """All agents of either list, ids filled in; none means the one agent ``main``."""
        named = (msgspec.structs.replace(agent, id=key) for key, agent in self.entries.items())
        return (*self.list, *named)
