"""Makes the toolbox and puts the gateway's own tools into it; each tool is a module of its own."""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from openclaw.agents.tools.rules import LayeredRules, ToolRules
from openclaw.agents.tools.session_status import SessionStatus
from openclaw.agents.tools.toolbox import Toolbox, ToolLimits
from openclaw.config.schema.tools import AgentTools
from openclaw.config.settings import Settings
from openclaw.interfaces.conversations import IConversations


@frozen(kw_only=True)
class ToolNeeds:
    """What the tools are made of.

    :ivar hide: takes secrets out of what models are told.
    """

    settings: Settings
    conversations: IConversations
    hide: Callable[[str], str]
    now_ms: Callable[[], int]
    reactor: Any


def make_toolbox(needs: ToolNeeds) -> Toolbox:
    """Make the toolbox; other parts register their own tools in it afterwards."""
    tools = needs.settings.config.tools
    limits = ToolLimits(seconds=float(tools.timeout_seconds), characters=tools.max_result_chars)
    toolbox = Toolbox(make_rules(needs.settings), needs.hide, needs.reactor, limits)
    toolbox.register(SessionStatus(needs.conversations, needs.now_ms))
    return toolbox


def make_rules(settings: Settings) -> Callable[[str], LayeredRules]:
    """What the configuration says of each agent's tools."""
    config = settings.config
    general = (_layer(config.tools), _layer(config.agents.defaults.tools))
    known = {
        agent.id: LayeredRules((*general, _layer(agent.tools))) for agent in config.agents.known
    }
    fallback = LayeredRules(general)
    return lambda agent_id: known.get(agent_id, fallback)


def _layer(tools: AgentTools) -> ToolRules:
    return ToolRules(
        profile=tools.profile or "",
        allow=tools.allow,
        also_allow=tools.also_allow,
        deny=tools.deny,
    )
