"""Makes the channels: accounts, what they hand in and out, and the workers between."""

import json
from collections.abc import Callable
from random import SystemRandom
from typing import Any

from attrs import define, evolve, frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from openclaw.agents.runtimes.commands import control_method
from openclaw.agents.runtimes.phrases import is_chinese
from openclaw.assembly.channel_plan import ChannelPlan
from openclaw.channels.account import Account
from openclaw.channels.accounts import DEFAULT, ConfiguredAccount
from openclaw.channels.approvals import ApprovalNotices, NoticeNeeds
from openclaw.channels.contents import RecentContents
from openclaw.channels.control import Control
from openclaw.channels.inbox import InboxHandler
from openclaw.channels.intake import Gates, Intake
from openclaw.channels.link import Tools
from openclaw.channels.manager import Channels, Surroundings
from openclaw.channels.media import MediaStore
from openclaw.channels.outbox import Outbox
from openclaw.channels.overdue import Overdue
from openclaw.channels.owners import OwnerChats
from openclaw.channels.records import ChannelValues, SentRecords
from openclaw.channels.registry import Registry
from openclaw.channels.replies import ChannelReplies
from openclaw.config.bindings import agent_ids
from openclaw.config.settings import Settings
from openclaw.deferreds import deferred
from openclaw.http.download import Downloads
from openclaw.http.outgoing.guard import PublicOnly
from openclaw.http.outgoing.names import SystemNames
from openclaw.http.sockets import OutboundSockets
from openclaw.interfaces.conversations import IConversations, IRuns
from openclaw.interfaces.messages import Inbound
from openclaw.interfaces.outbound import IOutboundHTTP
from openclaw.interfaces.queue import INBOX, IHandler, IQueue
from openclaw.interfaces.routing import AccessRules, IAdmission
from openclaw.interfaces.storage import IStore
from openclaw.monitoring.traces import Traces
from openclaw.routing.configured import configured as configured_bindings
from openclaw.routing.router import Router
from openclaw.routing.routes import Routes
from openclaw.routing.rules import access_rules, warnings_of
from openclaw.routing.session_keys import KeyMaker
from openclaw.security.exec.binding import command_line, shown

MOVED = "moved chats"
MakeWorker = Callable[[str, IHandler], Service]


@frozen(kw_only=True)
class ChannelNeeds:
    """What the channels are made with.

    :ivar alert: told of what an operator should hear of: its kind, in words.
    :ivar counted: told what became of each inbound event: account, outcome.
    """

    settings: Settings
    plan: ChannelPlan
    store: IStore
    queue: IQueue
    http: IOutboundHTTP
    make_worker: MakeWorker
    make_id: Callable[[], str]
    now_ms: Callable[[], int]
    counted: Callable[[str, str], None]
    alert: Callable[[str, str], None]
    reactor: Any


@define(kw_only=True)
class ChannelParts:
    """The channels of a gateway that has some.

    :ivar replies: takes answers back; runs and conversations are made with it.
    :ivar control: whose word is the owner's, and what is a command about a run or an approval.
    :ivar notices: tells the owner of what waits for approval; set by :meth:`join`.
    :ivar changed: told after every change of an account's state.
    :ivar inbox: the worker that hands messages to their sessions; set by :meth:`join`.
    """

    channels: Channels
    replies: ChannelReplies
    router: Router
    sockets: OutboundSockets
    values: ChannelValues
    sent: SentRecords
    media: MediaStore
    traces: Traces
    overdue: Overdue
    control: Control
    changed: Callable[[], None] = lambda: None
    _routes: Routes
    _needs: ChannelNeeds
    _outbox: Outbox
    inbox: Service | None = None
    _handler: InboxHandler | None = None
    notices: ApprovalNotices | None = None

    def join(
        self, conversations: IConversations, runs: IRuns, admission: IAdmission
    ) -> ApprovalNotices:
        """Make what leads into the conversations, and every account. Starts nothing.

        :return: what is to be told of approvals.
        """
        needs, channels = self._needs, self.channels
        rules = _Rules(needs.settings, self.values)
        gates = Gates(
            admission=admission,
            router=self.router,
            queue=needs.queue,
            outbox=self._outbox,
            overdue=self.overdue,
            media=MediaStore(needs.settings.places.own_dir / "media", needs.make_id, needs.reactor),
            traces=self.traces,
            rules_of=rules.of,
            account_of=channels.account,
            counted=needs.counted,
            control=self.control,
            contents=_contents(needs),
        )
        channels.intake = Intake(gates, needs.reactor)
        channels.chat_moved = rules.moved
        for one in needs.plan.accounts:
            channels.add(one)
            rules.of_configured(one)  # A mistake in them ends the start, not the first message.
        owners = OwnerChats(self.control, self.values, channels.accounts)
        self._handler = InboxHandler(
            conversations, self.traces, self.overdue, self._quoted, self.control, owners.note
        )
        self.inbox = needs.make_worker(INBOX, self._handler)
        self.notices = ApprovalNotices(
            NoticeNeeds(
                outbox=self._outbox,
                entry_of=runs.entry,
                owners=owners.known,
                command_line=command_line,
                shown=shown,
                is_chinese=is_chinese,
            )
        )
        return self.notices

    @deferred
    async def load(self) -> None:
        """Read what accounts and routes had kept; fires when accounts may start."""
        assert self._handler is not None
        await self.values.load()
        await self._routes.load()
        await self._handler.watch(self._needs.queue)

    def start(self) -> None:
        """Start every account."""
        self._routes.startService()
        self.traces.startService()
        self.sockets.startService()
        self.overdue.startService()
        self.channels.startService()

    def open(self) -> None:
        """Start handing messages to their sessions."""
        assert self.inbox is not None
        self.inbox.startService()

    def shut(self) -> Deferred[None]:
        """Hand over no more messages; what comes waits in the inbox."""
        assert self.inbox is not None
        stopped = maybeDeferred(self.inbox.stopService) if self.inbox.running else None
        return gatherResults([stopped] if stopped else []).addCallback(lambda _: None)

    @deferred
    async def stop(self) -> None:
        """Stop every account; fires when all sockets are closed."""
        self.replies.stop()
        if self.notices is not None:
            await self.notices.stop()
        if self.channels.running:
            await self.overdue.stopService()
            await self.channels.stopService()
            await maybeDeferred(self.sockets.stopService)
            await maybeDeferred(self._routes.stopService)
            await self.traces.stopService()

    def _quoted(self, message: Inbound) -> str:
        account = self.channels.account(message.channel, message.account)
        off = account is not None and account.configured.settings.reply_to_mode == "off"
        return "" if off else message.message_id


class _Rules:
    """Who may speak to each account, made from its settings once; says what lets in many."""

    _log = Logger()

    def __init__(self, settings: Settings, values: ChannelValues) -> None:
        self._agents = agent_ids(settings.config.agents)
        self._values = values
        self._made: dict[tuple[str, str], tuple[ConfiguredAccount, AccessRules]] = {}

    def of(self, account: Account) -> AccessRules:
        """The rules of an account that runs."""
        return self.of_configured(account.configured)

    def of_configured(self, configured: ConfiguredAccount) -> AccessRules:
        """The rules of an account; a reloaded one is another.

        :raises ConfigError: its settings cannot be used.
        """
        key = (configured.channel, configured.account)
        kept = self._made.get(key)
        if kept is None or kept[0] is not configured:
            kept = self._made[key] = (configured, self._read(configured))
        return kept[1]

    def moved(self, account: Account, old: str, new: str) -> None:
        """What holds for one group holds for the one it has become."""
        configured = account.configured
        state = self._values.of(configured.channel, configured.account)
        known = json.loads(state.get(MOVED) or "{}")
        state.put(MOVED, json.dumps({**known, old: new})).addErrback(
            lambda failure: self._log.failure("a moved chat was not noted", failure=failure)
        )
        self._made.pop((configured.channel, configured.account), None)

    def _read(self, configured: ConfiguredAccount) -> AccessRules:
        path = f"channels.{configured.channel}"
        if configured.account != DEFAULT:
            path = f"{path}.accounts.{configured.account}"
        rules = access_rules(configured.settings, configured.channel, path, self._agents)
        for words in warnings_of(rules, path):
            self._log.warn("{words}", words=words)
        state = self._values.of(configured.channel, configured.account)
        moved: dict[str, str] = json.loads(state.get(MOVED) or "{}")
        groups = dict(rules.groups)
        for old, new in moved.items():
            if old in groups:
                groups.setdefault(new, groups[old])
        # In the order they moved: each has the first id of the one it was.
        first: dict[str, str] = {}
        for old, new in moved.items():
            first[new] = first.get(old, old)
        return evolve(rules, groups=groups, moved_from=first)


def make_channels(needs: ChannelNeeds) -> ChannelParts:
    """Make the channels of one gateway; they are joined to its conversations afterwards."""
    settings = needs.settings
    reactor = needs.reactor
    values = ChannelValues(needs.store)
    media = MediaStore(settings.places.own_dir / "media", needs.make_id, reactor)
    traces = Traces(needs.store, reactor, needs.now_ms)
    sent = SentRecords(needs.store, needs.now_ms)
    sockets = OutboundSockets(
        reactor,
        PublicOnly(SystemNames(reactor)),
        pins=settings.pins,
        connect_seconds=float(settings.config.connections.pool.connection_timeout),
    )
    around = Surroundings(
        registry=Registry(),
        tools=Tools(
            clock=reactor,
            now_ms=needs.now_ms,
            random=SystemRandom(),
            http=needs.http,
            sockets=sockets,
        ),
        values=values,
        sent=sent,
        traces=traces,
        make_worker=needs.make_worker,
        reread=needs.plan.reread,
        webhook_base="",
        downloads=Downloads(needs.http, reactor),
        media=media,
        changed=lambda: parts.changed(),
        alert=needs.alert,
    )
    channels = Channels(around)
    outbox = Outbox(needs.queue, sent, traces, channels.account, deferToThread)
    channels.outbox = outbox
    routes = Routes(needs.store, needs.now_ms)
    router = _router(needs, routes)
    patience = float(settings.config.messages.notice_after)
    overdue = Overdue(outbox, reactor, needs.alert, lambda: parts.changed(), patience)
    parts = ChannelParts(
        channels=channels,
        replies=ChannelReplies(outbox, channels.account, traces, reactor, overdue),
        overdue=overdue,
        router=router,
        sockets=sockets,
        values=values,
        sent=sent,
        media=media,
        traces=traces,
        control=Control(frozenset(settings.config.gateway.auth.admin_channels), control_method),
        routes=routes,
        needs=needs,
        outbox=outbox,
    )
    return parts


def _router(needs: ChannelNeeds, routes: Routes) -> Router:
    settings = needs.settings
    defaults = {one.channel: one.account for one in needs.plan.accounts if one.is_default}
    keys = KeyMaker(
        dm_scope=settings.config.session.dm_scope,
        main_key=settings.config.session.main_key,
        default_account=lambda channel: defaults.get(channel, "default"),
    )
    known = settings.config.agents.known
    default = next((one.id for one in known if one.default), known[0].id if known else "main")
    bindings = configured_bindings(settings.config.bindings)
    return Router(bindings, keys, routes, default)


def _contents(needs: ChannelNeeds) -> RecentContents | None:
    duplicates = needs.settings.config.deduplication
    if not duplicates.enabled or duplicates.strategy != "content_hash":
        return None
    return RecentContents(needs.reactor.seconds, float(duplicates.window))
