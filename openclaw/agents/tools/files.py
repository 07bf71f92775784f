"""The tools ``read``, ``write``, ``edit`` and ``ls``: files of the agent's workspace, no others."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, ParamSpec, TypeVar

from msgspec import Meta
from twisted.internet.defer import Deferred, DeferredLock
from zope.interface import implementer

from openclaw.agents.tools.schemas import Arguments
from openclaw.agents.tools.visibility import is_private
from openclaw.agents.tools.workspace import Workspace
from openclaw.deferreds import deferred
from openclaw.interfaces.tools import Authority, Effect, ITool, ToolFailed, ToolResult, ToolUse

P = ParamSpec("P")
T = TypeVar("T")
PathName = Annotated[str, Meta(description="Path in the workspace, relative to it.", min_length=1)]
LINES = 2_000


class ReadArguments(Arguments, frozen=True, kw_only=True):
    """What ``read`` takes."""

    path: PathName
    offset: Annotated[int, Meta(description="First line, from 1.", ge=1)] = 1
    limit: Annotated[int, Meta(description="Most lines.", ge=1, le=LINES)] = LINES


class WriteArguments(Arguments, frozen=True, kw_only=True):
    """What ``write`` takes."""

    path: PathName
    content: Annotated[str, Meta(description="All of the file.")]


class EditArguments(Arguments, frozen=True, kw_only=True):
    """What ``edit`` takes."""

    path: PathName
    old_text: Annotated[str, Meta(description="What stands there, to the letter.", min_length=1)]
    new_text: Annotated[str, Meta(description="What shall stand there.")]
    all: Annotated[bool, Meta(description="Every place; else there must be exactly one.")] = False


class ListArguments(Arguments, frozen=True, kw_only=True):
    """What ``ls`` takes."""

    path: Annotated[str, Meta(description="A directory of the workspace; empty for all of it.")] = (
        ""
    )


class Workspaces:
    """The workspace of every agent, one change at a time each; work is done in threads.

    :param root_of: the directory of an agent's workspace.
    :param in_thread: runs a function that blocks.
    """

    def __init__(
        self,
        root_of: Callable[[str], Any],
        make_id: Callable[[], str],
        in_thread: Callable[..., Deferred[Any]],
    ) -> None:
        self._root_of = root_of
        self._make_id = make_id
        self._in_thread = in_thread
        self._known: dict[str, tuple[Workspace, DeferredLock]] = {}

    def of(self, agent_id: str) -> Workspace:
        """One agent's."""
        return self._found(agent_id)[0]

    def look(self, work: Callable[[Workspace], T], agent_id: str) -> Deferred[T]:
        """Do something in a thread that changes nothing."""
        return self._in_thread(work, self.of(agent_id))

    def change(self, work: Callable[[Workspace], T], agent_id: str) -> Deferred[T]:
        """Do something in a thread while nobody else changes the workspace."""
        workspace, lock = self._found(agent_id)
        return lock.run(self._in_thread, work, workspace)

    def _found(self, agent_id: str) -> tuple[Workspace, DeferredLock]:
        if agent_id not in self._known:
            workspace = Workspace(self._root_of(agent_id), self._make_id)
            self._known[agent_id] = (workspace, DeferredLock())
        return self._known[agent_id]


class _FileTool:
    """What the four have in common: they are the owner's, for a workspace is their memory."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    def allowed(self, authority: Authority, agent_id: str) -> bool:
        """See :func:`is_private`."""
        return is_private(authority)


@implementer(ITool)
class Read(_FileTool):
    """Reads a text file."""

    name = "read"
    description = "Reads a text file of your workspace, with line numbers to page through it."
    arguments = ReadArguments
    effect: Effect = "none"

    @deferred
    async def use(self, arguments: Any, use: ToolUse) -> ToolResult:
        """See :meth:`ITool.use`."""
        path = arguments.path
        content = await self._workspaces.look(lambda one: one.read(path), use.agent_id)
        lines = _text(content, path).split("\n")
        first = arguments.offset - 1
        shown = lines[first : first + arguments.limit]
        if not shown:
            raise ToolFailed(
                f"{path!r} has {len(lines)} lines: there is no line {arguments.offset}"
            )
        left = len(lines) - first - len(shown)
        more = (
            f"\n[{left} more lines: read on with offset {first + len(shown) + 1}]" if left else ""
        )
        return ToolResult(text="\n".join(shown) + more, title=f"read {path}")


@implementer(ITool)
class Write(_FileTool):
    """Writes a file."""

    name = "write"
    description = "Writes a text file of your workspace, all of it; missing directories are made."
    arguments = WriteArguments
    effect: Effect = "internal"

    @deferred
    async def use(self, arguments: Any, use: ToolUse) -> ToolResult:
        """See :meth:`ITool.use`."""
        content = arguments.content.encode("utf-8", "replace")
        new = await self._workspaces.change(
            lambda one: one.write(arguments.path, content), use.agent_id
        )
        what = "made" if new else "replaced"
        return ToolResult(
            text=f"{what} {arguments.path}, {len(content)} bytes", title=f"wrote {arguments.path}"
        )


@implementer(ITool)
class Edit(_FileTool):
    """Changes a part of a file."""

    name = "edit"
    description = "Replaces a piece of a text file of your workspace by another."
    arguments = EditArguments
    effect: Effect = "internal"

    @deferred
    async def use(self, arguments: Any, use: ToolUse) -> ToolResult:
        """See :meth:`ITool.use`."""
        places = await self._workspaces.change(partial(_edit, arguments), use.agent_id)
        return ToolResult(
            text=f"changed {places} place{'s' if places > 1 else ''} of {arguments.path}",
            title=f"edited {arguments.path}",
        )


@implementer(ITool)
class Ls(_FileTool):
    """Lists a directory."""

    name = "ls"
    description = "Lists the files and directories of your workspace."
    arguments = ListArguments
    effect: Effect = "none"

    @deferred
    async def use(self, arguments: Any, use: ToolUse) -> ToolResult:
        """See :meth:`ITool.use`."""
        path = arguments.path
        found = await self._workspaces.look(lambda one: one.entries(path), use.agent_id)
        lines = [
            f"{one.name}/" if one.kind == "directory" else f"{one.name}  {one.size} bytes"
            for one in found
        ]
        return ToolResult(
            text="\n".join(lines) or "empty", title=f"listed {path or 'the workspace'}"
        )


def _edit(arguments: EditArguments, workspace: Workspace) -> int:
    """Change a file; how many places it were."""
    text = _text(workspace.read(arguments.path), arguments.path)
    places = text.count(arguments.old_text)
    if not places:
        raise ToolFailed(f"oldText is not in {arguments.path!r}: read it, and copy to the letter")
    if places > 1 and not arguments.all:
        raise ToolFailed(
            f"oldText is {places} times in {arguments.path!r}: give more of what is around it, or "
            "set all"
        )
    text = text.replace(arguments.old_text, arguments.new_text)
    workspace.write(arguments.path, text.encode("utf-8", "replace"))
    return places


def _text(content: bytes, path: str) -> str:
    if b"\0" in content[:8192]:
        raise ToolFailed(f"{path!r} is no text: {len(content)} bytes of something else")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ToolFailed(f"{path!r} is no UTF-8 text: {len(content)} bytes") from None
