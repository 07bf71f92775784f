"""Makes the toolbox and puts the gateway's own tools into it; each tool is a module of its own."""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from openclaw.agents.tools.consent import ApprovalGate
from openclaw.agents.tools.files import Edit, Ls, Read, Workspaces, Write
from openclaw.agents.tools.memory import MemoryGet, MemorySet
from openclaw.agents.tools.message import MessageTool
from openclaw.agents.tools.rules import LayeredRules, ToolRules
from openclaw.agents.tools.session_rules import rules_of_session, skills_without
from openclaw.agents.tools.session_status import SessionStatus
from openclaw.agents.tools.sessions import (
    SEND_SECONDS,
    ListSessions,
    SessionsHistory,
    SessionsSend,
)
from openclaw.agents.tools.skill import SkillTool
from openclaw.agents.tools.toolbox import Toolbox, ToolLimits
from openclaw.agents.tools.web_fetch import FetchLimits, WebFetch
from openclaw.config.schema.tools import AgentTools, ModelTools
from openclaw.config.settings import Settings
from openclaw.interfaces.approvals import IApprovals
from openclaw.interfaces.channels import IChannels
from openclaw.interfaces.conversations import IConversations
from openclaw.interfaces.outbound import IDownloads
from openclaw.interfaces.skills import ISkills
from openclaw.interfaces.tools import ToolPlace
from openclaw.protocol.schema.sessions import SessionRow


@frozen(kw_only=True)
class ToolNeeds:
    """What the tools are made of.

    :ivar canonical: the one spelling of a session key.
    :ivar channels: ``None`` where none is configured.
    :ivar hide: takes secrets out of what models are told.
    """

    settings: Settings
    conversations: IConversations
    canonical: Callable[[str], str]
    channels: IChannels | None
    downloads: IDownloads
    approvals: IApprovals
    skills: ISkills
    make_id: Callable[[], str]
    hide: Callable[[str], str]
    now_ms: Callable[[], int]
    reactor: Any


def make_toolbox(needs: ToolNeeds) -> Toolbox:
    """Make the toolbox; other parts register their own tools in it afterwards."""
    tools = needs.settings.config.tools
    limits = ToolLimits(seconds=float(tools.timeout_seconds), characters=tools.max_result_chars)
    conversations, canonical, make_id = needs.conversations, needs.canonical, needs.make_id
    rules = make_rules(needs.settings, conversations.row)
    gate = ApprovalGate(needs.approvals, rules)
    toolbox = Toolbox(rules, needs.hide, needs.reactor, limits, gate)
    toolbox.register(SessionStatus(conversations, needs.now_ms))
    toolbox.register(ListSessions(conversations, canonical))
    toolbox.register(SessionsHistory(conversations, canonical))
    send = SessionsSend(conversations, canonical, make_id, needs.reactor)
    toolbox.register(send, seconds=SEND_SECONDS)
    toolbox.register(MemoryGet(conversations))
    toolbox.register(MemorySet(conversations))
    toolbox.register(SkillTool(needs.skills, lambda key: skills_without(conversations.row(key))))
    workspaces = Workspaces(needs.settings.workspace_of, make_id, in_thread(needs.reactor))
    for tool in (Read, Write, Edit, Ls):
        toolbox.register(tool(workspaces))
    if needs.channels is not None:
        toolbox.register(MessageTool(needs.channels, make_id, needs.reactor))
    if tools.web.fetch.enabled:
        toolbox.register(_web_fetch(needs), seconds=tools.web.fetch.timeout_seconds + 5.0)
    return toolbox


def _web_fetch(needs: ToolNeeds) -> WebFetch:
    fetch = needs.settings.config.tools.web.fetch
    limits = FetchLimits(
        max_bytes=fetch.max_response_bytes,
        max_chars=fetch.max_chars,
        seconds=float(fetch.timeout_seconds),
        user_agent=fetch.user_agent or "",
    )
    return WebFetch(needs.downloads, needs.make_id, in_thread(needs.reactor), limits)


def in_thread(reactor: Any) -> Callable[..., Deferred[Any]]:
    """Runs functions that block in the reactor's own threads."""
    return lambda work, *arguments: deferToThreadPool(
        reactor, reactor.getThreadPool(), work, *arguments
    )


def make_rules(
    settings: Settings, row_of: Callable[[str], SessionRow | None]
) -> Callable[[ToolPlace], LayeredRules]:
    """What the configuration says of each agent's and model's tools, and a session of its own."""
    config = settings.config
    general = (config.tools, config.agents.defaults.tools)
    known = {agent.id: _AgentRules((*general, agent.tools)) for agent in config.agents.known}
    fallback = _AgentRules(general)

    def rules_at(place: ToolPlace) -> LayeredRules:
        rules = known.get(place.agent_id, fallback)
        of_session = rules_of_session(row_of(place.session_key)) if place.session_key else None
        besides = [*rules.of_model(place.model), *([of_session] if of_session is not None else [])]
        return rules.general.with_besides(*besides)

    return rules_at


class _AgentRules:
    """The rules of one agent, made once for all of its runs.

    :ivar general: what holds whichever model answers.
    """

    def __init__(self, layers: Sequence[AgentTools]) -> None:
        self.general = LayeredRules([_layer(one) for one in layers])
        self._by_provider: dict[str, list[LayeredRules]] = {}
        for one in layers:
            for name, tools in one.by_provider.items():
                self._by_provider.setdefault(name, []).append(LayeredRules([_layer(tools)]))

    def of_model(self, model: str) -> list[LayeredRules]:
        """The rules of ``byProvider`` that name a model or its provider."""
        if not self._by_provider:
            return []
        provider = model.partition("/")[0]
        return self._by_provider.get(provider, []) + self._by_provider.get(model, [])


def _layer(tools: AgentTools | ModelTools) -> ToolRules:
    return ToolRules(
        profile=tools.profile or "",
        allow=tools.allow,
        also_allow=tools.also_allow,
        deny=tools.deny,
        approval=tools.approval,
    )
