"""A whole gateway inside the test, on real sockets, and a client that says whatever it likes."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from openclaw.assembly.gateway import GatewayService, build
from openclaw.config.settings import Options
from tests.attacks.judging import Verdict, caught, held
from tests.gateway import wire
from tests.security.clients import KeyedDevice

reactor: Any = the_reactor
TOKEN = "the-token-of-the-attacked-gateway"


class Talk(Protocol):
    """One TCP connection that says bytes and keeps what it hears."""

    transport: Any

    def __init__(self) -> None:
        self.heard = b""
        self.closed = False
        self._ended: Callable[[bytes], bool] = lambda _: False
        self._waiting: Deferred[bytes] | None = None

    def say(self, data: bytes) -> None:
        """Write bytes."""
        self.transport.write(data)

    def until(self, ended: Callable[[bytes], bool]) -> Deferred[bytes]:
        """Fires with everything heard once that is enough, or the other side has hung up."""
        self._ended, self._waiting = ended, Deferred()
        waiting = self._waiting
        self._look()
        return waiting

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.heard += data
        self._look()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Keep that too."""
        self.closed = True
        self._look()

    def leave(self) -> Deferred[bytes]:
        """Hang up; fires when the connection is gone."""
        gone = self.until(lambda _: self.closed)
        if not self.closed:
            self.transport.abortConnection()
        return gone

    def _look(self) -> None:
        waiting = self._waiting
        if waiting is not None and (self.closed or self._ended(self.heard)):
            self._waiting = None
            waiting.callback(self.heard)


class Caller:
    """A WebSocket client without manners.

    :ivar code: how the gateway closed; ``None`` while it has not.
    """

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._frames = 0

    @property
    def seen(self) -> list[wire.Seen]:
        """Every frame so far."""
        _, _, rest = self._talk.heard.partition(b"\r\n\r\n")
        return list(wire.frames(_whole(rest)))

    @property
    def closed(self) -> bool:
        """Whether the gateway has said goodbye or hung up."""
        return self._talk.closed or any(one.opcode == wire.CLOSE for one in self.seen)

    def answers(self) -> list[Any]:
        """The answers so far."""
        texts = [one.json() for one in self.seen if one.opcode == wire.TEXT]
        return [one for one in texts if one.get("type") == "res"]

    async def ask(self, request: object) -> Any:
        """Send one request; its answer, or ``None`` if there was none before the end."""
        before = len(self.answers())
        text = request if isinstance(request, bytes) else json.dumps(request).encode()
        self._talk.say(wire.frame(wire.TEXT, text))
        await self._talk.until(lambda _: len(self.answers()) > before or self.closed)
        return self.answers()[before] if len(self.answers()) > before else None

    async def leave(self) -> None:
        """Hang up."""
        await self._talk.leave()


def _whole(data: bytes) -> bytes:
    """As many whole frames as there are."""
    at = 0
    while at + 2 <= len(data):
        size, start = data[at + 1] & 0x7F, at + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, start = int.from_bytes(data[start : start + width], "big"), start + width
        if start + size > len(data):
            break
        at = start + size
    return data[:at]


class LiveCase(TestCase):
    """A gateway on a free port of this machine, stopped at the end."""

    timeout = 120

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        self.place = Path(self.mktemp()).absolute()
        self.state = self.place / "state"
        self.state.mkdir(parents=True, mode=0o700)
        (self.state / "openclaw.json").write_text(json.dumps(self.configure()))
        options = Options(state_dir=str(self.state), port=0, token=TOKEN)
        self.gateway: GatewayService = build(options, {}, self.place, reactor, greet=False)
        self.gateway.startService()
        self.addCleanup(self.gateway.stopService)
        await self.gateway.when_started()
        self.port = self.gateway.port
        self.host = f"127.0.0.1:{self.port}"

    def configure(self) -> Mapping[str, Any]:
        """What stands in its file."""
        return {}

    async def talk(self) -> Talk:
        """Open a TCP connection."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port)
        return cast(Talk, await endpoint.connect(Factory.forProtocol(Talk)))

    async def http(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str, bytes]:
        """One HTTP request on a connection of its own: status, head, body."""
        talk = await self.talk()
        fields = {"Host": self.host, "Connection": "close", **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        talk.say("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode())
        heard = await talk.until(lambda _: False)
        head, _, body = heard.partition(b"\r\n\r\n")
        status = int(head.split()[1]) if head else 0
        return status, head.decode("latin-1"), body

    async def inside(self, request: object, **headers: str) -> Caller:
        """Open a WebSocket that must be possible, and shake hands."""
        caller = await self.dial(**headers)
        assert caller is not None
        await caller.ask(request)
        return caller

    async def arrive(
        self,
        device: KeyedDevice,
        auth: dict[str, str],
        client: str = "openclaw-tui/ui",
        **more: Any,
    ) -> tuple[Caller, Any]:
        """Connect as a device: the caller, and what it was told."""
        caller = await self.dial()
        assert caller is not None
        nonce = caller.seen[0].json()["payload"]["nonce"]
        request = connect(client, auth=auth, **{"scopes": ["operator.read"], **more})
        device.sign(request["params"], nonce, self.gateway._parts.door.now_ms())
        return caller, await caller.ask(request)

    async def dial(self, **headers: str) -> Caller | None:
        """Open a WebSocket; ``None`` if the upgrade was refused."""
        talk = await self.talk()
        talk.say(wire.upgrade({"Host": self.host, **headers}))
        heard = await talk.until(lambda data: b"\r\n\r\n" in data)
        if not wire.accepted(heard.partition(b"\r\n\r\n")[0]):
            await talk.leave()
            return None
        caller = Caller(talk)
        await talk.until(lambda _: bool(caller.seen))
        return caller

    def held(self, verdict: Verdict) -> None:
        """See :class:`tests.attacks.judging.AttackCase`."""
        held(self, verdict)

    def caught(self, verdict: Verdict) -> None:
        """See :class:`tests.attacks.judging.AttackCase`."""
        caught(self, verdict)


class PagedCase(LiveCase):
    """A gateway that serves a page of its own besides the chat."""

    def configure(self) -> Mapping[str, Any]:
        """A page of one file."""
        page = self.place / "page"
        page.mkdir()
        (page / "index.html").write_text("the page")
        return {"gateway": {"controlUi": {"root": str(page)}}}


def connect(who: str = "gateway-client/backend", token: str = TOKEN, **more: Any) -> Any:
    """The request that opens a connection as the owner's own tools do."""
    name, mode = who.split("/")
    params: dict[str, Any] = {
        "minProtocol": 4,
        "maxProtocol": 4,
        "client": {"id": name, "version": "1", "platform": "linux", "mode": mode},
        "role": "operator",
        "scopes": ["operator.admin"],
        "auth": {"token": token},
    }
    return {"type": "req", "id": "c1", "method": "connect", "params": {**params, **more}}
