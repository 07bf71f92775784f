"""The live gateway in words, for the embedded agent's commands."""

from collections.abc import Callable, Sequence

from attrs import define, field
from zope.interface import implementer

from openclaw.interfaces.conversations import IConversations
from openclaw.interfaces.monitoring import IFigures
from openclaw.interfaces.status import IGatewayView, SessionSummary
from openclaw.interfaces.storage import IStore

MANY = 10_000


@implementer(IGatewayView)
@define(kw_only=True)
class GatewayView:
    """Reads figures of the gateway, changes nothing.

    :ivar conversations: set once both are made.
    """

    version: str
    figures: IFigures
    conversations: IConversations = field(init=False)
    store: IStore
    connections: Callable[[], int]

    def status_lines(self) -> Sequence[str]:
        """See :meth:`IGatewayView.status_lines`."""
        seconds = self.figures.uptime_ms() // 1000
        defaults = self.conversations.defaults()
        store = self.store.health()
        megabytes = self.figures.resident_bytes() / 1_000_000
        return (
            f"version {self.version}, up {_duration(seconds)}",
            f"connections: {self.connections()}",
            f"sessions: {self.conversations.count()}",
            f"model: {defaults.model_provider}/{defaults.model}",
            f"store: {store.backend}, {'ok' if store.ok else store.last_error}",
            f"memory: {megabytes:.0f} MB",
        )

    def sessions(self) -> Sequence[SessionSummary]:
        """See :meth:`IGatewayView.sessions`."""
        return [
            SessionSummary(
                key=row.key,
                label=row.label or row.derived_title or "",
                updated_at_ms=row.updated_at or 0,
                messages=row.message_count or 0,
                active=row.has_active_run,
            )
            for row in self.conversations.recent(MANY)
        ]

    def node_lines(self) -> Sequence[str]:
        """See :meth:`IGatewayView.node_lines`."""
        return ()

    def cron_lines(self) -> Sequence[str]:
        """See :meth:`IGatewayView.cron_lines`."""
        return ()


def _duration(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown[:2]) or "0 s"
