"""Where methods and HTTP read the gateway's figures."""

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from openclaw.protocol.base import Raw, UnsetType
from openclaw.protocol.schema.system import (
    AgentHeartbeat,
    EventLoop,
    Heartbeat,
    LogsTail,
    LogsTailParams,
    Stability,
    TaskFigures,
    UsageCost,
)


class IHealth(Interface):
    """The health snapshot."""

    ok: bool = Attribute("Whether the gateway can do its work now.")

    failing: list[str] = Attribute("What keeps it from being ready: the store, accounts.")

    def text() -> Raw:
        """The snapshot as JSON text, at most a minute old."""

    def refresh() -> Raw:
        """Make a new one, and tell everybody."""


class IHeartbeats(Interface):
    """The heartbeat of the default agent."""

    last: Heartbeat | None = Attribute("How the last beat ended.")
    waiting_notes: list[str] = Attribute("What the next beat will be told.")

    def describe() -> AgentHeartbeat:
        """Whether and how often it beats."""

    def switch(enabled: bool) -> Deferred[None]:
        """Turn it on or off; fires when that is on disk."""

    def wake(text: str, now: bool) -> Deferred[None]:
        """Tell the main session something, now or with the next beat."""


class ILogs(Interface):
    """The gateway's own log."""

    def read(params: LogsTailParams) -> Deferred[LogsTail]:
        """The latest lines, or what came after a cursor."""


class IFigures(Interface):
    """What the gateway counts of itself."""

    def now_ms() -> int:
        """Unix milliseconds."""

    def uptime_ms() -> int:
        """Milliseconds since the start."""

    def resident_bytes() -> int:
        """Memory this process holds now."""

    def event_loop() -> EventLoop:
        """How late the reactor runs."""

    def runs() -> TaskFigures:
        """Runs by outcome since the start."""

    def stability(limit: int, kind: str | UnsetType) -> Stability:
        """What was noticed that is out of the ordinary."""

    def cost(days: int) -> Deferred[UsageCost]:
        """Tokens by day."""
