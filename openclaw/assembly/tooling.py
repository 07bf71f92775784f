"""What agents work with: tools, skills, and the desk where people approve; made together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import frozen

from openclaw.agents.skills.shelf import SkillShelf
from openclaw.agents.tools.toolbox import Toolbox
from openclaw.assembly.skills import make_skills
from openclaw.assembly.tools import ToolNeeds, in_thread, make_toolbox
from openclaw.config.settings import Settings
from openclaw.gateway.methods.approvals import ApprovalNews
from openclaw.http.download import Downloads
from openclaw.interfaces.audit import IAudit
from openclaw.interfaces.conversations import IConversations
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.outbound import IOutboundHTTP
from openclaw.interfaces.storage import IStore
from openclaw.security.exec.binding import command_line
from openclaw.security.exec.desk import ApprovalDesk

if TYPE_CHECKING:
    from openclaw.assembly.channels import ChannelParts


@frozen(kw_only=True)
class Tooling:
    """What agents work with."""

    toolbox: Toolbox
    skills: SkillShelf
    approvals: ApprovalDesk


@frozen(kw_only=True)
class ToolingNeeds:
    """What it is made of.

    :ivar canonical: the one spelling of a session key.
    :ivar hide: takes secrets out of what models are told.
    """

    settings: Settings
    store: IStore
    audit: IAudit
    events: IEvents
    conversations: IConversations
    canonical: Callable[[str], str]
    channels: ChannelParts | None
    http: IOutboundHTTP
    make_id: Callable[[], str]
    hide: Callable[[str], str]
    now_ms: Callable[[], int]
    reactor: Any


def make_tooling(needs: ToolingNeeds) -> Tooling:
    """Make it; nothing is started or read."""
    settings, reactor, make_id, now_ms = needs.settings, needs.reactor, needs.make_id, needs.now_ms
    skills = make_skills(settings, settings.workspace_of, in_thread(reactor), reactor)
    approvals = ApprovalDesk(needs.store, needs.audit, reactor, now_ms, make_id)
    approvals.tell(ApprovalNews(needs.events, command_line, now_ms))
    toolbox = make_toolbox(
        ToolNeeds(
            settings=settings,
            conversations=needs.conversations,
            canonical=needs.canonical,
            channels=None if needs.channels is None else needs.channels.channels,
            downloads=Downloads(needs.http, reactor),
            approvals=approvals,
            skills=skills,
            make_id=make_id,
            hide=needs.hide,
            now_ms=now_ms,
            reactor=reactor,
        )
    )
    return Tooling(toolbox=toolbox, skills=skills, approvals=approvals)
