"""Makes the domain: journal, conversations, runs, models, devices, heartbeat, figures."""

import time
import uuid
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred

from openclaw import __version__
from openclaw.agents.catalogue import Catalogue, make_catalogue
from openclaw.agents.runs import Runs
from openclaw.agents.runtimes.commands import Scene
from openclaw.agents.runtimes.embedded import EmbeddedAgent
from openclaw.agents.runtimes.provider import ProviderSettings
from openclaw.assembly.view import GatewayView
from openclaw.automation.heartbeat import PROMPT, HeartbeatPlan, HeartbeatService
from openclaw.config.settings import Settings
from openclaw.config.units import parse_seconds
from openclaw.errors import InvalidRequest
from openclaw.gateway.broadcast import Broadcaster
from openclaw.http.outbound import TreqOutbound
from openclaw.interfaces.agents import IAgentRuntime, ModelInfo
from openclaw.interfaces.conversations import IConversations
from openclaw.monitoring.figures import Figures
from openclaw.monitoring.lag import ReactorLag
from openclaw.monitoring.notices import Notices
from openclaw.monitoring.usage import UsageReport
from openclaw.security.devices import Devices
from openclaw.sessions.conversations import Conversations
from openclaw.sessions.index import SessionIndex
from openclaw.sessions.keys import SessionKeys
from openclaw.storage.sqlite import SQLiteStore


def now_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


def make_id() -> str:
    """A fresh UUID."""
    return str(uuid.uuid4())


@frozen(kw_only=True)
class Domain:
    """The parts that know nothing of sockets.

    :ivar config_revision: names this state of the configuration, without telling its secrets.
    """

    store: SQLiteStore
    devices: Devices
    conversations: Conversations
    runs: Runs
    catalogue: Catalogue
    keys: SessionKeys
    heartbeat: HeartbeatService
    outbound: TreqOutbound
    figures: Figures
    broadcaster: Broadcaster
    config_revision: str


def make_domain(settings: Settings, secret: bytes, reactor: Any) -> Domain:
    """Make the domain of one gateway; its parts know each other through interfaces."""
    store = SQLiteStore(settings.places.own_dir / "journal.sqlite", reactor, reactor)
    broadcaster = Broadcaster()
    figures = _figures(store, reactor)
    outbound = TreqOutbound(reactor)
    reset = Reset()
    view = GatewayView(
        version=__version__, figures=figures, store=store, connections=lambda: len(broadcaster)
    )
    scene = Scene(
        view=view,
        models=lambda: catalogue.models(),
        default=lambda: catalogue.default,
        reset=reset,
    )
    commands = EmbeddedAgent(scene, reactor)
    catalogue = _catalogue(settings, commands, outbound, reactor)
    runs = Runs(
        catalogue,
        commands,
        broadcaster,
        reactor,
        now_ms,
        make_id,
        settings.config.agents.defaults.timeout_seconds,
        figures.count_run,
    )
    keys = make_keys(settings)
    conversations = Conversations(
        store,
        runs,
        broadcaster,
        SessionIndex(keys, lambda ref: model_of(catalogue, ref), now_ms),
        keys,
        reactor,
        now_ms,
        make_id,
    )
    # What is made first learns of what is made last: commands act on conversations, runs end in
    # them, and conversations hand their inputs to runs.
    runs.conversations = view.conversations = reset.conversations = conversations
    figures.active_runs = lambda: len(runs.active())
    return Domain(
        store=store,
        devices=Devices(store, secret, now_ms),
        conversations=conversations,
        runs=runs,
        catalogue=catalogue,
        keys=keys,
        heartbeat=_heartbeat(settings, conversations, broadcaster, store, keys, reactor),
        outbound=outbound,
        figures=figures,
        broadcaster=broadcaster,
        config_revision=settings.loaded.revision(secret),
    )


class Reset:
    """Starts a session over, on behalf of a command that runs in it."""

    conversations: IConversations

    def __call__(self, session_key: str) -> Deferred[None]:
        """Reset; fires when it is on disk."""
        return self.conversations.reset(session_key).addCallback(lambda _: None)


def make_keys(settings: Settings) -> SessionKeys:
    """How session keys are read here: the default agent and the main session's name."""
    known = settings.config.agents.known
    default = next((agent.id for agent in known if agent.default), known[0].id if known else "main")
    return SessionKeys(default, settings.config.session.main_key)


def model_of(catalogue: Catalogue, ref: str) -> ModelInfo:
    """The model of a session; the default one if it asks for one that is gone."""
    try:
        return catalogue.resolve(ref)
    except InvalidRequest:
        return catalogue.default


def _catalogue(
    settings: Settings, commands: EmbeddedAgent, outbound: TreqOutbound, reactor: Any
) -> Catalogue:
    def build(provider: ProviderSettings) -> IAgentRuntime:
        # Loaded at the first run that needs it: a gateway without a model never does.
        from openclaw.agents.runtimes.openai import OpenAIRuntime

        return OpenAIRuntime(provider, outbound, reactor)

    return make_catalogue(
        settings.providers.values(),
        commands,
        build,
        settings.config.agents.defaults.primary_model or "",
    )


def _figures(store: SQLiteStore, reactor: Any) -> Figures:
    return Figures(
        clock_ms=now_ms,
        started_at_ms=now_ms(),
        lag=ReactorLag(reactor),
        notices=Notices(now_ms),
        usage=UsageReport(store, now_ms),
    )


def _heartbeat(
    settings: Settings,
    conversations: Conversations,
    broadcaster: Broadcaster,
    store: SQLiteStore,
    keys: SessionKeys,
    reactor: Any,
) -> HeartbeatService:
    configured = settings.config.agents.defaults.heartbeat
    every = parse_seconds(configured.every) if configured.every else 0.0
    plan = HeartbeatPlan(
        every_seconds=int(every),
        session_key=str(keys.main),
        prompt=configured.prompt or PROMPT,
    )
    return HeartbeatService(plan, conversations, broadcaster, store, reactor, now_ms, make_id)
