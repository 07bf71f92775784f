"""The gateway about itself: health, status, presence, heartbeats, logs, figures."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from openclaw.protocol.base import UNSET, UnsetType, Wire
from openclaw.protocol.connect import StateVersion
from openclaw.protocol.schema.channels import ChannelSummary
from openclaw.protocol.schema.common import Count, Text


class HealthParams(Wire, frozen=True, kw_only=True):
    """Params of ``health``; ``probe`` refreshes the figures first."""

    probe: bool = False


class AgentHeartbeat(Wire, frozen=True, kw_only=True):
    """The heartbeat of one agent; ``every`` in the form ``30m``."""

    enabled: bool
    every: str
    every_ms: int


class RecentSession(Wire, frozen=True, kw_only=True):
    """One of the latest sessions; ``age`` and ``updated_at`` in milliseconds."""

    key: str
    updated_at: int
    age: int


class SessionFigures(Wire, frozen=True, kw_only=True):
    """How many sessions there are, and the latest of them."""

    count: int
    recent: list[RecentSession]
    path: str | UnsetType = UNSET


class AgentHealth(Wire, frozen=True, kw_only=True):
    """One agent's line in ``health``."""

    agent_id: str
    is_default: bool
    heartbeat: AgentHeartbeat
    sessions: SessionFigures


class EventLoop(Wire, frozen=True, kw_only=True):
    """How late the reactor runs; milliseconds over the last minute.

    :ivar utilization: share of the last second in which the reactor's thread was at work, 0 to 1.
    :ivar cpu_core_ratio: CPU time of the whole process in the last second, in cores.
    """

    degraded: bool
    reasons: list[str]
    interval_ms: float
    delay_p99_ms: float
    delay_max_ms: float
    utilization: float
    cpu_core_ratio: float


class StoreFigures(Wire, frozen=True, kw_only=True):
    """The journal: where it is kept and whether it takes writes."""

    backend: str
    ok: bool
    durable: bool
    error: str | UnsetType = UNSET


class QueueHealth(Wire, frozen=True, kw_only=True):
    """Where messages wait.

    :ivar durable: false where a stop of the process loses them.
    """

    backend: str
    durable: bool


class Health(Wire, frozen=True, kw_only=True):
    """Result of ``health`` and payload of the event ``health``; a snapshot, at most 60 s old.

    :ivar agents_down: agents whose process crashes too often; absent if there are none.
    :ivar overdue_messages: how many messages of chat platforms wait too long for their agents;
        absent if none does.
    """

    ok: bool
    ts: int
    duration_ms: int
    channels: dict[str, ChannelSummary]
    channel_order: list[str]
    channel_labels: dict[str, str]
    heartbeat_seconds: int
    default_agent_id: str
    agents: list[AgentHealth]
    sessions: SessionFigures
    event_loop: EventLoop
    store: StoreFigures
    queue: QueueHealth
    tls: "TlsStatus | UnsetType" = UNSET
    agents_down: list[str] | UnsetType = UNSET
    overdue_messages: int | UnsetType = UNSET


class StatusParams(Wire, frozen=True, kw_only=True):
    """Params of ``status``."""

    include_channel_summary: bool = True


class HeartbeatAgents(Wire, frozen=True, kw_only=True):
    """Whose heartbeat beats how often."""

    default_agent_id: str
    agents: list["HeartbeatAgent"]


class HeartbeatAgent(Wire, frozen=True, kw_only=True):
    """One agent's heartbeat in ``status``."""

    agent_id: str
    enabled: bool
    every: str
    every_ms: int


class StatusSession(Wire, frozen=True, kw_only=True):
    """A session as ``status`` prints it."""

    key: str
    kind: str
    session_id: str
    updated_at: int
    age: int
    agent_id: str
    model: str
    total_tokens: int
    context_tokens: int


class StatusDefaults(Wire, frozen=True, kw_only=True):
    """Which model a session uses that asks for none."""

    model: str | None
    context_tokens: int | None


class AgentSessions(Wire, frozen=True, kw_only=True):
    """Sessions of one agent."""

    agent_id: str
    count: int
    recent: list[StatusSession]
    path: str = ""


class StatusSessions(Wire, frozen=True, kw_only=True):
    """Sessions as ``status`` prints them."""

    paths: list[str]
    count: int
    defaults: StatusDefaults
    recent: list[StatusSession]
    by_agent: list[AgentSessions]


class TaskFigures(Wire, frozen=True, kw_only=True):
    """Runs by outcome since the start of this process."""

    total: int
    active: int
    terminal: int
    failures: int
    by_status: dict[str, int]
    by_runtime: dict[str, int]


class ProcessMemory(Wire, frozen=True, kw_only=True):
    """Memory of this process in bytes."""

    rss_bytes: int


class NextCertificate(Wire, frozen=True, kw_only=True):
    """The certificate that comes into use next; times in Unix milliseconds."""

    fingerprint: str
    key_pin: str
    starts_at: int


class TlsStatus(Wire, frozen=True, kw_only=True):
    """The certificate of the gateway's port.

    :ivar fingerprint: SHA-256 of the certificate, ``AB:CD:...``.
    :ivar key_pin: SHA-256 of its public key, ``sha256/...``.
    :ivar expires_at: Unix milliseconds.
    :ivar next: present while the next one is public but not yet in use.
    """

    fingerprint: str
    key_pin: str
    expires_at: int
    self_signed: bool
    next: NextCertificate | UnsetType = UNSET


class Status(Wire, frozen=True, kw_only=True):
    """Result of ``status``."""

    runtime_version: str
    pid: int
    uptime_ms: int
    config_hash: str
    heartbeat: HeartbeatAgents
    channel_summary: list[str]
    queued_system_events: list[str]
    tasks: TaskFigures
    sessions: StatusSessions
    event_loop: EventLoop
    process_memory: ProcessMemory
    connections: int
    tls: TlsStatus | UnsetType = UNSET


class PresenceEntry(Wire, frozen=True, kw_only=True):
    """One connected or recently seen party; the gateway is the first."""

    ts: int
    host: str | UnsetType = UNSET
    ip: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    platform: str | UnsetType = UNSET
    device_family: str | UnsetType = UNSET
    mode: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    device_id: str | UnsetType = UNSET
    instance_id: str | UnsetType = UNSET
    client_id: str | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    scopes: list[str] | UnsetType = UNSET
    online_since: int | UnsetType = UNSET
    last_input_seconds: int | UnsetType = UNSET


class PresenceEvent(Wire, frozen=True, kw_only=True):
    """Payload of ``presence``: the full list."""

    presence: list[PresenceEntry]


class SystemEventParams(Wire, frozen=True, kw_only=True):
    """Params of ``system-event``: a note for everybody's presence list."""

    text: Annotated[str, Meta(min_length=1, max_length=4096)]
    device_id: str | UnsetType = UNSET
    instance_id: str | UnsetType = UNSET
    host: str | UnsetType = UNSET
    ip: str | UnsetType = UNSET
    mode: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    platform: str | UnsetType = UNSET
    device_family: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    last_input_seconds: int | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET


class Heartbeat(Wire, frozen=True, kw_only=True):
    """The last heartbeat run; also the payload of the event ``heartbeat``.

    :ivar status: ``ok``, ``error`` or ``skipped``.
    """

    ts: int
    status: str
    duration_ms: int
    preview: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class SetHeartbeatsParams(Wire, frozen=True, kw_only=True):
    """Params of ``set-heartbeats``."""

    enabled: bool


class SetHeartbeatsResult(Wire, frozen=True, kw_only=True):
    """Result of ``set-heartbeats``; the switch survives a restart."""

    ok: bool
    enabled: bool


class WakeParams(Wire, frozen=True, kw_only=True):
    """Params of ``wake``: queue a note for the main session, and beat now or at the next beat."""

    mode: Literal["now", "next-heartbeat"]
    text: Text


class LogsTailParams(Wire, frozen=True, kw_only=True):
    """Params of ``logs.tail``; ``cursor`` is a byte offset of an earlier answer."""

    cursor: Count | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=5000)] = 500
    max_bytes: Annotated[int, Meta(ge=1, le=1_000_000)] = 250_000


class LogsTail(Wire, frozen=True, kw_only=True):
    """Result of ``logs.tail``; ``reset`` when the cursor no longer fits the file."""

    file: str
    cursor: int
    size: int
    lines: list[str]
    truncated: bool
    reset: bool


class StabilityParams(Wire, frozen=True, kw_only=True):
    """Params of ``diagnostics.stability``."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    type: str | UnsetType = UNSET


class StabilityEvent(Wire, frozen=True, kw_only=True):
    """Something out of the ordinary that the gateway noticed of itself."""

    seq: int
    ts: int
    type: str
    detail: str


class StabilitySummary(Wire, frozen=True, kw_only=True):
    """How often each kind was noticed since the start."""

    by_type: dict[str, int]


class Stability(Wire, frozen=True, kw_only=True):
    """Result of ``diagnostics.stability``."""

    generated_at: str
    capacity: int
    count: int
    dropped: int
    events: list[StabilityEvent]
    summary: StabilitySummary


class UsageCostParams(Wire, frozen=True, kw_only=True):
    """Params of ``usage.cost``."""

    days: Annotated[int, Meta(ge=1, le=366)] = 30


class CostTotals(Wire, frozen=True, kw_only=True):
    """Tokens and, where prices are known, dollars."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    total_tokens: int = 0
    total_cost: float = 0.0
    input_cost: float = 0.0
    output_cost: float = 0.0
    cache_read_cost: float = 0.0
    cache_write_cost: float = 0.0
    missing_cost_entries: int = 0


class DailyCost(CostTotals, frozen=True, kw_only=True):
    """One day, UTC, ``YYYY-MM-DD``."""

    date: str


class UsageCost(Wire, frozen=True, kw_only=True):
    """Result of ``usage.cost``, from the runs that were recorded."""

    updated_at: int
    days: int
    daily: list[DailyCost]
    totals: CostTotals


class TickEvent(Wire, frozen=True, kw_only=True):
    """Payload of ``tick``; Unix milliseconds."""

    ts: int


class ShutdownEvent(Wire, frozen=True, kw_only=True):
    """Payload of ``shutdown``."""

    reason: str
    restart_expected_ms: int | UnsetType = UNSET


class DashboardLink(Wire, frozen=True, kw_only=True):
    """Result of ``dashboard.link``: a one-time sign-in for the web chat."""

    url: str
    code: str
    expires_at_ms: int


class Snapshot(Wire, frozen=True, kw_only=True):
    """The state a client starts from; equals what ``health`` and ``system-presence`` say."""

    presence: list[PresenceEntry]
    health: Any
    state_version: StateVersion
    uptime_ms: int
    session_defaults: Any
    auth_mode: str | UnsetType = UNSET
    applied_config_hash: str | UnsetType = UNSET


class TokenRotated(Wire, frozen=True, kw_only=True):
    """Result of ``gateway.token.rotate``; the token itself is not in it.

    :ivar path: the file that holds the new token, on the gateway's machine.
    """

    path: str
    rotated_at_ms: int
