"""Makes the protocol side: presence, health, admission, dispatcher, door."""

import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from attrs import frozen
from twisted.internet.interfaces import IAddress

from openclaw import __version__
from openclaw.agents.catalogue import Catalogue
from openclaw.assembly.access import is_own_address
from openclaw.assembly.domain import Domain, make_id, now_ms
from openclaw.assembly.limits import Limits, make_limits
from openclaw.assembly.methods import MethodTable
from openclaw.assembly.reached import reached
from openclaw.config.settings import Settings
from openclaw.gateway.dispatcher import Dispatcher
from openclaw.gateway.door import Door, PeerOf, Sources, Timing
from openclaw.gateway.greeting import About, Greeting
from openclaw.gateway.methods.agents import AgentProfile
from openclaw.gateway.outgoing import EndOfTurn
from openclaw.gateway.presence import Presence
from openclaw.gateway.revocation import Revocation
from openclaw.gateway.step_up import StepUp
from openclaw.gateway.web_chat import WebChat
from openclaw.interfaces.security import IAdmission, Peer
from openclaw.monitoring.health import HealthKeeper, HealthSources
from openclaw.protocol.connect import Policy, SessionDefaults
from openclaw.protocol.methods import METHODS
from openclaw.protocol.schema.system import DashboardLink, PresenceEntry, QueueHealth
from openclaw.security.admission import Admission
from openclaw.security.audit.admission import AuditedAdmission
from openclaw.security.audit.events import AuditedEvents
from openclaw.security.identities.headers import tailscale_peer, with_proxy_user
from openclaw.security.identities.sources import Identities
from openclaw.security.peers import PeerReader
from openclaw.security.policy import TrustPolicy
from openclaw.security.shared_token import SharedToken
from openclaw.security.tls.keeper import CertificateKeeper


@frozen(kw_only=True)
class Front:
    """The parts that speak the protocol.

    :ivar sign_in: makes a fresh link to the web chat.
    """

    door: Door
    health: HealthKeeper
    admission: IAdmission
    peer_of: PeerOf
    limits: Limits
    agents: tuple[AgentProfile, ...]
    step_up: StepUp
    sign_in: Callable[[], DashboardLink]


def make_front(
    settings: Settings,
    domain: Domain,
    secret: str,
    port: int,
    reactor: Any,
    certificate: CertificateKeeper | None,
    learn: Callable[[str], None],
) -> Front:
    """Make everything between sockets and domain.

    :param secret: the shared token or password; empty where there is none.
    :param learn: is told what must be kept out of the log from now on.
    """
    peer_of = _peer_of(settings)
    limits = make_limits(settings, reactor)
    admission = _admission(settings, domain, limits, secret, reactor)
    presence = Presence(_myself(settings), domain.broadcaster, now_ms, reactor)
    web_chat = WebChat(domain.broadcaster, now_ms)
    health = _health(domain, web_chat, certificate, reactor)
    agents = _agents(settings, domain.catalogue)
    sign_in = _sign_in(settings, admission, port)
    step_up = _step_up(settings, domain)
    domain.controls.needs_factor = lambda name: step_up.covers(METHODS[name])
    table = MethodTable(
        settings=settings,
        domain=domain,
        presence=presence,
        health=health,
        agents=agents,
        sign_in=sign_in,
        step_up=step_up,
        admission=admission,
        reached=reached(settings, port, certificate),
        token=_shared_token(settings, domain, admission, learn, reactor),
        tls=None if certificate is None else certificate.status,
        clock=reactor,
        web_chat=web_chat,
    )
    return Front(
        door=_door(settings, domain, limits, admission, peer_of, table),
        health=health,
        admission=admission,
        peer_of=peer_of,
        limits=limits,
        agents=agents,
        step_up=step_up,
        sign_in=sign_in,
    )


def _door(
    settings: Settings,
    domain: Domain,
    limits: Limits,
    admission: IAdmission,
    peer_of: PeerOf,
    table: MethodTable,
) -> Door:
    """Make what lets connections in, and answers them."""
    dispatcher = Dispatcher(
        METHODS,
        table.handlers(),
        make_id,
        lambda method: limits.check_of(method, table.step_up),
    )
    greeting = Greeting(
        _about(settings, domain),
        dispatcher.methods,
        table.presence,
        domain.broadcaster,
        table.health.text,
        now_ms,
    )
    return Door(
        sources=Sources(clock=table.clock, now_ms=now_ms, make_id=make_id),
        peer_of=peer_of,
        admission=admission,
        devices=domain.access.devices,
        dispatcher=dispatcher,
        broadcaster=domain.broadcaster,
        presence=table.presence,
        greeting=greeting,
        end_of_turn=EndOfTurn(table.clock),
        waiting=limits.waiting,
        traffic=limits.traffic,
        noticed=domain.figures.notices.note,
        timing=_timing(settings),
        policy=_policy(settings),
        dialects=frozenset(settings.config.gateway.dialects),
    )


def _step_up(settings: Settings, domain: Domain) -> StepUp:
    access, factor = settings.access, domain.second_factor
    step_up = StepUp(
        access.mfa_required_for if access.mfa_enabled else (),
        METHODS,
        lambda: factor.status().enrolled_at_ms is not None,
        now_ms,
    )
    if step_up.withholds_events():
        domain.broadcaster.may_hear = step_up.may_hear
    return step_up


def tailscale_peer_of(address: IAddress | None, headers: Mapping[str, str]) -> Peer:
    """Who connects to the port that is only for ``tailscale serve``."""
    return tailscale_peer(getattr(address, "host", ""), headers)


def _peer_of(settings: Settings) -> PeerOf:
    reader = PeerReader(settings.trusted_proxies)

    users = settings.access.proxy_users

    def peer_of(address: IAddress | None, headers: Mapping[str, str]) -> Peer:
        peer = reader.read(getattr(address, "host", ""), headers)
        return peer if users is None else with_proxy_user(peer, headers, users)

    return peer_of


def _admission(
    settings: Settings, domain: Domain, limits: Limits, secret: str, reactor: Any
) -> IAdmission:
    mode = settings.auth_mode
    policy = TrustPolicy(
        mode=mode if mode in ("password", "none") else "token",
        secret=secret,
        trusted_proxies=settings.trusted_proxies,
        allowed_origins=settings.allowed_origins,
        kinds=settings.access.kinds,
        pairing=domain.access.policy,
    )
    inner = Admission(
        policy,
        domain.access.devices,
        clock=now_ms,
        seconds=reactor.seconds,
        random_bytes=os.urandom,
        events=AuditedEvents(domain.broadcaster, domain.audit),
        requests=domain.access.requests,
        is_own=is_own_address,
        identities=Identities(settings.access, now_ms),
        may_connect=limits.may_connect,
    )
    return AuditedAdmission(inner, domain.audit)


def _shared_token(
    settings: Settings,
    domain: Domain,
    admission: IAdmission,
    learn: Callable[[str], None],
    reactor: Any,
) -> SharedToken:
    source: str = settings.token_source
    if settings.auth_mode == "password":
        source = "password"
    return SharedToken(
        settings.places.token_path,
        source,
        admission,
        learn,
        Revocation(domain.broadcaster, reactor).shared_secret,
        os.urandom,
    )


def _myself(settings: Settings) -> PresenceEntry:
    system = os.uname()
    return PresenceEntry(
        ts=now_ms(),
        host=system.nodename,
        version=__version__,
        platform=f"{system.sysname.lower()} {system.release}",
        device_family=system.sysname,
        mode="gateway",
        reason="self",
        instance_id=make_id(),
        text=f"Gateway: {system.nodename} · app {__version__} · mode gateway · reason self",
    )


def _health(
    domain: Domain, web_chat: WebChat, certificate: CertificateKeeper | None, reactor: Any
) -> HealthKeeper:
    broadcaster = domain.broadcaster

    def changed() -> None:
        broadcaster.health_version += 1

    sources = HealthSources(
        store=domain.store,
        conversations=domain.conversations,
        events=broadcaster,
        event_loop=domain.figures.event_loop,
        heartbeat=domain.heartbeat.describe,
        changed=changed,
        default_agent=domain.keys.default_agent,
        tls=None if certificate is None else certificate.status,
        channels=lambda: (*domain.statuses(), web_chat.status()),
        queue=QueueHealth(backend=domain.queue.backend, durable=domain.queue.backend != "memory"),
        agents_down=domain.programs.down,
        overdue=domain.overdue,
    )
    return HealthKeeper(sources, reactor, now_ms)


def _agents(settings: Settings, catalogue: Catalogue) -> tuple[AgentProfile, ...]:
    known = settings.config.agents.known
    if not known:
        return (AgentProfile("main", "Assistant", str(settings.workspace)),)
    return tuple(
        AgentProfile(
            agent.id,
            agent.identity.name or agent.name or agent.id.capitalize(),
            str(settings.workspaces[agent.id]),
            catalogue.default_for(agent.id).ref,
        )
        for agent in known
    )


def _sign_in(settings: Settings, admission: IAdmission, port: int) -> Callable[[], DashboardLink]:
    scheme = "https" if settings.tls.enabled else "http"

    def sign_in() -> DashboardLink:
        code = admission.sign_in_code()
        host = settings.hosts[0]
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        shown = f"[{shown}]" if ":" in shown else shown
        return DashboardLink(
            url=f"{scheme}://{shown}:{port}/chat/#code={quote(code.code)}",
            code=code.code,
            expires_at_ms=code.expires_at_ms,
        )

    return sign_in


def _about(settings: Settings, domain: Domain) -> About:
    keys = domain.keys
    return About(
        version=__version__,
        boot_id=make_id(),
        started_at_ms=domain.figures.started_at_ms,
        config_hash=domain.config_revision,
        auth_mode=settings.auth_mode,
        session_defaults=SessionDefaults(
            default_agent_id=keys.default_agent,
            main_key=keys.main_key,
            main_session_key=str(keys.main),
        ),
        policy=_policy(settings),
    )


def _timing(settings: Settings) -> Timing:
    websocket = settings.config.network.websocket
    return Timing(
        handshake=settings.config.gateway.handshake_timeout,
        ping=websocket.ping_interval,
        pong=websocket.ping_timeout,
    )


def _policy(settings: Settings) -> Policy:
    configured = settings.config.gateway.policy
    return Policy(
        max_payload=configured.max_payload,
        max_buffered_bytes=configured.max_buffered_bytes,
        tick_interval_ms=configured.tick_interval_ms,
    )
