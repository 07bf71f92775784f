"""Makes every object of the gateway and gives each what it needs. Starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed

from openclaw.agents.runs import Runs
from openclaw.assembly.access import Access
from openclaw.assembly.agents import AgentPrograms
from openclaw.assembly.channel_plan import ChannelPlan
from openclaw.assembly.domain import Domain, make_domain, now_ms
from openclaw.assembly.limits import Limits
from openclaw.assembly.mcp import make_mcp
from openclaw.assembly.programs import Programs
from openclaw.assembly.protocol import Front, make_front, tailscale_peer_of
from openclaw.assembly.queue import EXPIRE_SECONDS, QueueUpkeep
from openclaw.assembly.renewal import renewal
from openclaw.assembly.web import MakeApi, make_port
from openclaw.automation.heartbeat import HeartbeatService
from openclaw.config.known import known_secrets
from openclaw.config.settings import Settings
from openclaw.gateway.door import Door, PeerOf
from openclaw.gateway.revocation import Revocation
from openclaw.gateway.ticker import Ticker
from openclaw.http.port import PortFactory
from openclaw.interfaces.queue import IQueueBackend
from openclaw.monitoring.health import HealthKeeper
from openclaw.monitoring.log_file import Hide
from openclaw.periodic import Periodic
from openclaw.protocol.schema.system import DashboardLink
from openclaw.security.audit.trail import AuditTrail
from openclaw.security.exec.desk import ApprovalDesk
from openclaw.security.mfa.factor import SecondFactor
from openclaw.security.tls.keeper import CertificateKeeper
from openclaw.sessions.conversations import Conversations
from openclaw.storage.sqlite import SQLiteStore

if TYPE_CHECKING:
    from openclaw.assembly.channels import ChannelParts


FLUSH_SECONDS = 30.0
FORGET_SECONDS = 3600.0
SWEEP_SECONDS = 60.0
ENDING_SECONDS = 5.0


@define(kw_only=True)
class Parts:
    """What the start and the stop have to do with.

    :ivar helpers: services that run beside the rest; the first starts first and stops last.
    :ivar tailscale_factory: for the port of ``tailscale serve``, where there is one.
    :ivar certificate: ``None`` where the port speaks plain text.
    :ivar hide: takes secrets out of what is logged.
    :ivar obstacles: why model providers can answer nothing.
    :ivar stopping: set when the stop begins.
    """

    port: int
    started_at_ms: int
    store: SQLiteStore
    access: Access
    second_factor: SecondFactor
    conversations: Conversations
    runs: Runs
    heartbeat: HeartbeatService
    health: HealthKeeper
    door: Door
    limits: Limits
    factory: PortFactory
    tailscale_factory: PortFactory
    helpers: tuple[Service, ...]
    sign_in: Callable[[], DashboardLink]
    audit: AuditTrail
    config_revision: str
    queue: IQueueBackend
    approvals: ApprovalDesk
    hide: Hide
    programs: AgentPrograms
    obstacles: Sequence[str] = ()
    channels: ChannelParts | None = None
    certificate: CertificateKeeper | None = None
    stopping: bool = False


def _ending(domain: Domain, reactor: Any) -> Service:
    """Ends connections whose credential ends, as ID tokens, certificates and old tokens do."""
    revocation = Revocation(domain.broadcaster, reactor)

    def end() -> Deferred[None]:
        revocation.expired(now_ms())
        return succeed(None)

    return Periodic(end, reactor, ENDING_SECONDS)


def _join(domain: Domain, front: Front, reactor: Any) -> None:
    """Lead the channels into the conversations, and what becomes of all that into health."""
    domain.programs.changed = front.health.renew
    if domain.channels is not None:
        # Loaded here, for a gateway without channels need not pay for it.
        from openclaw.routing.admission import Admission

        senders, work = domain.access.senders, front.limits.work
        urgent = domain.channels.control.is_urgent
        admission = Admission(senders, work.take_sender, reactor.seconds, now_ms, urgent)
        notices = domain.channels.join(domain.conversations, domain.runs, admission)
        domain.tooling.approvals.tell(notices)
        domain.channels.changed = front.health.renew


def _port(
    settings: Settings,
    domain: Domain,
    front: Front,
    make_api: MakeApi | None,
    reactor: Any,
    stopping: Callable[[], bool],
    peer_of: PeerOf,
) -> PortFactory:
    return make_port(settings, domain, front, peer_of, stopping, make_api, reactor)


def _helpers(domain: Domain, front: Front, reactor: Any) -> tuple[Service, ...]:
    """What every gateway has running beside the rest, in the order of their start."""
    return (
        domain.audit,  # The first to start and the last to stop.
        domain.figures.lag,
        domain.outbound,
        domain.tooling.approvals,
        front.health,
        Ticker(domain.broadcaster, reactor, now_ms, front.door.policy.tick_interval_ms),
        Periodic(domain.access.devices.flush, reactor, FLUSH_SECONDS),
        Periodic(domain.access.requests.sweep, reactor, FLUSH_SECONDS),
        _ending(domain, reactor),
        Periodic(domain.conversations.forget_old_runs, reactor, FORGET_SECONDS),
        Periodic(domain.sweep.sweep, reactor, SWEEP_SECONDS),
        Periodic(QueueUpkeep(domain.queue, now_ms), reactor, EXPIRE_SECONDS),
    )


def assemble(
    settings: Settings,
    shared_secret: str,
    device_secret: bytes,
    port: int,
    reactor: Any,
    certificate: CertificateKeeper | None = None,
    plan: ChannelPlan | None = None,
) -> Parts:
    """Make a whole gateway.

    :param shared_secret: the token or password clients present.
    :param device_secret: device tokens are derived from it.
    :param certificate: what the port encrypts with, if it does.
    """
    secrets = () if plan is None else plan.secrets
    known = known_secrets(settings, shared_secret, device_secret.decode(), *secrets)
    domain = make_domain(settings, device_secret, reactor, known.clean, plan)
    front = make_front(settings, domain, shared_secret, port, reactor, certificate, known.learn)
    _join(domain, front, reactor)
    # Where nobody has to show a token, any program on this machine could spend the owner's money.
    has_token = bool(shared_secret) and settings.auth_mode != "none"
    toolbox = domain.tooling.toolbox
    programs = Programs(settings, domain, front, reactor, toolbox) if has_token else None
    make_api = None if programs is None else programs.make_api

    def stopping() -> bool:
        return parts.stopping

    port_of = partial(_port, settings, domain, front, make_api, reactor, stopping)
    renewing = renewal(domain.access.policy, domain.broadcaster, domain.access.devices, reactor)
    mcp = make_mcp(settings, toolbox, domain.outbound, reactor)
    optional = (certificate, domain.sealing, front.limits.names, renewing, programs, *mcp)
    parts: Parts = Parts(
        port=port,
        started_at_ms=domain.figures.started_at_ms,
        store=domain.store,
        access=domain.access,
        second_factor=domain.second_factor,
        conversations=domain.conversations,
        runs=domain.runs,
        heartbeat=domain.heartbeat,
        health=front.health,
        door=front.door,
        limits=front.limits,
        factory=port_of(front.peer_of),
        tailscale_factory=port_of(tailscale_peer_of),
        helpers=(*_helpers(domain, front, reactor), *(one for one in optional if one is not None)),
        audit=domain.audit,
        config_revision=domain.config_revision,
        queue=domain.queue,
        approvals=domain.tooling.approvals,
        channels=domain.channels,
        hide=known.clean,
        programs=domain.programs,
        obstacles=domain.catalogue.obstacles(),
        certificate=certificate,
        sign_in=front.sign_in,
    )
    return parts
