"""A gateway's socket side with real parts: factory, door, admission, dispatcher, events."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.client import Client
from openclaw.gateway.connection import GatewayConnection
from openclaw.gateway.dispatcher import Dispatcher, Handler
from openclaw.gateway.door import Door, Sources
from openclaw.gateway.factory import GatewayFactory
from openclaw.gateway.greeting import About, Greeting
from openclaw.gateway.outgoing import EndOfTurn
from openclaw.gateway.pace import Pace
from openclaw.gateway.presence import Presence
from openclaw.interfaces.security import Peer
from openclaw.protocol.base import Raw, encode
from openclaw.protocol.connect import Policy, SessionDefaults
from openclaw.protocol.methods import METHODS
from openclaw.protocol.schema.system import PresenceEntry
from openclaw.security.peers import PeerReader
from openclaw.security.sockets import WaitingSockets
from tests.gateway import wire
from tests.security.clients import NOW_MS, plain_params
from tests.security.clients import Door as Admitting

HEALTH = Raw(b'{"ok":true}')


class Transport(StringTransport):
    """One side of a TCP connection: remembers each write, and what was done to it."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(peerAddress=IPv4Address("TCP", host, 40_000))
        self.writes: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        """Take one write."""
        self.writes.append(data)
        super().write(data)

    def abortConnection(self) -> None:
        """Note that the connection is cut."""
        self.aborted = True

    def unregisterProducer(self) -> None:
        """As a TCP transport: harmless if there is none."""
        self.producer = None

    def setTcpNoDelay(self, enabled: bool) -> None:
        """As a TCP transport has it."""

    @property
    def gone(self) -> bool:
        """Whether the gateway gave the connection up."""
        return self.aborted or self.disconnecting


class Socket:
    """One connection in memory: what a client sends in, what the gateway wrote."""

    def __init__(self, connection: GatewayConnection, transport: Transport) -> None:
        self.connection = connection
        self.transport = transport

    def feed(self, *segments: bytes) -> None:
        """Deliver bytes, segment by segment, for as long as there is a connection."""
        for segment in segments:
            if not self.transport.gone:
                self.connection.dataReceived(segment)

    def send(self, value: object) -> None:
        """Send one JSON value as a text message."""
        self.feed(wire.frame(wire.TEXT, encode(value)))

    def taken(self) -> list[wire.Seen]:
        """The frames since the last time."""
        data = self.transport.value()
        self.transport.clear()
        self.transport.writes.clear()
        return list(wire.frames(data))

    def lose(self) -> None:
        """Let the connection end as TCP does."""
        self.connection.connectionLost(Failure(ConnectionDone()))


class Rig:
    """Everything behind the port but HTTP and the domain; ids count up, time stands still.

    :param handlers: beside or instead of the three that are always there.
    :param turns: whose ``callLater(0)`` ends a reactor turn; the clock of the rig if left out.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler] | None = None,
        *,
        policy: Policy | None = None,
        turns: IReactorTime | None = None,
        waiting: WaitingSockets | None = None,
        **door: Any,
    ) -> None:
        self.security = Admitting()
        self.clock: Clock = self.security.clock
        numbers = itertools.count(1)
        served: dict[str, Handler] = {
            "health": lambda client, params: HEALTH,
            "last-heartbeat": lambda client, params: None,
            "system-presence": lambda client, params: self.presence.text(),
            **(handlers or {}),
        }
        self.broadcaster = Broadcaster()
        self.presence = Presence(
            PresenceEntry(ts=NOW_MS, mode="gateway", reason="self"),
            self.broadcaster,
            self.now_ms,
            self.clock,
        )
        self.dispatcher = Dispatcher(
            {name: METHODS[name] for name in served}, served, lambda: f"ref-{next(numbers)}"
        )
        self.notices: list[tuple[str, str]] = []
        self.waiting = WaitingSockets() if waiting is None else waiting
        policy = policy or Policy()
        reader = PeerReader(())
        self.door = Door(
            sources=Sources(
                clock=self.clock, now_ms=self.now_ms, make_id=lambda: f"id-{next(numbers)}"
            ),
            peer_of=lambda address, headers: reader.read(getattr(address, "host", ""), headers),
            admission=self.security.admission,
            devices=self.security.devices,
            dispatcher=self.dispatcher,
            broadcaster=self.broadcaster,
            presence=self.presence,
            greeting=Greeting(
                _about(policy),
                self.dispatcher.methods,
                self.presence,
                self.broadcaster,
                lambda: HEALTH,
                self.now_ms,
            ),
            end_of_turn=EndOfTurn(turns or self.clock),
            pace=Pace(turns or self.clock),
            waiting=self.waiting,
            noticed=lambda kind, detail: self.notices.append((kind, detail)),
            policy=policy,
            ready=True,
            **door,
        )
        self.factory = GatewayFactory(self.door, self.clock)

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return self.security.now_ms()

    def dial(self, host: str = "127.0.0.1", **headers: str) -> Socket:
        """Open a WebSocket; the challenge is the first frame to be taken."""
        transport = Transport(host)
        connection = self.factory.buildProtocol(transport.getPeer())
        connection.makeConnection(transport)
        connection.dataReceived(wire.upgrade(headers))
        head, _, rest = transport.value().partition(b"\r\n\r\n")
        transport.clear()
        transport.writes.clear()
        socket = Socket(connection, transport)
        if not wire.accepted(head):
            socket.lose()
            raise ConnectionRefusedError(head.decode())
        transport.write(rest)
        return socket

    def connect(self, client: str = "gateway-client/backend", **sent: Any) -> Socket:
        """Dial, shake hands, and leave nothing unread."""
        socket = self.dial()
        challenge, *_ = socket.taken()
        sent = {"nonce": challenge.json()["payload"]["nonce"], **sent}
        socket.send(connect_request(client, **sent))
        self.turn()  # Only a few may come in one.
        hello, *_ = socket.taken()  # After it a new device is present.
        if not hello.json()["ok"]:
            raise ConnectionRefusedError(hello.json()["error"]["message"])
        return socket

    def client(self, socket: Socket) -> Client:
        """The client behind a socket: the one whose frames end up in its transport."""
        found = socket.connection._client
        assert found is not None
        return found

    def turn(self) -> None:
        """End this reactor turn."""
        self.clock.advance(0)


def connect_request(client: str = "gateway-client/backend", **sent: Any) -> dict[str, Any]:
    """The request that opens a connection."""
    return {
        "type": "req",
        "id": "c1",
        "method": "connect",
        "params": plain_params(client, **sent),
    }


def answers(seen: Iterable[wire.Seen]) -> list[Any]:
    """The JSON of every text frame."""
    return [one.json() for one in seen if one.opcode == wire.TEXT]


def waiting_handler() -> tuple[Handler, list[Deferred[Any]]]:
    """A handler that waits, and the Deferreds it waits for."""
    waiting: list[Deferred[Any]] = []

    def handler(client: Client, params: Any) -> Deferred[Any]:
        waiting.append(Deferred())
        return waiting[-1]

    return handler, waiting


def peer(address: str = "127.0.0.1") -> Peer:
    """Somebody on this machine."""
    return Peer(address, loopback=address == "127.0.0.1")


def _about(policy: Policy) -> About:
    return About(
        version="1",
        boot_id="boot",
        started_at_ms=NOW_MS,
        config_hash="hash",
        auth_mode="token",
        session_defaults=SessionDefaults(
            default_agent_id="main", main_key="main", main_session_key="agent:main:main"
        ),
        policy=policy,
    )
