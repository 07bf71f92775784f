"""Tools of a test's making, and a toolbox around them."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from msgspec import Meta
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from zope.interface import implementer

from openclaw.agents.tools.rules import LayeredRules
from openclaw.agents.tools.schemas import Arguments
from openclaw.agents.tools.toolbox import Toolbox, ToolLimits
from openclaw.interfaces.messages import Origin, Person, Target
from openclaw.interfaces.tools import (
    Authority,
    Effect,
    IForeignTool,
    ITool,
    IToolSource,
    ToolResult,
    ToolUse,
)

OWNER = Authority(owner=True)
STRANGER = Authority(
    origin=Origin(
        target=Target(channel="telegram", account="default", chat_id="777"),
        sender=Person(id="777", name="Mallory"),
        message_key="telegram:default:1",
    )
)


class EchoArguments(Arguments, frozen=True, kw_only=True):
    """What an echo takes."""

    text: Annotated[str, Meta(description="What to say back.", min_length=1)]
    times: Annotated[int, Meta(description="How often.", ge=1, le=9)] = 1


@implementer(ITool)
class Echo:
    """Says back what it is told; ``answer`` may be something else."""

    name = "echo"
    description = "Says it back."
    arguments: type[Any] = EchoArguments
    effect: Effect = "none"

    def __init__(self, name: str = "echo", owner_only: bool = False) -> None:
        self.name = name
        self.owner_only = owner_only
        self.uses: list[tuple[Any, ToolUse]] = []
        self.answer: Callable[[], Deferred[ToolResult]] | None = None

    def allowed(self, authority: Authority, agent_id: str) -> bool:
        """Everybody's, or the owner's alone."""
        return authority.owner or not self.owner_only

    def use(self, arguments: Any, use: ToolUse) -> Deferred[ToolResult]:
        """Keep it, and say it back."""
        self.uses.append((arguments, use))
        if self.answer is not None:
            return self.answer()
        return succeed(ToolResult(text=arguments.text * arguments.times, title="echoed"))


@implementer(IForeignTool)
class Foreign:
    """A tool of some other program."""

    description = "Anything."
    arguments: type[Any] = dict[str, Any]
    effect: Effect = "external"
    seconds = 7.0

    def __init__(self, name: str) -> None:
        self.name = name
        self.schema = {"type": "object", "properties": {"q": {"type": "string"}}}

    def allowed(self, authority: Authority, agent_id: str) -> bool:
        """Everybody's."""
        return True

    def use(self, arguments: Any, use: ToolUse) -> Deferred[ToolResult]:
        """Say what came."""
        return succeed(ToolResult(text=repr(arguments)))


@implementer(IToolSource)
class Source:
    """Has what it is given."""

    def __init__(self, answer: Callable[[], Deferred[Sequence[ITool]]]) -> None:
        self.answer = answer

    def tools(self, agent_id: str) -> Deferred[Sequence[ITool]]:
        """What it was given."""
        return self.answer()


def use_of(authority: Authority = OWNER, agent_id: str = "main", **more: Any) -> ToolUse:
    """One use, by the owner unless said otherwise."""
    fields: dict[str, Any] = {
        "run_id": "r1",
        "session_key": "agent:main:main",
        "agent_id": agent_id,
        "call_id": "c1",
        "authority": authority,
    }
    return ToolUse(**{**fields, **more})


def box(
    clock: Clock,
    rules: LayeredRules | None = None,
    hide: Callable[[str], str] = str,
    **limits: Any,
) -> Toolbox:
    """A toolbox with nothing in it."""
    found = LayeredRules() if rules is None else rules
    return Toolbox(lambda agent_id: found, hide, clock, ToolLimits(**limits))
