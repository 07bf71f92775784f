"""Skills as operators see them; clients want every one of the lists."""

from msgspec import field

from openclaw.protocol.base import UNSET, UnsetType, Wire


class SkillsStatusParams(Wire, frozen=True, kw_only=True):
    """Params of ``skills.status``."""

    agent_id: str | UnsetType = UNSET


class SkillNeeds(Wire, frozen=True, kw_only=True):
    """What a skill needs, or what of it is missing.

    :ivar any_bins: programs of which one is enough.
    :ivar config: keys of the configuration that must be set.
    """

    bins: list[str] = field(default_factory=list)
    any_bins: list[str] = field(default_factory=list)
    env: list[str] = field(default_factory=list)
    config: list[str] = field(default_factory=list)
    os: list[str] = field(default_factory=list)


class SkillConfigCheck(Wire, frozen=True, kw_only=True):
    """A key that a skill needs, and whether it is set."""

    path: str
    satisfied: bool


class SkillRow(Wire, frozen=True, kw_only=True):
    """One skill.

    :ivar source: ``openclaw-workspace``, ``openclaw-managed`` or ``openclaw-bundled``.
    :ivar eligible: the agent is told of it.
    :ivar install: ways to install what is missing; none is known here.
    """

    name: str
    description: str
    source: str
    bundled: bool
    file_path: str
    base_dir: str
    skill_key: str
    always: bool
    disabled: bool
    blocked_by_allowlist: bool
    eligible: bool
    requirements: SkillNeeds
    missing: SkillNeeds
    config_checks: list[SkillConfigCheck]
    install: list[str] = field(default_factory=list)
    primary_env: str | UnsetType = UNSET
    emoji: str | UnsetType = UNSET
    homepage: str | UnsetType = UNSET


class BrokenSkill(Wire, frozen=True, kw_only=True):
    """A directory that is meant to be a skill, and why it is none."""

    path: str
    error: str


class SkillsStatus(Wire, frozen=True, kw_only=True):
    """Result of ``skills.status``."""

    workspace_dir: str
    managed_skills_dir: str
    skills: list[SkillRow]
    broken: list[BrokenSkill]
