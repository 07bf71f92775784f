"""Channels: how they are, sending through them, and what became of a message."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from openclaw.deferreds import deferred
from openclaw.errors import GatewayError, InvalidRequest
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.gateway.repeats import Repeats
from openclaw.gateway.web_chat import NOT_A_TARGET, WEB_CHAT, WebChat
from openclaw.interfaces.channels import IChannels
from openclaw.interfaces.messages import Outgoing, OutgoingKind, Target
from openclaw.interfaces.routing import IRouter
from openclaw.interfaces.tracing import ITraces
from openclaw.monitoring.channel_views import status_of
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.channels import (
    ActionTarget,
    ChannelAccountParams,
    ChannelProbe,
    ChannelSendParams,
    ChannelSent,
    ChannelsReloaded,
    ChannelsStatus,
    ChannelsStatusParams,
    ChannelStopped,
    MessageActed,
    MessageActionParams,
    Trace,
    TraceParams,
    TraceRow,
)

NO_CHANNEL = (
    "Error: Channel is required (no configured channels detected). "
    "Run openclaw channels add to configure one, or pass --channel <channel> after enabling a "
    "channel. Use openclaw channels list --all to see available channel ids."
)
_KINDS: Mapping[str, OutgoingKind] = {
    "send": "send",
    "react": "react",
    "edit": "edit",
    "delete": "delete",
    "unsend": "delete",
}


@frozen(kw_only=True)
class ChannelMethods:
    """Every method about channels.

    :ivar channels: ``None`` where none is configured.
    :ivar router: ``None`` likewise.
    :ivar default_agent: for whom something is sent that no session says.
    """

    channels: IChannels | None
    router: IRouter | None
    web_chat: WebChat
    traces: ITraces | None
    repeats: Repeats
    now_ms: Callable[[], int]
    default_agent: str = "main"

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            "send": self.repeats.guard(self._send),
            "message.action": self.repeats.guard(self._act),
            "messages.trace": self._trace,
            "channels.status": self._status,
            "channels.reload": self._reload,
            "channels.stop": self._stop,
            "channels.logout": self._stop,
        }

    # -- sending -------------------------------------------------------------------------------

    @deferred
    async def _send(self, client: Client, params: ChannelSendParams) -> ChannelSent:
        if params.message is UNSET and params.media_url is UNSET:
            raise InvalidRequest("invalid send params: text or media is required")
        channels = self._configured(params.channel)
        target = self._target(channels, params)
        more: dict[str, Any] = {}
        if params.media_url is not UNSET:
            file = await channels.attach(target.channel, target.account, params.media_url)
            more["attachment"] = file
        words = params.message if params.message is not UNSET else ""
        calls = await channels.compose(target, words, f"send:{params.idempotency_key}", **more)
        sent = await channels.send(calls)
        return ChannelSent(
            run_id=params.idempotency_key,
            message_id=sent[0].message_id,
            channel=target.channel,
            account_id=target.account,
            chat_id=sent[0].chat_id or target.chat_id,
            message_ids=[one.message_id for one in sent],
        )

    @deferred
    async def _act(self, client: Client, params: MessageActionParams) -> MessageActed:
        channels = self._configured(params.channel)
        given, kind = params.params, _KINDS[params.action]
        account = self._account(channels, params.channel, params.account_id)
        target = Target(
            channel=params.channel,
            account=account,
            chat_id=_chat(given),
            thread_id=given.thread_id or "" if given.thread_id is not UNSET else "",
        )
        message_id = given.message_id if given.message_id is not UNSET else ""
        if kind != "send" and not message_id:
            raise InvalidRequest(f"invalid message.action params: {params.action} needs messageId")
        self._check_ability(channels, params.channel, kind)
        key = f"action:{params.idempotency_key}"
        calls: Sequence[Outgoing]
        if kind == "send":
            calls = await channels.compose(target, _words(given), key)
        else:
            calls = [
                Outgoing(
                    id=key,
                    target=target,
                    kind=kind,
                    text=_words(given) if kind == "edit" else "",
                    message_id=message_id,
                    emoji="" if given.remove or given.emoji is UNSET else given.emoji,
                )
            ]
        sent = await channels.send(calls)
        return MessageActed(ok=True, channel=params.channel, message_id=sent[0].message_id)

    def _configured(self, channel: object) -> IChannels:
        if channel == WEB_CHAT:
            raise InvalidRequest(NOT_A_TARGET)
        if self.channels is None:
            if channel is UNSET:
                raise InvalidRequest(NO_CHANNEL)
            raise InvalidRequest(f"unsupported channel: {channel}")
        return self.channels

    def _platform(self, channel: str) -> IChannels:
        if channel == WEB_CHAT:
            raise InvalidRequest(
                "the web chat is part of the gateway: it starts and stops with it"
                " (openclaw devices revoke signs one browser out)"
            )
        return self._configured(channel)

    def _target(self, channels: IChannels, params: ChannelSendParams) -> Target:
        """Where to send: what was named, or where the session was last spoken to from."""
        thread = params.thread_id if params.thread_id is not UNSET else ""
        names = list(dict.fromkeys(one.channel for one in channels.statuses()))
        if params.channel is not UNSET:
            if params.channel not in names:
                raise InvalidRequest(f"unsupported channel: {params.channel}")
            channel = params.channel
        else:
            assert self.router is not None  # There are channels, so there is one.
            channel = self.router.channel_for(self.default_agent, params.to, names)
        account = self._account(channels, channel, params.account_id)
        return Target(channel=channel, account=account, chat_id=params.to, thread_id=thread)

    def _account(self, channels: IChannels, channel: str, account: object) -> str:
        return str(account) if account is not UNSET else channels.default_account(channel)

    def _check_ability(self, channels: IChannels, channel: str, kind: OutgoingKind) -> None:
        for manifest in channels.manifests():
            able = kind == "send" or getattr(manifest.abilities, kind)
            if manifest.id == channel and not able:
                raise InvalidRequest(f"{manifest.label} cannot {kind} messages")

    # -- accounts ------------------------------------------------------------------------------

    @deferred
    async def _status(self, client: Client, params: ChannelsStatusParams) -> ChannelsStatus:
        platforms = () if self.channels is None else self.channels.statuses()
        probes: dict[tuple[str, str], ChannelProbe] = {}
        if params.probe:
            for one in platforms:
                if one.enabled:
                    probes[one.channel, one.account] = await self._probe(one.channel, one.account)
            # Whoever asks has just been answered by it.
            probes[WEB_CHAT, "default"] = ChannelProbe(ok=True, elapsed_ms=0)
        platforms = () if self.channels is None else self.channels.statuses()
        return status_of((*platforms, self.web_chat.status()), probes, self.now_ms())

    async def _probe(self, channel: str, account: str) -> ChannelProbe:
        assert self.channels is not None
        began = self.now_ms()
        try:
            said = await self.channels.probe(channel, account)
        except GatewayError as error:
            return ChannelProbe(ok=False, elapsed_ms=self.now_ms() - began, error=error.message)
        return ChannelProbe(ok=True, elapsed_ms=self.now_ms() - began, said=said)

    @deferred
    async def _reload(self, client: Client, params: ChannelAccountParams) -> ChannelsReloaded:
        account = params.account_id if params.account_id is not UNSET else ""
        channels = self._platform(params.channel)
        return ChannelsReloaded(accounts=list(await channels.reload(params.channel, account)))

    @deferred
    async def _stop(self, client: Client, params: ChannelAccountParams) -> ChannelStopped:
        channels = self._platform(params.channel)
        account = self._account(channels, params.channel, params.account_id)
        stopped = await channels.stop_account(params.channel, account)
        return ChannelStopped(
            channel=params.channel, account_id=account, stopped=stopped, logged_out=stopped
        )

    @deferred
    async def _trace(self, client: Client, params: TraceParams) -> Trace:
        steps = await self.traces.read(params.message_id) if self.traces is not None else ()
        return Trace(
            message_id=params.message_id,
            steps=[TraceRow(at=one.at_ms, step=one.step, detail=one.detail) for one in steps],
        )


def _chat(given: ActionTarget) -> str:
    for one in (given.to, given.target, given.chat_id, given.channel_id):
        if one is not UNSET and one:
            return one
    raise InvalidRequest("invalid message.action params: name the chat as `to`")


def _words(given: ActionTarget) -> str:
    for one in (given.message, given.text):
        if one is not UNSET and one:
            return one
    raise InvalidRequest("invalid message.action params: message is required")
