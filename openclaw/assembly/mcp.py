"""Makes the MCP servers of the configuration, and puts their tools into the toolbox."""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any

from twisted.application.service import Service

from openclaw.config.mcp import McpServerSettings
from openclaw.config.settings import Settings
from openclaw.interfaces.outbound import IOutboundHTTP
from openclaw.interfaces.tools import IToolbox


def make_mcp(
    settings: Settings, toolbox: IToolbox, http: IOutboundHTTP, reactor: Any
) -> Sequence[Service]:
    """Make a service for each server; none where none is configured."""
    if not settings.mcp:
        return ()
    # Loaded here, for a gateway without servers need not pay for them.
    from openclaw.agents.mcp.server import McpServer, ServerSettings
    from openclaw.agents.mcp.source import McpSource

    servers = {}
    for name, one in settings.mcp.items():
        told = ServerSettings(
            name=name,
            connect_seconds=one.connect_seconds,
            seconds=one.seconds,
            everyone=one.everyone,
        )
        servers[name] = McpServer(told, _transport(one, http, reactor), reactor, Random())
    toolbox.register_source(McpSource(servers))
    return tuple(servers.values())


def _transport(one: McpServerSettings, http: IOutboundHTTP, reactor: Any) -> Callable[[], Any]:
    if one.argv:
        from openclaw.agents.mcp.stdio import StdioTransport

        return partial(StdioTransport, one.name, one.argv, one.environment, one.directory, reactor)
    from openclaw.agents.mcp.streamable import StreamableTransport

    return partial(StreamableTransport, one.url, one.headers, http, reactor)
