"""Tools of the asking program: what is offered to the model, and what it has to use."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta

from openclaw.http.openai.errors import Refused
from openclaw.http.openai.shape import Shape
from openclaw.interfaces.tools import ToolSpec

MOST = 128

Name = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
Choice = Literal["none", "auto", "required"]


class Function(Shape, frozen=True, kw_only=True):
    """One tool.

    :ivar parameters: JSON Schema of its arguments.
    """

    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


def offered(
    functions: Sequence[Function], choice: Choice | str | None
) -> tuple[tuple[ToolSpec, ...], str]:
    """What a run is told of them.

    :param choice: one of the words, or ``only <name>``.
    :return: the tools, and the run's ``tool_choice``.
    :raises Refused: two of one name, or a choice that cannot be kept.
    """
    names = {function.name for function in functions}
    if len(names) < len(functions):
        raise Refused("two tools have the same name", param="tools")
    if choice == "none":
        return (), ""
    specs = tuple(
        ToolSpec(
            name=one.name,
            description=one.description or "",
            parameters=one.parameters or {"type": "object", "properties": {}},
        )
        for one in functions
    )
    if choice in (None, "auto"):
        return specs, ""
    if choice == "required" and specs:
        return specs, "required"
    wanted = (choice or "").removeprefix("only ")
    if wanted not in names:
        raise Refused("tool_choice asks for a tool that is not in tools", param="tool_choice")
    return tuple(one for one in specs if one.name == wanted), f"only {wanted}"
