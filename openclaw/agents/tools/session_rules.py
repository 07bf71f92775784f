"""What one session takes away from its agent: tools, servers, skills. It gives nothing."""

from collections.abc import Collection

from msgspec import UNSET

from openclaw.agents.tools.rules import LayeredRules, ToolRules
from openclaw.protocol.schema.sessions import SessionRow, ToolOverrides


def rules_of_session(row: SessionRow | None) -> LayeredRules | None:
    """The rules of a session; ``None`` if it has none of its own."""
    if row is None:
        return None
    allow, deny = row.inherited_tool_allow, row.inherited_tool_deny
    overrides = row.tool_overrides
    if allow is UNSET and deny is UNSET and overrides is UNSET:
        return None
    denied = () if deny is UNSET else tuple(deny)
    if overrides is not UNSET:
        denied += _switched_off(overrides)
    return LayeredRules([ToolRules(allow=None if allow is UNSET else tuple(allow), deny=denied)])


def skills_without(row: SessionRow | None) -> Collection[str]:
    """Names of skills that a session does without."""
    if row is None or row.tool_overrides is UNSET or row.tool_overrides.skills is UNSET:
        return ()
    return frozenset(name for name, used in row.tool_overrides.skills.items() if not used)


def _switched_off(overrides: ToolOverrides) -> tuple[str, ...]:
    """Tools that are not to be used, as rules name them."""
    servers = {} if overrides.mcp_servers is UNSET else overrides.mcp_servers
    tools = {} if overrides.mcp_tools_deny is UNSET else overrides.mcp_tools_deny
    found = [f"{server}__*" for server, used in servers.items() if not used]
    found += [f"{server}__{name}" for server, names in tools.items() for name in names]
    return (*found, "web_search") if overrides.web_search is False else tuple(found)
