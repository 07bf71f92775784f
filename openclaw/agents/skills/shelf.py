"""The skills of every agent, read from disk and read again when they change."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.agents.skills.front_matter import FrontMatterError
from openclaw.agents.skills.skill import (
    FILE,
    Skill,
    Surroundings,
    is_complete,
    missing,
    read_skill,
)
from openclaw.agents.tools.workspace import Workspace
from openclaw.deferreds import deferred
from openclaw.interfaces.skills import ISkills
from openclaw.interfaces.tools import ToolFailed
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.skills import (
    BrokenSkill,
    SkillConfigCheck,
    SkillRow,
    SkillsStatus,
)

FRESH_SECONDS = 3.0
MOST_SKILLS = 300
MOST_BYTES = 262_144
LONGEST_PROMPT = 30_000
BUNDLED = "openclaw-bundled"
_INTRODUCTION = (
    "Skills are instructions for particular work. When one fits what you are asked, read it first "
    "with the tool `skill`, and then follow it. Available:"
)


@frozen(kw_only=True)
class Places:
    """Where an agent's skills are, what wins first.

    :ivar directories: by source; a skill of an earlier one hides those of its name in later ones.
    """

    workspace: Path
    managed: Path
    directories: Sequence[tuple[str, Path]]


@frozen(kw_only=True)
class SkillRules:
    """What the configuration says of skills.

    :ivar disabled: keys of skills that are switched off.
    :ivar allowed: the only ones an agent may use; ``None`` for any.
    """

    disabled: frozenset[str] = frozenset()
    allowed: Callable[[str], Collection[str] | None] = field(default=lambda agent_id: None)


@frozen
class _Found:
    """What an agent had at one look.

    :ivar usable: by name, those that the agent can use.
    """

    rows: Sequence[SkillRow] = ()
    usable: Mapping[str, Skill] = field(factory=dict)
    broken: Sequence[BrokenSkill] = ()
    at: float = -FRESH_SECONDS


@implementer(ISkills)
class SkillShelf:
    """Reads skills in a thread, at most every few seconds; a broken one is reported, once.

    :param in_thread: runs a function that blocks.
    """

    _log = Logger()

    def __init__(
        self,
        places: Callable[[str], Places],
        rules: SkillRules,
        around: Surroundings,
        in_thread: Callable[..., Deferred[Any]],
        clock: IReactorTime,
    ) -> None:
        self._places = places
        self._rules = rules
        self._around = around
        self._in_thread = in_thread
        self._clock = clock
        self._found: dict[str, _Found] = {}

    @deferred
    async def prompt(self, agent_id: str) -> str:
        """See :meth:`ISkills.prompt`."""
        found = await self._look(agent_id)
        shown = [skill for skill in found.usable.values() if not skill.hidden]
        lines = [f"- {skill.name}: {' '.join(skill.description.split())}" for skill in shown]
        if not lines:
            return ""
        text = "\n".join((_INTRODUCTION, *lines))
        return text if len(text) <= LONGEST_PROMPT else text[:LONGEST_PROMPT].rpartition("\n")[0]

    @deferred
    async def status(self, agent_id: str) -> SkillsStatus:
        """See :meth:`ISkills.status`."""
        found, places = await self._look(agent_id), self._places(agent_id)
        return SkillsStatus(
            workspace_dir=str(places.workspace),
            managed_skills_dir=str(places.managed),
            skills=list(found.rows),
            broken=list(found.broken),
        )

    @deferred
    async def read(self, agent_id: str, name: str, path: str) -> bytes:
        """See :meth:`ISkills.read`."""
        usable = (await self._look(agent_id)).usable
        if name not in usable:
            names = ", ".join(sorted(usable)) or "none"
            raise ToolFailed(
                f"there is no skill {name[:100]!r} that can be used; there are: {names}"
            )
        content = await self._in_thread(_read, usable[name].directory, path or FILE)
        return bytes(content)

    async def _look(self, agent_id: str) -> _Found:
        """What is there, not older than a few seconds."""
        kept = self._found.get(agent_id, _Found())
        if self._clock.seconds() - kept.at < FRESH_SECONDS:
            return kept
        try:
            found: _Found = await self._in_thread(self._take_stock, agent_id)
        except CancelledError:  # Whoever asked left meanwhile: the run is to end.
            raise
        except Exception:  # A disk in trouble must not end a run.
            self._log.failure("skills could not be read")
            found = kept
        for one in found.broken:
            if one not in kept.broken:
                self._log.warn("skill {path} is left out: {why}", path=one.path, why=one.error)
        fresh = self._found[agent_id] = evolve(found, at=self._clock.seconds())
        return fresh

    def _take_stock(self, agent_id: str) -> _Found:
        """Read what there is, and look for what it needs. Blocks."""
        skills, broken = scan(self._places(agent_id).directories)
        allowed = self._rules.allowed(agent_id)
        rows = [self._row(skill, allowed) for skill in skills]
        usable = {
            skill.name: skill for skill, row in zip(skills, rows, strict=True) if row.eligible
        }
        return _Found(rows, usable, broken)

    def _row(self, skill: Skill, allowed: Collection[str] | None) -> SkillRow:
        lacking = missing(skill, self._around)
        disabled = skill.key in self._rules.disabled
        blocked = allowed is not None and skill.name not in allowed
        # What only another system can do is not offered, whatever the skill says of itself.
        complete = is_complete(lacking) or (skill.always and not lacking.os)
        return SkillRow(
            name=skill.name,
            description=skill.description,
            source=skill.source,
            bundled=skill.source == BUNDLED,
            file_path=str(skill.directory / FILE),
            base_dir=str(skill.directory),
            skill_key=skill.key,
            always=skill.always,
            disabled=disabled,
            blocked_by_allowlist=blocked,
            eligible=complete and not disabled and not blocked,
            requirements=skill.needs,
            missing=lacking,
            config_checks=[
                SkillConfigCheck(path=one, satisfied=one not in lacking.config)
                for one in skill.needs.config
            ],
            primary_env=skill.primary_env or UNSET,
            emoji=skill.emoji or UNSET,
            homepage=skill.homepage or UNSET,
        )


def scan(directories: Sequence[tuple[str, Path]]) -> tuple[list[Skill], list[BrokenSkill]]:
    """Read every skill, by name; of the same name the first place wins. Blocks."""
    found: dict[str, Skill] = {}
    broken = []
    for source, root in directories:
        for directory in _below(root):
            try:
                skill = read_skill(_text(directory), directory, source)
            except FrontMatterError as error:
                broken.append(BrokenSkill(path=str(directory / FILE), error=str(error)))
            except ToolFailed as error:
                broken.append(BrokenSkill(path=str(directory / FILE), error=error.message))
            else:
                found.setdefault(skill.name, skill)
    return sorted(found.values(), key=lambda one: one.name), broken


def _below(root: Path) -> list[Path]:
    """Directories that are meant to be skills."""
    try:
        names = sorted(path for path in root.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    return [path for path in names if (path / FILE).exists()][:MOST_SKILLS]


def _text(directory: Path) -> str:
    content = _read(directory, FILE)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise FrontMatterError("it is no UTF-8 text") from None


def _read(directory: Path, path: str) -> bytes:
    """A file of a skill, never one outside of it."""
    if directory.is_symlink():
        raise ToolFailed("its directory is a link: copy it, or name the place in the configuration")
    content = Workspace(directory, lambda: "").read(path)
    if len(content) > MOST_BYTES:
        raise ToolFailed(f"{path} has more than {MOST_BYTES} bytes")
    return content
