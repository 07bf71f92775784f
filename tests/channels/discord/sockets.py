"""Discord's gateway as a stand-in: sessions that can be resumed, and Discord's own strictness."""

import json
from typing import Any, cast

from attrs import define, field
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.interfaces import IReactorTime

GUILD_MESSAGES, REACTIONS, DIRECT, DIRECT_REACTIONS = 1 << 9, 1 << 10, 1 << 12, 1 << 13
CONTENT, MEMBERS, PRESENCES = 1 << 15, 1 << 1, 1 << 8
ALL_INTENTS = (1 << 26) - 1
IDENTIFY_SECONDS = 5.0


@define
class Session:
    """What a client can come back to.

    :ivar safe: the last event that the client said it has.
    """

    id: str
    intents: int
    events: list[tuple[int, str, Any]] = field(factory=list)
    seq: int = 0
    safe: int = 0
    shard: tuple[int, int] = (0, 1)

    def hears(self, name: str, payload: Any) -> bool:
        """Whether an event is for this shard; direct messages are for the first."""
        number, total = self.shard
        if name in ("READY", "RESUMED") or not isinstance(payload, dict):
            return True
        guild_id = payload["id"] if name == "GUILD_CREATE" else payload.get("guild_id")
        return (int(guild_id) >> 22) % total == number if guild_id else number == 0


class GatewaySocket(WebSocketServerProtocol):
    """One client's connection."""

    factory: "Gateway"
    session: Session | None = None

    def onConnect(self, request: Any) -> None:
        """Note the query; the answer to a bad one is a close code."""
        self.query = {key: values[0] for key, values in request.params.items()}
        self.frames: list[float] = []

    def onOpen(self) -> None:
        """Greet."""
        self.factory.came(self)
        if self.query.get("v") != "10" or self.query.get("encoding") != "json":
            self.shut(4012)
        elif not self.factory.silent:
            self.tell(10, {"heartbeat_interval": self.factory.interval_ms, "_trace": ["stand-in"]})

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Obey, as strictly as Discord does."""
        if self.factory.frozen:
            return
        now = self.factory.clock.seconds()
        self.frames = [*(at for at in self.frames if at > now - 60), now]
        if len(payload) > 4096:
            self.shut(4002)
            return
        if len(self.frames) > 120:
            self.shut(4008)
            return
        try:
            frame = json.loads(payload)
            op, data = frame["op"], frame.get("d")
        except (ValueError, KeyError, TypeError):
            self.shut(4002)
            return
        self.factory.frames.append(frame)
        self.obey(op, data)

    def obey(self, op: int, data: Any) -> None:
        """Do what a frame asks."""
        if op == 1:
            self.factory.beat(self, data)
        elif op == 2 and self.session is None:
            self.factory.identify(self, data)
        elif op == 6 and self.session is None:
            self.factory.resume(self, data)
        elif op in (2, 6):
            self.shut(4005)
        elif op not in (3, 4, 8):
            self.shut(4001)
        elif self.session is None:
            self.shut(4003)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """A client that says goodbye in order gives its session up."""
        self.factory.left(self, code)

    def tell(self, op: int, data: Any, seq: int | None = None, name: str | None = None) -> None:
        """Send a frame."""
        if not self.factory.frozen and self.state == self.STATE_OPEN:
            frame = {"op": op, "d": data, "s": seq, "t": name}
            self.sendMessage(json.dumps(frame).encode())

    def shut(self, code: int) -> None:
        """Close with one of Discord's codes."""
        # sendClose() takes only 1000 and 3000-4999.
        self.sendCloseFrame(code, b"")

    def cut(self) -> None:
        """Break the connection."""
        cast(Any, self.transport).abortConnection()


class Gateway(WebSocketServerFactory):
    """Every connection and session.

    :param token: asks what the right token is now.
    :param ready: makes the READY payload, and the events that follow it.
    """

    protocol: Any = GatewaySocket

    def __init__(self, clock: IReactorTime, token: Any, ready: Any) -> None:
        super().__init__()
        self.clock = clock
        self._token = token
        self._ready = ready
        self.setProtocolOptions(autoPingInterval=0, openHandshakeTimeout=0, closeHandshakeTimeout=0)
        self.interval_ms = 200
        self.allowed = ALL_INTENTS
        self.spaced_identifies = True
        self.frozen = False
        self.silent = False
        self.acking = True
        self.withholding_ready = False
        self.fewest_shards = 1
        self.putting_off_resumes = False
        self.sockets: list[GatewaySocket] = []
        self.most = 0
        self.sessions: dict[str, Session] = {}
        self.frames: list[dict[str, Any]] = []
        self.closes: list[int | None] = []
        self.identified: list[float] = []
        self._opened = 0

    # -- what clients do ---------------------------------------------------------------------------

    def came(self, socket: GatewaySocket) -> None:
        """A connection is open."""
        self.sockets.append(socket)
        self.most = max(self.most, len(self.sockets))

    def left(self, socket: GatewaySocket, code: int | None) -> None:
        """It is gone."""
        if socket in self.sockets:
            self.sockets.remove(socket)
            self.closes.append(code)
        if socket.session is not None and code in (1000, 1001) and not socket.closedByMe:
            self.sessions.pop(socket.session.id, None)

    def beat(self, socket: GatewaySocket, seq: int | None) -> None:
        """A heartbeat, with the last event that the client has."""
        if socket.session is not None and seq is not None:
            socket.session.safe = max(socket.session.safe, seq)
        if self.acking:
            socket.tell(11, None)

    def identify(self, socket: GatewaySocket, data: Any) -> None:
        """Open a session."""
        if not isinstance(data, dict) or not isinstance(data.get("properties"), dict):
            socket.shut(4002)
            return
        intents = data.get("intents")
        if data.get("token") not in (self._token(), f"Bot {self._token()}"):
            socket.shut(4004)
            return
        if not isinstance(intents, int) or intents & ~ALL_INTENTS:
            socket.shut(4013)
            return
        if intents & (CONTENT | MEMBERS | PRESENCES) & ~self.allowed:
            socket.shut(4014)
            return
        now = self.clock.seconds()
        last = self.identified[-1] if self.identified else float("-inf")
        too_soon = now - last < IDENTIFY_SECONDS - 0.05
        self.identified.append(now)
        if too_soon and self.spaced_identifies:
            socket.tell(9, False)
            return
        if self.withholding_ready:
            return
        number, total = data.get("shard") or (0, 1)
        if not 0 <= number < total or total < self.fewest_shards:
            socket.shut(4011 if total < self.fewest_shards else 4010)
            return
        self._begin(socket, intents, (number, total))

    def _begin(self, socket: GatewaySocket, intents: int, shard: tuple[int, int]) -> None:
        self._opened += 1
        session = Session(id=f"session-{self._opened}", intents=intents, shard=shard)
        self.sessions[session.id] = session
        socket.session = session
        for name, payload in self._ready(session.id):
            if name == "READY":
                guilds = [one for one in payload["guilds"] if session.hears("GUILD_CREATE", one)]
                payload = {**payload, "guilds": guilds, "shard": list(shard)}
            self._dispatch_to(session, name, payload)

    def resume(self, socket: GatewaySocket, data: Any) -> None:
        """Go on with a session: everything after ``seq`` comes again."""
        if data.get("token") not in (self._token(), f"Bot {self._token()}"):
            socket.shut(4004)
            return
        if self.putting_off_resumes:
            socket.tell(9, True)
            return
        session = self.sessions.get(str(data.get("session_id")))
        if session is None:
            socket.tell(9, False)
            return
        if not isinstance(data.get("seq"), int) or data["seq"] > session.seq:
            socket.shut(4007)
            return
        for other in self.sockets:
            if other is not socket and other.session is session:
                other.session = None
                other.cut()
        socket.session = session
        session.safe = max(session.safe, data["seq"])
        for seq, name, payload in session.events:
            if seq > data["seq"]:
                socket.tell(0, payload, seq, name)
        self._dispatch_to(session, "RESUMED", {"_trace": []}, kept=False)

    # -- what is told ------------------------------------------------------------------------------

    def dispatch(self, name: str, payload: Any, needs: int = 0) -> None:
        """An event, for every session that asked for its kind."""
        for session in self.sessions.values():
            if session.intents & needs == needs:
                self._dispatch_to(session, name, payload)

    def _dispatch_to(self, session: Session, name: str, payload: Any, kept: bool = True) -> None:
        if callable(payload):
            payload = payload(session.intents)
        if not session.hears(name, payload):
            return
        session.seq += 1
        if kept:
            session.events.append((session.seq, name, payload))
        for socket in self.sockets:
            if socket.session is session:
                socket.tell(0, payload, session.seq, name)

    def seq_of(self, message_id: str) -> list[tuple[Session, int]]:
        """Under which number each session was told of a message."""
        return [
            (session, seq)
            for session in self.sessions.values()
            for seq, name, payload in session.events
            if name == "MESSAGE_CREATE" and payload["id"] == message_id
        ]
