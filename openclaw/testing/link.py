"""A link for tests of one platform: real HTTP and sockets, what arrives is written down."""

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from openclaw.http.outbound import TreqOutbound
from openclaw.interfaces.channels import IChannelState, ILink, Manifest, Taken
from openclaw.interfaces.messages import Inbound
from openclaw.interfaces.outbound import IOutboundHTTP, IOutboundSockets


@implementer(IChannelState)
class KeptState:
    """Values in memory; a second link over the same one sees what a restart would."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.puts = 0

    def get(self, name: str) -> str:
        """See :meth:`IChannelState.get`."""
        return self.values.get(name, "")

    def put(self, name: str, value: str) -> Deferred[None]:
        """See :meth:`IChannelState.put`."""
        self.puts += 1
        if value:
            self.values[name] = value
        else:
            self.values.pop(name, None)
        return succeed(None)


@implementer(ILink)
@define(kw_only=True)
class RecordingLink:
    """What a channel is given, with everything it tells written down.

    :ivar refusing: what :meth:`receive` fails with, for as long as it is set.
    :ivar events: ``connected``, ``degraded: why`` … in order.
    """

    manifest: Manifest
    settings: Any
    reactor: Any
    sockets: IOutboundSockets
    channel: str = ""
    account: str = "default"
    now_ms: Callable[[], int] = lambda: 1_700_000_000_000
    webhook_url: str = ""
    state: KeptState = field(factory=KeptState)
    random: Random = field(factory=lambda: Random(1))
    received: list[Inbound] = field(factory=list)
    events: list[str] = field(factory=list)
    refusing: Exception | None = None
    taken: Taken = "queued"
    heard_times: int = 0
    http: IOutboundHTTP = field(init=False)
    clock: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.channel = self.channel or self.manifest.id
        self.http = TreqOutbound(self.reactor)
        self.clock = self.reactor

    def connected(self, name: str = "") -> None:
        """See :meth:`ILink.connected`."""
        self.events.append("connected")

    def degraded(self, why: str) -> None:
        """See :meth:`ILink.degraded`."""
        self.events.append(f"degraded: {why}")

    def heard(self) -> None:
        """See :meth:`ILink.heard`."""
        self.heard_times += 1

    def receive(self, message: Inbound) -> Deferred[Taken]:
        """See :meth:`ILink.receive`."""
        if self.refusing is not None:
            return fail(self.refusing)
        self.received.append(message)
        return succeed(self.taken)

    def moved(self, old_chat_id: str, new_chat_id: str) -> None:
        """See :meth:`ILink.moved`."""
        self.events.append(f"moved: {old_chat_id} {new_chat_id}")
