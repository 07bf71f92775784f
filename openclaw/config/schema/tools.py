"""The ``tools`` section, and what an agent's own ``tools`` may say; keys only."""

from typing import Annotated, Any, Literal

from msgspec import field

from openclaw.config.schema.fields import Section, at_least, later, now

Profile = Literal["minimal", "messaging", "coding", "full"]


class ModelTools(Section, frozen=True, kw_only=True):
    """Which tools a model may ask for; it only takes away from what the agent may use."""

    profile: Annotated[Profile | None, now("A ready-made set of tools.")] = None
    allow: Annotated[tuple[str, ...] | None, now("The only tools; an empty list allows none.")] = (
        None
    )
    also_allow: Annotated[tuple[str, ...], now("Tools besides profile and ``allow``.")] = ()
    deny: Annotated[tuple[str, ...], now("Tools that are never used.")] = ()
    approval: Annotated[
        tuple[str, ...], now("Tools of which every use has to be approved by a person first.")
    ] = ()


class AgentTools(Section, frozen=True, kw_only=True):
    """Which tools an agent may use: names, ``group:fs`` and the like, patterns with ``*``."""

    profile: Annotated[
        Profile | None, now("A ready-made set of tools; the agent's own replaces the general one.")
    ] = None
    allow: Annotated[tuple[str, ...] | None, now("The only tools; an empty list allows none.")] = (
        None
    )
    also_allow: Annotated[tuple[str, ...], now("Tools besides profile and ``allow``.")] = ()
    deny: Annotated[tuple[str, ...], now("Tools that are never used; beats everything else.")] = ()
    approval: Annotated[
        tuple[str, ...],
        now("Tools of which every use has to be approved by a person first."),
    ] = ()
    by_provider: Annotated[
        dict[str, ModelTools],
        now("Rules by the model that asks, ``provider`` or ``provider/model``; both hold."),
    ] = field(default_factory=dict)
    elevated: Annotated[Any, later("Commands outside the sandbox.")] = None
    sandbox: Annotated[Any, later("Tools within the sandbox.")] = None
    fs: Annotated[Any, later("Files; tools never leave the workspace here.")] = None
    loop_detection: Annotated[Any, later("Agents that repeat themselves.")] = None


class WebFetch(Section, frozen=True, kw_only=True):
    """The tool ``web_fetch``."""

    enabled: Annotated[bool, now("Whether there is one.")] = True
    max_chars: Annotated[int, at_least(1, "Most characters of a page that are told.")] = 50_000
    max_response_bytes: Annotated[int, at_least(1, "Most bytes of a page that are read.")] = (
        2_000_000
    )
    timeout_seconds: Annotated[int, at_least(1, "How long one page may take.")] = 30
    max_redirects: Annotated[Any, later("Five are followed.")] = None
    user_agent: Annotated[str | None, now("What servers are told of us.")] = None
    cache_ttl_minutes: Annotated[Any, later("Pages are not kept.")] = None
    readability: Annotated[Any, later("Text is always taken out of pages.")] = None


class Web(Section, frozen=True, kw_only=True):
    """Tools for the web."""

    fetch: Annotated[WebFetch, now("Reads pages.")] = WebFetch()
    search: Annotated[Any, later("Searches the web.")] = None


class Tools(AgentTools, frozen=True, kw_only=True):
    """Tools of all agents."""

    web: Annotated[Web, now("Tools for the web.")] = Web()
    timeout_seconds: Annotated[int, at_least(1, "How long one use of a tool may take.")] = 60
    max_result_chars: Annotated[
        int, at_least(1, "Most characters of a result that a model is shown.")
    ] = 100_000
    sessions: Annotated[Any, later("Which sessions the session tools see.")] = None
    agent_to_agent: Annotated[Any, later("Messages between agents.")] = None
    message: Annotated[Any, later("The message tool.")] = None
    media: Annotated[Any, later("Media understanding.")] = None
    subagents: Annotated[Any, later("Agents started by agents.")] = None
