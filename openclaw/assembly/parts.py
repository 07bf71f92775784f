"""Makes every object of the gateway and gives each what it needs. Starts nothing."""

from collections.abc import Callable
from typing import Any

from attrs import define
from twisted.application.service import Service

from openclaw.agents.runs import Runs
from openclaw.assembly.domain import make_domain, now_ms
from openclaw.assembly.protocol import make_front
from openclaw.assembly.upkeep import Upkeep
from openclaw.assembly.web import make_port
from openclaw.automation.heartbeat import HeartbeatService
from openclaw.config.settings import Settings
from openclaw.gateway.door import Door
from openclaw.gateway.ticker import Ticker
from openclaw.http.port import PortFactory
from openclaw.monitoring.health import HealthKeeper
from openclaw.protocol.schema.system import DashboardLink
from openclaw.security.devices import Devices
from openclaw.sessions.conversations import Conversations
from openclaw.storage.sqlite import SQLiteStore


@define(kw_only=True)
class Parts:
    """What the start and the stop have to do with.

    :ivar helpers: services whose order does not matter.
    :ivar stopping: set when the stop begins.
    """

    port: int
    started_at_ms: int
    store: SQLiteStore
    devices: Devices
    conversations: Conversations
    runs: Runs
    heartbeat: HeartbeatService
    health: HealthKeeper
    door: Door
    factory: PortFactory
    helpers: tuple[Service, ...]
    sign_in: Callable[[], DashboardLink]
    stopping: bool = False


def assemble(
    settings: Settings, shared_secret: str, device_secret: bytes, port: int, reactor: Any
) -> Parts:
    """Make a whole gateway.

    :param shared_secret: the token or password clients present.
    :param device_secret: device tokens are derived from it.
    """
    domain = make_domain(settings, device_secret, reactor)
    front = make_front(settings, domain, shared_secret, port, reactor)
    helpers = (
        domain.figures.lag,
        domain.outbound,
        front.health,
        Ticker(domain.broadcaster, reactor, now_ms, front.door.policy.tick_interval_ms),
        Upkeep(domain.devices.flush, reactor),
    )
    parts = Parts(
        port=port,
        started_at_ms=domain.figures.started_at_ms,
        store=domain.store,
        devices=domain.devices,
        conversations=domain.conversations,
        runs=domain.runs,
        heartbeat=domain.heartbeat,
        health=front.health,
        door=front.door,
        factory=make_port(settings, domain, front, lambda: parts.stopping, reactor),
        helpers=helpers,
        sign_in=front.sign_in,
    )
    return parts
