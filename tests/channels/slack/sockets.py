"""Socket Mode of the stand-in: tickets, greetings, envelopes, and what is owed for them."""

from collections.abc import Callable
from secrets import token_hex
from typing import Any, Protocol

import msgspec
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from tests.channels.slack.workspace import APP_ID, Fields

MOST_CONNECTIONS = 10


class Owner(Protocol):
    revoked: bool


class _Connection(WebSocketServerProtocol):
    factory: "_Factory"
    transport: Any

    def connectionMade(self) -> None:
        super().connectionMade()
        self.factory.sockets.accepted.add(self)
        if self.factory.sockets.frozen:
            self.transport.pauseProducing()

    def onConnect(self, request: Any) -> None:
        """Let in whoever has a ticket that nobody used."""
        ticket = request.params.get("ticket", [""])[0]
        if ticket not in self.factory.sockets.tickets:
            raise ConnectionDeny(403)
        self.factory.sockets.tickets.remove(ticket)

    def onOpen(self) -> None:
        self.factory.sockets.opened(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.factory.sockets.received(self, payload)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self.factory.sockets.lost(self)

    def say(self, frame: Fields) -> None:
        self.sendMessage(msgspec.json.encode(frame))


class _Factory(WebSocketServerFactory):
    protocol: Any = _Connection

    def __init__(self, sockets: "Sockets", reactor: Any) -> None:
        super().__init__(reactor=reactor)
        self.sockets = sockets
        self.setProtocolOptions(
            failByDrop=False, openHandshakeTimeout=0, closeHandshakeTimeout=0, autoPingInterval=0
        )


class Sockets:
    """Every connection of the app.

    :ivar shown_port: where the app is sent, if that is not where it listens: to a proxy.
    :ivar greets: whether connections are greeted at all.
    :ivar acks: what came back, by envelope: the connection and the whole answer.
    :ivar violations: what the app did that Slack would not stand.
    :ivar greeted: called for each connection that was greeted.
    """

    def __init__(self, owner: Owner) -> None:
        self.tickets: set[str] = set()
        self.live: list[_Connection] = []
        self.accepted: set[_Connection] = set()
        self.most = 0
        self.greets = True
        self.app_id = APP_ID
        self.frozen = False
        self.shown_port = 0
        self.acks: dict[str, tuple[_Connection, Fields]] = {}
        self.sent: dict[str, tuple[_Connection, str]] = {}
        self.greeted: Callable[[_Connection], None] = lambda _: None
        self.total = 0
        self.violations: list[str] = []
        self._owed: dict[str, tuple[str, Fields, str, int]] = {}
        self._port: Any = None
        self._empty: Deferred[None] | None = None
        self._owner = owner

    def listen(self, reactor: Any) -> None:
        self._port = reactor.listenTCP(0, _Factory(self, reactor), interface="127.0.0.1")

    async def stop(self) -> None:
        await maybeDeferred(self._port.stopListening)
        if self.accepted:
            self._empty = Deferred()
            self.drop()
            await self._empty

    def ticket(self) -> str:
        """An address that may be used once."""
        ticket = token_hex(8)
        self.tickets.add(ticket)
        return (
            f"ws://127.0.0.1:{self.shown_port or self.port}/link/?ticket={ticket}&app_id={APP_ID}"
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._port.getHost().port)

    @property
    def open(self) -> int:
        return len(self.accepted)

    def opened(self, connection: _Connection) -> None:
        if len(self.live) >= MOST_CONNECTIONS:
            connection.say({"type": "disconnect", "reason": "too_many_websockets"})
            connection.sendClose()
            return
        self.live.append(connection)
        self.total += 1
        self.most = max(self.most, len(self.accepted))
        if not self.greets:
            return
        connection.say(
            {
                "type": "hello",
                "num_connections": len(self.live),
                "debug_info": {"host": "applink-1", "approximate_connection_time": 18060},
                "connection_info": {"app_id": self.app_id},
            }
        )
        for kind, payload, name, attempt in [*self._owed.values()]:
            self._send(connection, kind, payload, name, attempt + 1)
        self.greeted(connection)

    def lost(self, connection: _Connection) -> None:
        self.accepted.discard(connection)
        if connection in self.live:
            self.live.remove(connection)
        if not self.accepted and self._empty is not None and not self._empty.called:
            self._empty.callback(None)

    def deliver(self, kind: str, payload: Fields, name: str, attempt: int = 0) -> str:
        """Send an envelope over the newest connection, or when there is one."""
        if not self.live or not self.greets:
            self._owed[f"waiting-{token_hex(6)}"] = (kind, payload, name, attempt - 1)
            return ""
        return self._send(self.live[-1], kind, payload, name, attempt)

    def _send(
        self, connection: _Connection, kind: str, payload: Fields, name: str, attempt: int
    ) -> str:
        for waiting in [key for key, value in self._owed.items() if value[1] is payload]:
            del self._owed[waiting]
        envelope = token_hex(8)
        self._owed[envelope] = (kind, payload, name, attempt)
        self.sent[envelope] = (connection, name)
        frame: Fields = {
            "envelope_id": envelope,
            "payload": payload,
            "type": kind,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            frame["retry_attempt"] = attempt
            frame["retry_reason"] = "timeout" if attempt else ""
        connection.say(frame)
        return envelope

    def received(self, connection: _Connection, payload: bytes) -> None:
        frame = msgspec.json.decode(payload)
        envelope = frame["envelope_id"]
        if envelope not in self.sent:
            self.violations.append("an acknowledgement of nothing")
        elif self.sent[envelope][0] is not connection:
            self.violations.append("acknowledged on another connection")
        self.acks[envelope] = (connection, frame)
        self._owed.pop(envelope, None)

    def acknowledged(self, name: str) -> bool:
        """Whether nothing of that name is owed."""
        named = [envelope for envelope, (_, each) in self.sent.items() if each == name]
        owed = [each for _, _, each, _ in self._owed.values() if each == name]
        return bool(named) and not owed

    def disconnect(self, reason: str) -> None:
        """Announce an end to the newest connection."""
        self.live[-1].say({"type": "disconnect", "reason": reason, "debug_info": {}})

    def drop(self) -> None:
        for connection in list(self.accepted):
            connection.transport.abortConnection()

    def freeze(self, frozen: bool) -> None:
        self.frozen = frozen
        for connection in list(self.accepted):
            if frozen:
                connection.transport.pauseProducing()
            else:
                connection.transport.resumeProducing()
