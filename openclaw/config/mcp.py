"""MCP servers with their secrets looked up; starts none of them."""

import re
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from openclaw.config.references import resolve
from openclaw.config.schema.mcp import Mcp, McpServer
from openclaw.errors import ConfigError

INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME")
"""What a program sees of our own environment: nothing that could hold a secret."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


@frozen(kw_only=True)
class McpServerSettings:
    """One server that is used: ``argv`` or ``url``.

    :ivar environment: all that a program sees.
    """

    name: str
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(factory=dict, repr=False)
    directory: str | None = None
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    everyone: bool = False
    seconds: float = 60.0
    connect_seconds: float = 30.0
    secrets: tuple[str, ...] = field(default=(), repr=False)


def mcp_servers(
    mcp: Mcp, known: Mapping[str, str], home: Path
) -> tuple[Mapping[str, McpServerSettings], tuple[str, ...]]:
    """Every enabled server, by name, and warnings about those that are left out.

    :param known: the environment, ``env.vars`` of the file included.
    :raises ConfigError: one is written in a way that cannot be meant.
    """
    ready, warnings = {}, []
    for name, server in mcp.servers.items():
        path = f"mcp.servers.{name}"
        _check(name, server, path)
        if not server.enabled:
            continue
        try:
            ready[name] = _ready(name, server, known, home)
        except ConfigError as error:
            warnings.append(f"{error}; the server is left out")
    return ready, tuple(warnings)


def _check(name: str, server: McpServer, path: str) -> None:
    if not _NAME.fullmatch(name) or "__" in name:
        raise ConfigError("expected a name of letters, digits, _ and -, without __ in it", path)
    if bool(server.command) == bool(server.url):
        raise ConfigError("expected either a command or a url", path)
    if server.url and not server.url.startswith(("https://", "http://")):
        raise ConfigError("expected https:// or http://", f"{path}.url")
    if server.transport is not None and (server.transport == "stdio") is not bool(server.command):
        raise ConfigError(f'"{server.transport}" does not go with what is set', f"{path}.transport")


def _ready(name: str, server: McpServer, known: Mapping[str, str], home: Path) -> McpServerSettings:
    path = f"mcp.servers.{name}"
    own = {key: resolve(one, known, f"{path}.env.{key}") or "" for key, one in server.env.items()}
    headers = {
        key: resolve(one, known, f"{path}.headers.{key}") or ""
        for key, one in server.headers.items()
    }
    inherited = {key: known[key] for key in INHERITED if key in known}
    directory = server.cwd
    if directory is not None and directory.startswith("~/"):
        directory = str(home / directory[2:])
    return McpServerSettings(
        name=name,
        argv=(server.command, *server.args) if server.command else (),
        environment={**inherited, **own},
        directory=directory,
        url=server.url or "",
        headers=headers,
        everyone=server.everyone,
        seconds=float(server.timeout_seconds),
        connect_seconds=float(server.connect_timeout_seconds),
        secrets=(*own.values(), *headers.values()),
    )
