"""Makes the domain: journal, conversations, runs, models, devices, heartbeat, figures."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from attrs import asdict, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from zope.interface import implementer

from openclaw import __version__
from openclaw.agents.catalogue import Catalogue, make_catalogue
from openclaw.agents.choices import choices_of
from openclaw.agents.runs import Runs
from openclaw.agents.runtimes.commands import Scene, is_command
from openclaw.agents.runtimes.controls import Controls
from openclaw.agents.runtimes.cooling import Cooling
from openclaw.agents.runtimes.embedded import EmbeddedAgent
from openclaw.agents.runtimes.embeddings import Embeddings
from openclaw.agents.runtimes.failover import Failover
from openclaw.agents.runtimes.provider import ProviderSettings
from openclaw.agents.tools.session_rules import skills_without
from openclaw.assembly.access import Access, make_access
from openclaw.assembly.agents import AgentPrograms
from openclaw.assembly.audit import make_trail
from openclaw.assembly.channel_plan import ChannelPlan
from openclaw.assembly.queue import make_queue, make_worker
from openclaw.assembly.sealing import make_export_sealing, make_journal
from openclaw.assembly.sweeping import make_sweep
from openclaw.assembly.tooling import Tooling, ToolingNeeds, make_tooling
from openclaw.assembly.view import GatewayView
from openclaw.automation.heartbeat import PROMPT, HeartbeatPlan, HeartbeatService
from openclaw.config.schema.messages import MessageQueue, QueueMode
from openclaw.config.settings import Settings
from openclaw.config.units import parse_seconds
from openclaw.errors import InvalidRequest
from openclaw.gateway.broadcast import Broadcaster
from openclaw.http.outbound import TreqOutbound
from openclaw.http.outgoing.guard import PublicOnly
from openclaw.http.outgoing.names import SystemNames
from openclaw.interfaces.agents import IAgentRuntime, IEmbeddings, ModelInfo
from openclaw.interfaces.channels import AccountStatus
from openclaw.interfaces.conversations import IConversations, Input, IReplies
from openclaw.interfaces.queue import IQueueBackend
from openclaw.interfaces.storage import IStore
from openclaw.monitoring.figures import Figures
from openclaw.monitoring.lag import ReactorLag
from openclaw.monitoring.notices import Notices
from openclaw.monitoring.usage import UsageReport
from openclaw.security.audit.trail import AuditTrail
from openclaw.security.exec.binding import command_line
from openclaw.security.mfa.factor import SecondFactor
from openclaw.security.sealing.exports import ExportSealing
from openclaw.security.sealing.rotation import Rotation
from openclaw.sessions.conversations import Conversations
from openclaw.sessions.exports import Exports
from openclaw.sessions.index import SessionIndex
from openclaw.sessions.keys import SessionKeys
from openclaw.sessions.merging import ModeOf
from openclaw.sessions.sweeping import SessionSweep
from openclaw.storage.sqlite import SQLiteStore

if TYPE_CHECKING:
    from openclaw.assembly.channels import ChannelParts


def now_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


class Ids:
    """Random UUIDs; the system is asked for many at once, which each by itself would not be worth.

    :param random_bytes: a source of so many random bytes, good enough for nonces.
    """

    POOL = 256

    def __init__(self, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random_bytes = random_bytes
        self._ids: list[str] = []

    def __call__(self) -> str:
        """A fresh one."""
        if not self._ids:
            pool = self._random_bytes(16 * self.POOL)
            self._ids = [
                str(uuid.UUID(bytes=pool[at : at + 16], version=4))
                for at in range(0, len(pool), 16)
            ]
        return self._ids.pop()


make_id = Ids()


@frozen(kw_only=True)
class Core:
    """The parts that know nothing of sockets, nor of what agents work with.

    :ivar config_revision: names this state of the configuration, without telling its secrets.
    :ivar sealing: ``None`` where the journal is plain.
    :ivar export_sealing: ``None`` where exported sessions are.
    """

    store: SQLiteStore
    access: Access
    second_factor: SecondFactor
    conversations: Conversations
    runs: Runs
    catalogue: Catalogue
    keys: SessionKeys
    heartbeat: HeartbeatService
    outbound: TreqOutbound
    figures: Figures
    broadcaster: Broadcaster
    config_revision: str
    audit: AuditTrail
    exports: Exports
    queue: IQueueBackend
    embeddings: IEmbeddings
    programs: AgentPrograms
    sweep: SessionSweep
    channels: ChannelParts | None = None
    sealing: Rotation | None = None
    export_sealing: ExportSealing | None = None

    def statuses(self) -> Sequence[AccountStatus]:
        """Every channel account as it is now."""
        return () if self.channels is None else self.channels.channels.statuses()

    def overdue(self) -> int:
        """How many accepted messages wait too long for their agents."""
        return 0 if self.channels is None else len(self.channels.overdue)


@frozen(kw_only=True)
class Domain(Core):
    """All parts that know nothing of sockets.

    :ivar tooling: what agents work with.
    :ivar controls: what commands about runs and approvals act on; whether a second factor is asked
        for is known once the methods are made.
    """

    tooling: Tooling
    controls: Controls


def make_domain(
    settings: Settings,
    secret: bytes,
    reactor: Any,
    hide: Callable[[str], str],
    plan: ChannelPlan | None = None,
) -> Domain:
    """Make the domain of one gateway; its parts know each other through interfaces.

    :param hide: takes secrets out of what models are told by tools.
    :param plan: the channel accounts there are.
    """
    controls = Controls()
    core = _make_core(settings, secret, reactor, controls, plan)
    tooling = make_tooling(
        ToolingNeeds(
            settings=settings,
            store=core.store,
            audit=core.audit,
            events=core.broadcaster,
            conversations=core.conversations,
            canonical=core.keys.canonical,
            channels=core.channels,
            http=core.outbound,
            make_id=make_id,
            hide=hide,
            now_ms=now_ms,
            reactor=reactor,
        )
    )
    skills, row = tooling.skills, core.conversations.row
    core.runs.toolbox, core.runs.skills = tooling.toolbox, skills
    core.programs.environment = lambda request: skills.environment(
        request.agent_id, skills_without(row(request.session_key))
    )
    controls.runs, controls.conversations = core.runs, core.conversations
    controls.approvals, controls.command_line = tooling.approvals, command_line
    return Domain(tooling=tooling, controls=controls, **asdict(core, recurse=False))


def _make_core(
    settings: Settings,
    secret: bytes,
    reactor: Any,
    controls: Controls,
    plan: ChannelPlan | None = None,
) -> Core:
    store, sealing = make_journal(settings, reactor)
    broadcaster = Broadcaster()
    audit = make_trail(settings, store, secret, now_ms, reactor)
    factor = _second_factor(store, reactor)
    figures = _figures(store, reactor)
    outbound = _outbound(settings, reactor)
    reset = Reset()
    view = _view(figures, store, broadcaster)
    commands = EmbeddedAgent(_scene(view, lambda: catalogue, reset, controls), reactor)
    programs = AgentPrograms(settings, reactor, figures.notices.note, make_id)
    catalogue = _catalogue(settings, commands, outbound, programs, reactor)
    queue = make_queue(settings, store, _wall_clock(reactor))
    channels = _channels(settings, plan, store, queue, outbound, figures, reactor)
    replies = NoReplies() if channels is None else channels.replies
    runs = _runs(settings, catalogue, commands, broadcaster, reactor, figures, replies)
    keys = make_keys(settings)
    index = SessionIndex(keys, lambda ref, agent: model_of(catalogue, ref, agent), now_ms)
    conversations = _conversations(
        settings, store, runs, broadcaster, index, keys, replies, reactor
    )
    # What is made first learns of what is made last: commands act on conversations, runs end in
    # them, and conversations hand their inputs to runs.
    runs.conversations = view.conversations = reset.conversations = conversations
    return Core(
        store=store,
        second_factor=factor,
        access=make_access(settings, store, secret, broadcaster, factor, audit, now_ms, reactor),
        audit=audit,
        conversations=conversations,
        runs=runs,
        catalogue=catalogue,
        keys=keys,
        heartbeat=_heartbeat(settings, conversations, broadcaster, store, keys, reactor),
        outbound=outbound,
        figures=figures,
        broadcaster=broadcaster,
        config_revision=settings.loaded.revision(secret),
        exports=Exports(store, index, keys, now_ms),
        queue=queue,
        embeddings=Embeddings(catalogue.providers, outbound, reactor, catalogue.choices.ref),
        programs=programs,
        sweep=make_sweep(settings, store, broadcaster, index, keys, now_ms),
        channels=channels,
        sealing=sealing,
        export_sealing=make_export_sealing(settings),
    )


def _conversations(
    settings: Settings,
    store: IStore,
    runs: Runs,
    broadcaster: Broadcaster,
    index: SessionIndex,
    keys: SessionKeys,
    replies: IReplies,
    reactor: Any,
) -> Conversations:
    return Conversations(
        store,
        runs,
        broadcaster,
        index,
        keys,
        reactor,
        now_ms,
        make_id,
        replies,
        mode_of=_mode_of(settings.config.messages.queue),
        is_command=is_command,
    )


def _runs(
    settings: Settings,
    catalogue: Catalogue,
    commands: EmbeddedAgent,
    broadcaster: Broadcaster,
    reactor: Any,
    figures: Figures,
    replies: IReplies,
) -> Runs:
    timeout = settings.config.agents.defaults.timeout_seconds
    runs = Runs(
        catalogue,
        commands,
        broadcaster,
        reactor,
        now_ms,
        make_id,
        timeout,
        figures.count_run,
        replies,
    )
    figures.active_runs = lambda: len(runs.active())
    return runs


def _view(figures: Figures, store: SQLiteStore, broadcaster: Broadcaster) -> GatewayView:
    return GatewayView(
        version=__version__, figures=figures, store=store, connections=lambda: len(broadcaster)
    )


def _channels(
    settings: Settings,
    plan: ChannelPlan | None,
    store: SQLiteStore,
    queue: IQueueBackend,
    outbound: TreqOutbound,
    figures: Figures,
    reactor: Any,
) -> ChannelParts | None:
    if plan is None or not plan.accounts:
        return None
    # Loaded here, for a gateway without channels need not pay for them.
    from openclaw.assembly.channels import ChannelNeeds, make_channels

    random = Random()
    return make_channels(
        ChannelNeeds(
            settings=settings,
            plan=plan,
            store=store,
            queue=queue,
            http=outbound,
            make_worker=lambda name, handler: make_worker(
                settings, queue, name, handler, reactor, random
            ),
            make_id=make_id,
            now_ms=_wall_clock(reactor),
            counted=figures.count_message,
            alert=figures.notices.note,
            reactor=reactor,
        )
    )


def _wall_clock(reactor: Any) -> Callable[[], int]:
    """Unix milliseconds by the reactor's clock: waits in queues are timed by both."""
    return lambda: int(reactor.seconds() * 1000)


@implementer(IReplies)
class NoReplies:
    """Where no channel is configured: an answer whose channel is gone stays in the transcript."""

    _log = Logger()

    def waits(self, entry: Input) -> None:
        """Tell nobody."""

    def begun(self, entry: Input) -> None:
        """Tell nobody."""

    def left(self, entry: Input) -> None:
        """Tell nobody."""

    def started(self, entry: Input) -> bool:
        """Tell nobody."""
        return False

    def grew(self, entry: Input, text: str) -> None:
        """Tell nobody."""

    def settle(self, entry: Input) -> Deferred[None]:
        """Nothing was shown."""
        return succeed(None)

    def silent(self, entry: Input) -> None:
        """Tell nobody."""

    def reply(self, entry: Input, text: str) -> Deferred[None]:
        """Say in the log that an answer has nowhere to go."""
        self._log.warn(
            "the answer of {run} stays in session {key}: channel {channel} is no longer configured",
            run=entry.run_id,
            key=entry.session_key,
            channel=entry.origin.target.channel if entry.origin is not None else "",
        )
        return succeed(None)


def _mode_of(queue: MessageQueue) -> ModeOf:
    def mode_of(entry: Input) -> QueueMode:
        channel = "webchat" if entry.origin is None else entry.origin.target.channel
        return queue.by_channel.get(channel, queue.mode)

    return mode_of


def _scene(
    view: GatewayView, catalogue: Callable[[], Catalogue], reset: Reset, controls: Controls
) -> Scene:
    return Scene(
        view=view,
        models=lambda: catalogue().models(),
        default=lambda: catalogue().default,
        reset=reset,
        controls=controls,
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


def model_of(catalogue: Catalogue, ref: str, agent_id: str = "") -> ModelInfo:
    """The model of a session; its agent's if it asks for one that is gone."""
    try:
        return catalogue.resolve(ref, agent_id)
    except InvalidRequest:
        return catalogue.default_for(agent_id)


def _catalogue(
    settings: Settings,
    commands: EmbeddedAgent,
    outbound: TreqOutbound,
    programs: AgentPrograms,
    reactor: Any,
) -> Catalogue:
    def build(provider: ProviderSettings) -> IAgentRuntime:
        if provider.id in settings.backends:
            return programs.runtime(settings.backends[provider.id])
        # Loaded at the first run that needs it: a gateway without a model never does.
        from openclaw.agents.runtimes.server import ServerRuntime

        return ServerRuntime(provider, outbound, reactor)

    cooling = Cooling()
    return make_catalogue(
        settings.providers.values(),
        commands,
        build,
        choices_of(settings.config.agents),
        lambda chain: Failover(chain, cooling, reactor, Random()),
    )


def _outbound(settings: Settings, reactor: Any) -> TreqOutbound:
    guard = PublicOnly(SystemNames(reactor))
    pool = settings.config.connections.pool
    return TreqOutbound(reactor, guard, pins=settings.pins, pool=pool)


def _second_factor(store: SQLiteStore, reactor: Any) -> SecondFactor:
    return SecondFactor(
        store,
        clock=now_ms,
        seconds=reactor.seconds,
        random_bytes=os.urandom,
        account=os.uname().nodename,
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
