"""What all connections share: who may come in, what they are told, who is inside."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from attrs import Factory, define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger

from openclaw.errors import ConnectRefused
from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Dispatcher
from openclaw.gateway.greeting import Greeting
from openclaw.gateway.outgoing import EndOfTurn
from openclaw.gateway.pace import Pace
from openclaw.gateway.presence import Presence
from openclaw.interfaces.security import Admitted, IAdmission, IDevices, Peer
from openclaw.protocol.connect import Policy
from openclaw.protocol.hello import HelloOk
from openclaw.protocol.opening import DIALECTS, Dialect, Opening
from openclaw.protocol.schema.system import ShutdownEvent
from openclaw.security.limits.traffic import Meter, Traffic

PeerOf = Callable[[IAddress | None, Mapping[str, str]], Peer]


class Waiting(Protocol):
    """Counts sockets that have not proven anything yet."""

    def enter(self, peer: Peer) -> bool:
        """Take a place; false if there is none."""

    def leave(self, peer: Peer) -> None:
        """Give the place back."""


class Socket(Protocol):
    """What the door may do with a connection, admitted or not."""

    def close(self, code: int, reason: str) -> None:
        """Close with a code and a reason."""

    def drop(self) -> None:
        """Cut the connection without a word."""


@frozen
class Timing:
    """How long things may take; seconds."""

    handshake: float = 15.0
    ping: float = 25.0
    pong: float = 25.0


@frozen(kw_only=True)
class Sources:
    """Where ids and times come from; tests give their own.

    :ivar now_ms: Unix milliseconds.
    :ivar make_id: a fresh UUID.
    """

    clock: IReactorTime
    now_ms: Callable[[], int]
    make_id: Callable[[], str]


@define
class Door:
    """Lets connections in, greets them, and knows who is inside.

    :ivar traffic: limits of plain traffic; ``None``: there are none.
    :ivar short_cut: read ordinary frames without Autobahn (gateway/fast_frames.py).
    """

    _log = Logger()

    sources: Sources
    peer_of: PeerOf
    admission: IAdmission
    devices: IDevices
    dispatcher: Dispatcher
    broadcaster: Broadcaster
    presence: Presence
    greeting: Greeting
    end_of_turn: EndOfTurn
    waiting: Waiting
    noticed: Callable[[str, str], None]
    traffic: Traffic | None = None
    timing: Timing = field(factory=Timing)
    policy: Policy = field(factory=Policy)
    dialects: frozenset[Dialect] = frozenset(DIALECTS)
    pace: Pace = field(default=Factory(lambda door: Pace(door.clock), takes_self=True))
    short_cut: bool = True
    ready: bool = False
    _sockets: set[Socket] = field(factory=set, init=False)

    @property
    def clock(self) -> IReactorTime:
        """The clock of every timer here."""
        return self.sources.clock

    @property
    def handshake_seconds(self) -> float:
        """How long a socket may take to become a client."""
        return self.timing.handshake

    @property
    def ping_seconds(self) -> float:
        """How often a client is pinged."""
        return self.timing.ping

    @property
    def pong_seconds(self) -> float:
        """How long a client may take to answer a ping."""
        return self.timing.pong

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return self.sources.now_ms()

    def make_nonce(self) -> str:
        """What the next client has to sign."""
        return self.sources.make_id()

    def make_conn_id(self) -> str:
        """A name for the next connection."""
        return self.sources.make_id()

    def admit(self, opening: Opening, peer: Peer, nonce: str) -> Admitted | Deferred[Admitted]:
        """Decide on one handshake.

        :raises ConnectRefused: also through the Deferred.
        """
        if not self.ready:
            raise ConnectRefused(
                "gateway starting; retry shortly",
                {"reason": "startup-sidecars"},
                wire_code="UNAVAILABLE",
                close_code=1013,
                reason="gateway starting",
                retryable=True,
                retry_after_ms=500,
            )
        if opening.dialect != "native":
            asked = opening.params.scopes if opening.asked_scopes else None
            return self.admission.admit_seed(opening.params.auth, opening.params.role, asked, peer)
        return self.admission.admit(opening.params, peer, nonce)

    def meter(self, peer: Peer) -> Meter | None:
        """Start to count the frames of one connection, with the first; ``None``: nobody does.

        :raises ConnectRefused: even that one is too many.
        """
        if self.traffic is None:
            return None
        meter = self.traffic.meter()
        busy = meter.take("connect", peer.address)
        if busy is not None:
            raise ConnectRefused(
                busy.message,
                busy.details,
                wire_code=busy.code,
                close_code=1013,
                retryable=True,
                retry_after_ms=busy.retry_after_ms,
            )
        return meter

    def hello(self, client: Client) -> HelloOk:
        """What a new client is told; it is in the presence list it reads."""
        self.presence.arrived(client)
        return self.greeting.hello(client)

    def joined(self, client: Client) -> None:
        """The client has its hello: from now on it receives events."""
        if client.admitted.device_id is not None:
            self.devices.seen(client.admitted.device_id, "connect")
        self.presence.announce(client)
        self.broadcaster.join(client)

    def left(self, client: Client) -> None:
        """The client is gone."""
        self.broadcaster.leave(client)
        client.gone()
        if client.admitted.device_id is not None:
            self.devices.seen(client.admitted.device_id, "disconnect")
        self.presence.departed(client)

    def opened(self, socket: Socket) -> None:
        """A socket is open; it is no client yet."""
        self._sockets.add(socket)

    def closed(self, socket: Socket) -> None:
        """A socket is gone."""
        self._sockets.discard(socket)

    def sockets(self) -> Iterator[Socket]:
        """Every open socket, clients or not."""
        return iter(tuple(self._sockets))

    def shut(self, reason: str) -> None:
        """Tell everybody that the gateway is going, then close every socket with 1012."""
        self.ready = False
        self.broadcaster.publish("shutdown", ShutdownEvent(reason=reason))
        for socket in self.sockets():
            socket.close(1012, "service restart")
