"""Makes the shelf of skills: where they are, what they can need, who may use which."""

import shutil
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from openclaw.agents import skills as package
from openclaw.agents.skills.shelf import BUNDLED, Places, SkillRules, SkillShelf
from openclaw.agents.skills.skill import Surroundings
from openclaw.config.settings import Settings


def make_skills(
    settings: Settings,
    workspace_of: Callable[[str], Path],
    in_thread: Callable[..., Deferred[Any]],
    reactor: Any,
) -> SkillShelf:
    """Make the shelf of all agents' skills; nothing is read before it is asked for."""
    config = settings.config
    own = {agent.id: agent.skills for agent in config.agents.known}
    general = config.agents.defaults.skills

    def allowed(agent_id: str) -> Collection[str] | None:
        chosen = own.get(agent_id)
        return general if chosen is None else chosen

    disabled = frozenset(key for key, one in config.skills.entries.items() if not one.enabled)
    around = Surroundings(
        has_program=lambda name: bool(shutil.which(name, path=settings.search_path)),
        variables=settings.variables,
        is_set=lambda path: _is_set(settings.loaded.tree, path),
        os=sys.platform,
    )
    rules = SkillRules(
        disabled=disabled,
        allowed=allowed,
        bundled=config.skills.allow_bundled,
        values=settings.skills,
    )
    return SkillShelf(_places(settings, workspace_of), rules, around, in_thread, reactor)


def _places(settings: Settings, workspace_of: Callable[[str], Path]) -> Callable[[str], Places]:
    managed = settings.places.state_dir / "skills"
    extra = [("openclaw-extra", Path(one)) for one in settings.config.skills.load.extra_dirs]
    bundled = (BUNDLED, Path(package.__file__).with_name("bundled"))

    def of(agent_id: str) -> Places:
        workspace = workspace_of(agent_id)
        return Places(
            workspace=workspace,
            managed=managed,
            directories=(
                ("openclaw-workspace", workspace / "skills"),
                ("openclaw-managed", managed),
                bundled,
                *extra,
            ),
        )

    return of


def _is_set(tree: Any, path: str) -> bool:
    """Whether something stands at a path of the configuration, and is not off."""
    for name in path.split("."):
        tree = tree.get(name) if isinstance(tree, dict) else None
    return bool(tree)
