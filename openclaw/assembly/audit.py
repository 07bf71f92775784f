"""Makes the audit trail, and notes what a start of the gateway changes."""

from typing import Any

from openclaw import __version__
from openclaw.config.settings import Settings
from openclaw.interfaces.audit import IAuditTrail
from openclaw.interfaces.storage import IStore
from openclaw.security.audit.chain import Chain
from openclaw.security.audit.trail import AuditTrail


def make_trail(
    settings: Settings, store: IStore, secret: bytes, now_ms: Any, reactor: Any
) -> AuditTrail:
    """Make the trail.

    :param secret: the server's own secret.
    """
    audit = settings.config.audit
    days = max(1, int(audit.max_age // 86_400))
    return AuditTrail(store, Chain(secret), reactor, now_ms, rows=audit.max_rows, days=days)


async def note_start(trail: IAuditTrail, settings: Settings, revision: str) -> None:
    """Note that the gateway started, and that its configuration is another one if it is."""
    starts = await trail.page(1, None, "gateway.started")
    if starts and starts[-1].detail.get("config") != revision:
        trail.note("config.changed", "gateway", path=str(settings.loaded.path), config=revision)
    trail.note(
        "gateway.started",
        "gateway",
        version=__version__,
        config=revision,
        hosts=settings.hosts,
        auth=settings.auth_mode,
        token=settings.token_source,
        tls=settings.tls.enabled,
        sealed=settings.sealing.storage,
    )
