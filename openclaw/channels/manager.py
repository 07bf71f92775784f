"""Every account that is configured: made, started and stopped one by one, seen from one place."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from attrs import evolve, frozen
from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, fail, gatherResults, maybeDeferred
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.channels.account import Account
from openclaw.channels.accounts import ConfiguredAccount
from openclaw.channels.delivery import Deliverer
from openclaw.channels.intake import Intake
from openclaw.channels.link import Link, Tools
from openclaw.channels.media import MediaStore, Unfetched, kind_of
from openclaw.channels.outbox import Outbox
from openclaw.channels.records import ChannelValues, SentRecords
from openclaw.channels.registry import Registry, load
from openclaw.channels.status import Record
from openclaw.deferreds import deferred
from openclaw.errors import InvalidRequest, Unavailable
from openclaw.interfaces.channels import (
    AccountStatus,
    ChannelDown,
    ChannelFailed,
    IChannels,
    Manifest,
    WebhookAnswer,
    WebhookPlace,
    WebhookRequest,
)
from openclaw.interfaces.messages import Attachment, Outgoing, Sent, Target
from openclaw.interfaces.outbound import IDownloads, OutboundError
from openclaw.interfaces.queue import IHandler, outbox
from openclaw.interfaces.tracing import ITraces

MakeWorker = Callable[[str, IHandler], Service]


@frozen(kw_only=True)
class Surroundings:
    """What the accounts are made with.

    :ivar make_worker: makes the worker of one queue, over a handler; it works while it runs.
    :ivar reread: the accounts as the configuration has them now.
    :ivar webhook_base: how platforms reach this gateway, without a slash at its end; may be empty.
    :ivar media: keeps files that come and go.
    :ivar changed: told after every change of an account's state.
    :ivar alert: told of what an operator should hear of: its kind, in words.
    """

    registry: Registry
    tools: Tools
    values: ChannelValues
    sent: SentRecords
    traces: ITraces
    make_worker: MakeWorker
    reread: Callable[[], Sequence[ConfiguredAccount]]
    webhook_base: str
    downloads: IDownloads
    media: MediaStore
    changed: Callable[[], None]
    alert: Callable[[str, str], None]


class _Running:
    """One account with the worker of its outbox; the worker works while the account does."""

    def __init__(self, account: Account, worker: Service) -> None:
        self.account = account
        self.worker = worker

    def follow(self) -> None:
        """Let the worker work if the account is connected, and rest if it is not."""
        connected = self.account.connected
        if connected and not self.worker.running:
            self.worker.startService()
        elif not connected and self.worker.running:
            self.worker.stopService()


@implementer(IChannels)
class Channels(MultiService):
    """The accounts; each is a service of its own, and none can harm another.

    :ivar intake: takes what the platforms hand in; set once, before the start.
    :ivar chat_moved: told that one chat of an account has become another.
    """

    _log = Logger()

    def __init__(self, around: Surroundings) -> None:
        super().__init__()
        self.setName("channels")
        self._around = around
        self._accounts: dict[tuple[str, str], _Running] = {}
        self._order: list[tuple[str, str]] = []
        self.outbox: Outbox
        self.intake: Intake
        self.chat_moved: Callable[[Account, str, str], None] = lambda *_: None

    # -- making --------------------------------------------------------------------------------

    def add(self, configured: ConfiguredAccount) -> Account:
        """Make an account, and start it if the others run.

        :raises InvalidRequest: there is one of that name already.
        """
        key = (configured.channel, configured.account)
        if key in self._accounts:
            raise InvalidRequest(f"there is already an account {'/'.join(key)}")
        account = self._made(configured)
        if key not in self._order:
            self._order.append(key)
        if configured.settings.enabled:
            account.setServiceParent(self)
        return account

    def _made(self, configured: ConfiguredAccount) -> Account:
        around = self._around
        key = (configured.channel, configured.account)
        status = AccountStatus(
            channel=configured.channel,
            account=configured.account,
            state="stopped" if configured.settings.enabled else "disabled",
            label=configured.manifest.label,
            is_default=configured.is_default,
            enabled=configured.settings.enabled,
            name=configured.settings.name,
        )
        record = Record(status, around.tools.now_ms, lambda: self._changed(key), around.alert)
        account = Account(configured, record, around.tools.clock, around.tools.random)
        account.channel = load(configured.manifest.factory)(self._link(account))
        record.status = evolve(record.status, mode=getattr(account.channel, "mode", ""))
        deliverer = Deliverer(
            account, around.sent, around.traces, around.tools.now_ms, self.outbox.done
        )
        worker = around.make_worker(outbox(*key), deliverer)
        self._accounts[key] = _Running(account, worker)
        return account

    def _link(self, account: Account) -> Link:
        configured, tools = account.configured, self._around.tools
        return Link(
            channel=configured.channel,
            account=configured.account,
            settings=configured.settings,
            manifest=configured.manifest,
            clock=tools.clock,
            now_ms=tools.now_ms,
            random=tools.random,
            http=tools.http,
            sockets=tools.sockets,
            state=self._around.values.of(configured.channel, configured.account),
            webhook_url=self._webhook_url(configured),
            runs=account,
            intake=self.intake,
            chat_moved=self._moved,
        )

    def _webhook_url(self, configured: ConfiguredAccount) -> str:
        if configured.settings.webhook_url:
            return configured.settings.webhook_url
        base = self._around.webhook_base
        return f"{base}{configured.webhook_path}" if base else ""

    def _moved(self, account: Account, old: str, new: str) -> None:
        self._log.warn(
            "{name}: chat {old} has become {new}; put the new id into channels.{channel}.groups",
            name=account.key,
            old=old,
            new=new,
            channel=account.configured.channel,
        )
        self.chat_moved(account, old, new)

    def _changed(self, key: tuple[str, str]) -> None:
        running = self._accounts.get(key)
        if running is not None:
            running.follow()
        self._around.changed()

    # -- IChannels -----------------------------------------------------------------------------

    def manifests(self) -> Sequence[Manifest]:
        """See :meth:`IChannels.manifests`."""
        return self._around.registry.all()

    def statuses(self) -> Sequence[AccountStatus]:
        """See :meth:`IChannels.statuses`."""
        return [self._accounts[key].account.record.shown() for key in self._order]

    def account(self, channel: str, account: str) -> Account | None:
        """One account; ``None`` if it is not configured."""
        running = self._accounts.get((channel, account))
        return running.account if running is not None else None

    def accounts(self) -> Sequence[tuple[str, str]]:
        """Every account there is, ``(channel, account)``, in the order of the configuration."""
        return tuple(self._order)

    def default_account(self, channel: str) -> str:
        """See :meth:`IChannels.default_account`."""
        for key in self._order:
            if key[0] == channel and self._accounts[key].account.configured.is_default:
                return key[1]
        known = ", ".join(sorted({key[0] for key in self._order}))
        raise InvalidRequest(f"channel {channel!r} is not configured; configured: {known}")

    def send(self, outgoing: Sequence[Outgoing]) -> Deferred[Sequence[Sent]]:
        """See :meth:`IChannels.send`."""
        try:
            for one in outgoing:
                self._existing(one.target.channel, one.target.account)
        except InvalidRequest as error:
            return fail(error)
        return self.outbox.send(outgoing)

    @deferred
    async def compose(self, target: Target, text: str, key: str, **more: Any) -> Sequence[Outgoing]:
        """See :meth:`IChannels.compose`."""
        self._existing(target.channel, target.account)
        return await self.outbox.compose(target, text, key, **more)

    @deferred
    async def attach(self, channel: str, account: str, url: str) -> Attachment:
        """See :meth:`IChannels.attach`."""
        configured = self._existing(channel, account).account.configured
        if not configured.manifest.abilities.media:
            raise InvalidRequest(f"{configured.manifest.label} takes no files")
        name = urlsplit(url).path.rpartition("/")[2]
        try:
            response = await self._around.downloads.open(url)
            kept = await self._around.media.kept(
                response, Attachment(kind="document", name=name), configured.media_bytes
            )
        except (OutboundError, Unfetched) as error:
            raise InvalidRequest(f"mediaUrl cannot be fetched: {error.message}") from None
        return msgspec.structs.replace(kept, kind=kind_of(kept.mime))

    def webhook_at(self, path: str) -> WebhookPlace | None:
        """See :meth:`IChannels.webhook_at`."""
        served = [
            one.account.configured
            for one in self._accounts.values()
            if one.account.running and one.account.configured.manifest.abilities.webhook
        ]
        for one in served:
            own = one.webhook_path
            if path == own or path.startswith(f"{own}/"):
                return _place(one, path[len(own) :])
        for one in served:
            # What the platform was told, unless somebody in between translates it.
            is_told = bool(path) and path == one.public_path
            if is_told or (one.is_default and path == f"/webhook/{one.channel}"):
                return _place(one)
        return None

    def webhook(self, place: WebhookPlace, request: WebhookRequest) -> Deferred[WebhookAnswer]:
        """See :meth:`IChannels.webhook`."""
        running = self._existing(place.channel, place.account)
        return running.account.channel.webhook(request)

    @deferred
    async def probe(self, channel: str, account: str) -> str:
        """See :meth:`IChannels.probe`."""
        running = self._existing(channel, account)
        try:
            return await running.account.channel.probe()
        except (ChannelDown, ChannelFailed) as error:
            raise Unavailable(f"{running.account.key}: {error.message}") from None

    @deferred
    async def reload(self, channel: str, account: str) -> Sequence[str]:
        """See :meth:`IChannels.reload`."""
        fresh = {
            (one.channel, one.account): one
            for one in self._around.reread()
            if one.channel == channel and account in ("", one.account)
        }
        stale = [key for key in self._order if key[0] == channel and account in ("", key[1])]
        if not fresh and not stale:
            raise InvalidRequest(f"channel {channel!r} is not configured")
        for key in stale:
            await self._remove(key)
        for configured in fresh.values():
            self.add(configured)
        self._around.changed()
        return [f"{name}/{one}" for name, one in {*stale, *fresh}]

    @deferred
    async def stop_account(self, channel: str, account: str) -> bool:
        """See :meth:`IChannels.stop_account`."""
        running = self._existing(channel, account)
        was = running.account.running
        if was:
            await maybeDeferred(running.account.disownServiceParent)
        return bool(was)

    async def _remove(self, key: tuple[str, str]) -> None:
        running = self._accounts[key]
        if running.account.parent is not None:
            await maybeDeferred(running.account.disownServiceParent)
        if running.worker.running:
            await maybeDeferred(running.worker.stopService)
        del self._accounts[key]
        self._order.remove(key)

    def _existing(self, channel: str, account: str) -> _Running:
        running = self._accounts.get((channel, account))
        if running is None:
            known = ", ".join("/".join(key) for key in self._order) or "none"
            raise InvalidRequest(f"no account {channel}/{account} is configured; known: {known}")
        return running

    def stopService(self) -> Deferred[list[Any]]:
        """Stop every account; fires once all sockets are closed and no call is under way."""
        self.intake.close()
        workers = [
            maybeDeferred(one.worker.stopService)
            for one in self._accounts.values()
            if one.worker.running
        ]
        stopped = maybeDeferred(super().stopService)
        return gatherResults([stopped, *workers], consumeErrors=True)


def _place(configured: ConfiguredAccount, rest: str = "") -> WebhookPlace:
    return WebhookPlace(
        channel=configured.channel,
        account=configured.account,
        rest=rest,
        body_bytes=configured.manifest.webhook_bytes,
    )
