"""The ``skills`` section; keys only."""

from typing import Annotated, Any

from msgspec import field

from openclaw.config.schema.fields import Secret, Section, later, now


class SkillEntry(Section, frozen=True, kw_only=True):
    """One skill by its key."""

    enabled: Annotated[bool, now("Whether agents are told of it.")] = True
    api_key: Annotated[
        Secret | None,
        now("The value of the variable that the skill names as ``primaryEnv``."),
    ] = None
    env: Annotated[
        dict[str, Secret],
        now("Variables for the programs of agents that may use it, in the owner's runs alone."),
    ] = field(default_factory=dict)
    config: Annotated[Any, later("Values for it.")] = None


class SkillsLoad(Section, frozen=True, kw_only=True):
    """Where skills are."""

    extra_dirs: Annotated[tuple[str, ...], now("More directories of skills; they win last.")] = ()
    watch: Annotated[Any, later("Changes are always seen.")] = None
    watch_debounce_ms: Annotated[Any, later("Changes are seen within seconds.")] = None


class Skills(Section, frozen=True, kw_only=True):
    """Skills of agents."""

    entries: Annotated[dict[str, SkillEntry], now("Skills by their keys.")] = field(
        default_factory=dict
    )
    load: Annotated[SkillsLoad, now("Where skills are.")] = SkillsLoad()
    allow_bundled: Annotated[
        tuple[str, ...] | None, now("The only ones used of those that come along; all if absent.")
    ] = None
    install: Annotated[Any, later("How skills are installed; nothing is installed here.")] = None
