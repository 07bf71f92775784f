"""The tools of all servers, under names of their own, as the toolbox wants them."""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from twisted.internet.defer import gatherResults
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.agents.mcp.server import McpServer
from openclaw.agents.mcp.wire import McpError, ToolInfo, text_of
from openclaw.deferreds import deferred
from openclaw.interfaces.tools import (
    Authority,
    Effect,
    IForeignTool,
    ITool,
    IToolSource,
    ToolFailed,
    ToolResult,
    ToolUse,
)

LONGEST_NAME = 64
LONGEST_DESCRIPTION = 4_000
_OTHERS = re.compile(r"[^A-Za-z0-9_-]+")


@implementer(IForeignTool)
class McpTool:
    """One tool of a server; felt outside, as far as anybody here can know."""

    arguments: type[Any] = dict[str, Any]
    effect: Effect = "external"

    def __init__(self, server: McpServer, info: ToolInfo) -> None:
        self.name = tool_name(server.settings.name, info.name)
        self.description = (info.description or info.title or info.name)[:LONGEST_DESCRIPTION]
        self.schema: dict[str, Any] = {"type": "object", **info.input_schema}
        self.seconds = server.settings.seconds
        self._server = server
        self._own_name = info.name

    def allowed(self, authority: Authority, agent_id: str) -> bool:
        """A server acts with the operator's credentials, so for the owner unless said otherwise."""
        return authority.owner or self._server.settings.everyone

    @deferred
    async def use(self, arguments: Any, use: ToolUse) -> ToolResult:
        """See :meth:`ITool.use`."""
        try:
            result = await self._server.call(self._own_name, arguments)
        except McpError as error:
            raise ToolFailed(f"{self._server.settings.name}: {error.message}") from None
        text = text_of(result) or "done; nothing was said"
        return ToolResult(text=text, is_error=result.is_error, title=f"used {self.name}")


@implementer(IToolSource)
class McpSource:
    """Every server's tools; one that does not answer holds nobody up for long."""

    _log = Logger()

    def __init__(self, servers: Mapping[str, McpServer]) -> None:
        self._servers = servers

    @deferred
    async def tools(self, agent_id: str) -> Sequence[ITool]:
        """See :meth:`IToolSource.tools`."""
        await gatherResults([server.ready() for server in self._servers.values()])
        found: dict[str, ITool] = {}
        for server in self._servers.values():
            for info in server.tools:
                tool = McpTool(server, info)
                found.setdefault(tool.name, tool)
        return list(found.values())


def tool_name(server: str, tool: str) -> str:
    """``server__tool``, in letters that every model takes; one too long is cut and stays unique."""
    name = f"{_OTHERS.sub('_', server)}__{_OTHERS.sub('_', tool)}"
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 9]}_{sha256(f'{server}/{tool}'.encode()).hexdigest()[:8]}"
