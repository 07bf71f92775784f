"""A small real gateway for client tests: a WebSocket server that speaks just enough protocol."""

import json
from collections.abc import Callable
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.protocols.tls import TLSMemoryBIOFactory

from openclaw.config.tls import TlsSettings
from openclaw.security.tls.contexts import ServerContexts
from openclaw.security.tls.pairs import Pair

NONCE = "stand-in-nonce"
CHALLENGED_AT_MS = 1_795_160_402_930


class Refusal(Exception):
    """What a method raises to answer with an error object."""

    def __init__(self, code: str, message: str, close: int | None = None, **more: object) -> None:
        super().__init__(message)
        self.close = close
        self.error = {"code": code, "message": message, **more}


Method = Callable[["Connection", dict[str, Any]], object]


class Connection(WebSocketServerProtocol):
    """One client of the stand-in."""

    factory: "_Factory"

    def onOpen(self) -> None:
        """Challenge, unless told to stay silent."""
        self.closed: Deferred[tuple[int | None, str | None]] = Deferred()
        self.seq = 0
        self.factory.gateway.connections.append(self)
        if self.factory.gateway.challenges:
            self.event("connect.challenge", {"nonce": NONCE, "ts": CHALLENGED_AT_MS}, seq=None)

    def event(self, event: str, payload: object, seq: int | None = 0) -> None:
        """Send an event; ``seq`` 0 takes the next number, ``None`` sends none."""
        frame = {"type": "event", "event": event, "payload": payload}
        if seq is not None:
            self.seq = seq or self.seq + 1
            frame["seq"] = self.seq
        self.send(frame)

    def send(self, frame: dict[str, Any]) -> None:
        """Send any frame, good or bad."""
        self.sendMessage(json.dumps(frame).encode())

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Answer one request."""
        request = json.loads(payload)
        self.factory.gateway.requests.append(request)
        method = self.factory.gateway.methods.get(request["method"], _unknown(request["method"]))
        answer = maybeDeferred(method, self, request.get("params", {}))
        answer.addCallbacks(self._fine, self._refused, (request["id"],), {}, (request["id"],), {})

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Note how the client left."""
        gateway = self.factory.gateway
        if self in gateway.connections:
            gateway.connections.remove(self)
            self.closed.callback((code, reason))

    def _fine(self, payload: object, request_id: str) -> None:
        self.send({"type": "res", "id": request_id, "ok": True, "payload": payload})

    def _refused(self, failure: Any, request_id: str) -> None:
        failure.trap(Refusal)
        refusal = failure.value
        self.send({"type": "res", "id": request_id, "ok": False, "error": refusal.error})
        if refusal.close is not None:
            self.sendCloseFrame(refusal.close, str(refusal).encode())


class _Factory(WebSocketServerFactory):
    protocol: Any = Connection

    def __init__(self, gateway: "StandIn", reactor: Any) -> None:
        super().__init__(reactor=reactor)
        self.gateway = gateway
        self.setProtocolOptions(failByDrop=False, openHandshakeTimeout=0, closeHandshakeTimeout=0)


class StandIn:
    """A listening stand-in.

    :ivar methods: what it answers; ``connect`` checks the token and says hello.
    :ivar requests: every request it got, in order.
    :ivar connections: the open ones.
    """

    def __init__(self, reactor: Any, token: str = "right", challenges: bool = True) -> None:
        self.token = token
        self.challenges = challenges
        self.methods: dict[str, Method] = {"connect": self._connect}
        self.requests: list[dict[str, Any]] = []
        self.connections: list[Connection] = []
        self._reactor = reactor
        self._port: Any = None
        self._number = 0
        self._scheme = "ws"

    def listen(self, port: int = 0, pair: Pair | None = None) -> None:
        """Begin, on any free port if none is given.

        :param pair: speak TLS with this certificate.
        """
        factory: Any = _Factory(self, self._reactor)
        if pair is not None:
            self._scheme = "wss"
            contexts = ServerContexts(TlsSettings(enabled=True), pair)
            factory = TLSMemoryBIOFactory(contexts, False, factory)
        self._port = self._reactor.listenTCP(port, factory, interface="127.0.0.1")
        self._number = self._port.getHost().port

    @property
    def port(self) -> int:
        """The port, also after :meth:`stop`."""
        return self._number

    @property
    def url(self) -> str:
        """The address clients use."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """Stop listening, close what is open, and wait for it."""
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
            self._port = None
        left = [connection.is_closed for connection in self.connections]
        for connection in tuple(self.connections):
            connection.sendCloseFrame(1012, b"service restart")
        await DeferredList(left)

    def _connect(self, connection: Connection, params: dict[str, Any]) -> object:
        if params["auth"].get("token") != self.token:
            raise Refusal(
                "INVALID_REQUEST",
                "unauthorized: gateway token mismatch (provide gateway auth token)",
                close=1008,
                details={
                    "code": "AUTH_TOKEN_MISMATCH",
                    "authReason": "token_mismatch",
                    "recommendedNextStep": "update_auth_credentials",
                },
            )
        return hello(params["scopes"])


def hello(scopes: list[str], tick_ms: int = 30_000) -> dict[str, object]:
    """A small hello-ok."""
    return {
        "type": "hello-ok",
        "protocol": 4,
        "server": {"version": "9.9.9", "connId": "conn-1"},
        "features": {"methods": ["health"], "events": ["tick"]},
        "snapshot": {"presence": [], "health": {}, "uptimeMs": 1000},
        "auth": {"role": "operator", "scopes": scopes, "deviceToken": "device-token"},
        "policy": {"maxPayload": 1, "maxBufferedBytes": 1, "tickIntervalMs": tick_ms},
    }


def _unknown(name: str) -> Method:
    def refuse(connection: Connection, params: dict[str, Any]) -> object:
        raise Refusal("INVALID_REQUEST", f"unknown method: {name}")

    return refuse
