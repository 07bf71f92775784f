"""The ``mcp`` section: programs and addresses that have tools for agents; keys only."""

from typing import Annotated, Any, Literal

from msgspec import field

from openclaw.config.schema.fields import Secret, Section, at_least, later, now


class McpServer(Section, frozen=True, kw_only=True):
    """One server: a program (``command``) or an address (``url``)."""

    command: Annotated[str | None, now("The program; no shell reads it.")] = None
    args: Annotated[tuple[str, ...], now("Its arguments.")] = ()
    env: Annotated[
        dict[str, Secret], now("Variables for it, besides ``PATH``, ``HOME`` and the language.")
    ] = field(default_factory=dict)
    cwd: Annotated[str | None, now("The directory it works in.")] = None
    url: Annotated[str | None, now("Address of a server that speaks streamable HTTP.")] = None
    headers: Annotated[dict[str, Secret], now("Headers of every request to it.")] = field(
        default_factory=dict
    )
    transport: Annotated[
        Literal["stdio", "streamable-http", "http"] | None,
        now("How it is spoken to; it follows from ``command`` and ``url``."),
    ] = None
    enabled: Annotated[bool, now("Whether it is used.")] = True
    everyone: Annotated[bool, now("Whether runs that are not the owner's may use its tools.")] = (
        False
    )
    timeout_seconds: Annotated[int, at_least(1, "How long one use of a tool may take.")] = 60
    connect_timeout_seconds: Annotated[int, at_least(1, "How long a start may take.")] = 30
    connection_timeout_ms: Annotated[Any, later("Use ``connectTimeoutSeconds``.")] = None


class Mcp(Section, frozen=True, kw_only=True):
    """Servers of tools."""

    servers: Annotated[dict[str, McpServer], now("The servers by name.")] = field(
        default_factory=dict
    )
    session_idle_ttl_ms: Annotated[Any, later("Servers run as long as the gateway.")] = None
