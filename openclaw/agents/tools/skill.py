"""The tool ``skill``: the instructions of a skill, or a file that comes with them."""

from collections.abc import Callable, Collection
from typing import Annotated, Any

from msgspec import Meta
from zope.interface import implementer

from openclaw.agents.tools.schemas import Arguments
from openclaw.deferreds import deferred
from openclaw.interfaces.skills import ISkills
from openclaw.interfaces.tools import Authority, Effect, ITool, ToolFailed, ToolResult, ToolUse


class SkillArguments(Arguments, frozen=True, kw_only=True):
    """What ``skill`` takes."""

    name: Annotated[str, Meta(description="Name of the skill.", min_length=1)]
    path: Annotated[str, Meta(description="A file of it; left out: its instructions.")] = ""


@implementer(ITool)
class SkillTool:
    """Reads skills, which may lie outside of the workspace.

    :param without: names of the skills that a session, by its key, does without.
    """

    name = "skill"
    description = "Reads the instructions of one of your skills, or a file that belongs to it."
    arguments = SkillArguments
    effect: Effect = "none"

    def __init__(self, skills: ISkills, without: Callable[[str], Collection[str]]) -> None:
        self._skills = skills
        self._without = without

    def allowed(self, authority: Authority, agent_id: str) -> bool:
        """Every run is told which skills there are, so every run may read them."""
        return True

    @deferred
    async def use(self, arguments: Any, use: ToolUse) -> ToolResult:
        """See :meth:`ITool.use`."""
        if arguments.name in self._without(use.session_key):
            raise ToolFailed(f"the skill {arguments.name} is switched off in this session")
        content = await self._skills.read(use.agent_id, arguments.name, arguments.path)
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            raise ToolFailed(f"{arguments.path} is no text: {len(content)} bytes") from None
        return ToolResult(text=text, title=f"read the skill {arguments.name}")
