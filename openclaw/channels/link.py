"""What one account is given: its settings, its tools, and the way into the gateway."""

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import define, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openclaw.channels.account import Account
from openclaw.channels.intake import Intake
from openclaw.interfaces.channels import IChannelState, ILink, Manifest, Taken
from openclaw.interfaces.messages import Inbound
from openclaw.interfaces.outbound import IOutboundHTTP, IOutboundSockets


@frozen(kw_only=True)
class Tools:
    """What every account works with."""

    clock: IReactorTime
    now_ms: Callable[[], int]
    random: Random
    http: IOutboundHTTP
    sockets: IOutboundSockets


@implementer(ILink)
@define(kw_only=True)
class Link:
    """One account's link.

    :ivar name_changed: told the chats that moved, as (old, new).
    """

    channel: str
    account: str
    settings: Any
    manifest: Manifest
    clock: IReactorTime
    now_ms: Callable[[], int]
    random: Random
    http: IOutboundHTTP
    sockets: IOutboundSockets
    state: IChannelState
    webhook_url: str
    runs: Account
    intake: Intake
    chat_moved: Callable[[Account, str, str], None]

    def connected(self, name: str = "") -> None:
        """See :meth:`ILink.connected`."""
        self.runs.record.named(name)
        self.runs.record.heard()
        self.runs.life.connected()

    def degraded(self, why: str) -> None:
        """See :meth:`ILink.degraded`."""
        self.runs.life.degraded(why)

    def heard(self) -> None:
        """See :meth:`ILink.heard`."""
        self.runs.record.heard()

    def receive(self, message: Inbound) -> Deferred[Taken]:
        """See :meth:`ILink.receive`."""
        if (message.channel, message.account) != (self.channel, self.account):
            raise ValueError(
                f"{self.channel}/{self.account} handed in a message of "
                f"{message.channel}/{message.account}"
            )
        record = self.runs.record
        record.heard()
        record.inbound_ms = record.heard_ms
        return self.intake.take(self.runs, message)

    def moved(self, old_chat_id: str, new_chat_id: str) -> None:
        """See :meth:`ILink.moved`."""
        self.chat_moved(self.runs, old_chat_id, new_chat_id)
