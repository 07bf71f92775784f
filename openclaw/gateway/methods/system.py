"""The gateway about itself."""

from collections.abc import Callable, Mapping

from attrs import frozen
from twisted.internet.defer import Deferred

from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.gateway.presence import Presence
from openclaw.interfaces.conversations import IConversations
from openclaw.interfaces.monitoring import IFigures, IHealth, IHeartbeats, ILogs
from openclaw.protocol.base import UNSET, Raw, encode
from openclaw.protocol.schema.common import NoParams, Ok
from openclaw.protocol.schema.sessions import SessionRow
from openclaw.protocol.schema.system import (
    AgentSessions,
    DashboardLink,
    HealthParams,
    HeartbeatAgent,
    HeartbeatAgents,
    LogsTail,
    LogsTailParams,
    ProcessMemory,
    SetHeartbeatsParams,
    SetHeartbeatsResult,
    Stability,
    StabilityParams,
    Status,
    StatusDefaults,
    StatusParams,
    StatusSession,
    StatusSessions,
    SystemEventParams,
    TlsStatus,
    UsageCost,
    UsageCostParams,
    WakeParams,
)

RECENT = 10


@frozen(kw_only=True)
class SystemMethods:
    """Health, status, presence, heartbeats, logs and figures.

    :ivar sign_in: makes a fresh link to the web chat.
    :ivar tls: tells about the port's certificate; ``None`` where the port speaks no TLS.
    """

    version: str
    pid: int
    config_hash: str
    default_agent: str
    health: IHealth
    heartbeats: IHeartbeats
    figures: IFigures
    logs: ILogs
    presence: Presence
    broadcaster: Broadcaster
    conversations: IConversations
    sign_in: Callable[[], DashboardLink]
    tls: Callable[[], TlsStatus] | None = None

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            "health": self._health,
            "status": self._status,
            "system-presence": self._presence,
            "system-event": self._system_event,
            "last-heartbeat": self._last_heartbeat,
            "set-heartbeats": self._set_heartbeats,
            "wake": self._wake,
            "logs.tail": self._logs_tail,
            "diagnostics.stability": self._stability,
            "usage.cost": self._usage_cost,
            "dashboard.link": self._dashboard_link,
        }

    def _health(self, client: Client, params: HealthParams) -> Raw:
        return self.health.refresh() if params.probe else self.health.text()

    def _presence(self, client: Client, params: NoParams) -> Raw:
        return self.presence.text()

    def _system_event(self, client: Client, params: SystemEventParams) -> Ok:
        self.presence.note(params)
        return Ok()

    def _last_heartbeat(self, client: Client, params: NoParams) -> Raw:
        return Raw(encode(self.heartbeats.last))

    async def _set_heartbeats(
        self, client: Client, params: SetHeartbeatsParams
    ) -> SetHeartbeatsResult:
        await self.heartbeats.switch(params.enabled)
        self.health.refresh()
        return SetHeartbeatsResult(ok=True, enabled=params.enabled)

    async def _wake(self, client: Client, params: WakeParams) -> Ok:
        await self.heartbeats.wake(params.text, params.mode == "now")
        return Ok()

    def _logs_tail(self, client: Client, params: LogsTailParams) -> Deferred[LogsTail]:
        return self.logs.read(params)

    def _stability(self, client: Client, params: StabilityParams) -> Stability:
        return self.figures.stability(params.limit, params.type)

    def _usage_cost(self, client: Client, params: UsageCostParams) -> Deferred[UsageCost]:
        return self.figures.cost(params.days)

    def _dashboard_link(self, client: Client, params: NoParams) -> DashboardLink:
        return self.sign_in()

    def _status(self, client: Client, params: StatusParams) -> Status:
        heartbeat = self.heartbeats.describe()
        return Status(
            runtime_version=self.version,
            pid=self.pid,
            uptime_ms=self.figures.uptime_ms(),
            config_hash=self.config_hash,
            heartbeat=HeartbeatAgents(
                default_agent_id=self.default_agent,
                agents=[
                    HeartbeatAgent(
                        agent_id=self.default_agent,
                        enabled=heartbeat.enabled,
                        every=heartbeat.every,
                        every_ms=heartbeat.every_ms,
                    )
                ],
            ),
            channel_summary=[],
            queued_system_events=self.heartbeats.waiting_notes,
            tasks=self.figures.runs(),
            sessions=self._sessions(),
            event_loop=self.figures.event_loop(),
            process_memory=ProcessMemory(rss_bytes=self.figures.resident_bytes()),
            connections=len(self.broadcaster),
            tls=UNSET if self.tls is None else self.tls(),
        )

    def _sessions(self) -> StatusSessions:
        now = self.figures.now_ms()
        recent = [_status_session(row, now) for row in self.conversations.recent(RECENT)]
        defaults = self.conversations.defaults()
        count = self.conversations.count()
        return StatusSessions(
            paths=[],
            count=count,
            defaults=StatusDefaults(
                model=defaults.model or None, context_tokens=defaults.context_tokens or None
            ),
            recent=recent,
            by_agent=[AgentSessions(agent_id=self.default_agent, count=count, recent=recent)],
        )


def _status_session(row: SessionRow, now: int) -> StatusSession:
    updated_at = row.updated_at or now
    return StatusSession(
        key=row.key,
        kind=row.kind,
        session_id=row.session_id or "",
        updated_at=updated_at,
        age=max(0, now - updated_at),
        agent_id=row.agent_id,
        model=row.model,
        total_tokens=0 if row.total_tokens is UNSET else row.total_tokens,
        context_tokens=row.context_tokens,
    )
