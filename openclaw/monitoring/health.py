"""The health snapshot: made once a minute and on change, read by everybody, told to everybody."""

from collections.abc import Callable, Sequence

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openclaw.interfaces.channels import AccountStatus
from openclaw.interfaces.conversations import IConversations
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.monitoring import IHealth
from openclaw.interfaces.storage import IStore
from openclaw.monitoring.channel_views import failing, labels_of, summaries_of
from openclaw.periodic import Periodic
from openclaw.protocol.base import UNSET, Raw, encode
from openclaw.protocol.schema.system import (
    AgentHealth,
    AgentHeartbeat,
    EventLoop,
    Health,
    QueueHealth,
    RecentSession,
    SessionFigures,
    StoreFigures,
    TlsStatus,
)

INTERVAL_SECONDS = 60.0
RECENT = 5


@frozen(kw_only=True)
class HealthSources:
    """Where the figures come from.

    :ivar changed: told before a new snapshot is published, to raise its version.
    :ivar heartbeat: the default agent's heartbeat as it is set now.
    :ivar channels: every account as it is now.
    :ivar queue: where messages wait.
    :ivar agents_down: agents whose process crashes too often, by name.
    :ivar overdue: how many accepted messages wait too long for their agents.
    :ivar tls: tells about the port's certificate; ``None`` where the port speaks no TLS.
    """

    store: IStore
    conversations: IConversations
    events: IEvents
    event_loop: Callable[[], EventLoop]
    heartbeat: Callable[[], AgentHeartbeat]
    changed: Callable[[], None]
    default_agent: str
    queue: QueueHealth
    tls: Callable[[], TlsStatus] | None = None
    channels: Callable[[], Sequence[AccountStatus]] = tuple
    agents_down: Callable[[], Sequence[str]] = tuple
    overdue: Callable[[], int] = lambda: 0


@implementer(IHealth)
class HealthKeeper(Periodic):
    """Keeps the snapshot; a request for health costs no more than handing it out."""

    name = "health"

    def __init__(
        self, sources: HealthSources, clock: IReactorTime, now_ms: Callable[[], int]
    ) -> None:
        super().__init__(self.refresh, clock, INTERVAL_SECONDS)
        self._sources = sources
        self._now_ms = now_ms
        self._text: Raw | None = None

    def text(self) -> Raw:
        """The snapshot as JSON text."""
        if self._text is None:
            self._text = Raw(encode(self._make()))
        return self._text

    def refresh(self) -> Raw:
        """Make a new snapshot and tell everybody."""
        self._text = Raw(encode(self._make()))
        self._sources.changed()
        self._sources.events.publish("health", self._text)
        return self._text

    def renew(self) -> None:
        """Make a new snapshot because something in it changed."""
        self.refresh()

    @property
    def ok(self) -> bool:
        """Whether the gateway can do its work now."""
        return self._sources.store.health().ok

    @property
    def failing(self) -> list[str]:
        """See :meth:`IHealth.failing`."""
        broken = [] if self.ok else ["store"]
        return broken + failing(self._sources.channels())

    def _make(self) -> Health:
        began = self._now_ms()
        sources = self._sources
        store = sources.store.health()
        sessions = self._sessions(began, store.path)
        heartbeat = sources.heartbeat()
        accounts = sources.channels()
        return Health(
            ok=store.ok,
            ts=began,
            duration_ms=self._now_ms() - began,
            channels=summaries_of(accounts),
            channel_order=list(labels_of(accounts)),
            channel_labels=labels_of(accounts),
            heartbeat_seconds=heartbeat.every_ms // 1000,
            default_agent_id=sources.default_agent,
            agents=[
                AgentHealth(
                    agent_id=sources.default_agent,
                    is_default=True,
                    heartbeat=heartbeat,
                    sessions=sessions,
                )
            ],
            sessions=sessions,
            event_loop=sources.event_loop(),
            store=StoreFigures(
                backend=store.backend,
                ok=store.ok,
                durable=store.backend != "memory",
                error=UNSET if store.ok else store.last_error or UNSET,
            ),
            queue=sources.queue,
            agents_down=list(sources.agents_down()) or UNSET,
            overdue_messages=sources.overdue() or UNSET,
            tls=UNSET if sources.tls is None else sources.tls(),
        )

    def _sessions(self, now: int, path: str | None) -> SessionFigures:
        conversations = self._sources.conversations
        recent = [
            RecentSession(key=row.key, updated_at=row.updated_at, age=max(0, now - row.updated_at))
            for row in conversations.recent(RECENT)
            if row.updated_at is not None
        ]
        return SessionFigures(
            count=conversations.count(), recent=recent, path=UNSET if path is None else path
        )
