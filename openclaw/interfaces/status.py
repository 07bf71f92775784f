"""What the embedded agent may ask the live gateway: a read-only view of everything."""

from collections.abc import Sequence

from attrs import frozen
from zope.interface import Interface


@frozen
class SessionSummary:
    """One row of the session list.

    :ivar updated_at_ms: Unix milliseconds of the last change.
    """

    key: str
    label: str
    updated_at_ms: int
    messages: int
    active: bool


class IGatewayView(Interface):
    """Figures of the running gateway, for people."""

    def status_lines() -> Sequence[str]:
        """Version, uptime, connections, model, store: one short line each."""

    def sessions() -> Sequence[SessionSummary]:
        """Every session, the latest first."""

    def node_lines() -> Sequence[str]:
        """One line per known node; empty if there is none."""

    def cron_lines() -> Sequence[str]:
        """One line per scheduled job; empty if there is none."""
