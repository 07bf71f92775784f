"""S4, S22, S24: what a socket may do before anybody knows whose it is."""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from openclaw.errors import FrameError
from openclaw.gateway import factory
from openclaw.gateway.connection import GatewayConnection
from openclaw.gateway.dispatcher import Dispatcher
from openclaw.interfaces.security import Peer
from openclaw.protocol.frames import decode_request
from openclaw.protocol.methods import METHODS
from openclaw.security.sockets import WaitingSockets
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.attacks.live import TOKEN, LiveCase
from tests.gateway import wire
from tests.gateway.people import Person
from tests.gateway.rig import Rig, connect_request


def early(name: str) -> Iterator[bytes]:
    """One method, called before ``connect`` in every way that might be let through."""
    request = {"type": "req", "id": "1", "method": name, "params": {}}
    auth = {"token": TOKEN}
    for more in ({}, {"auth": auth}, {"role": "operator", "scopes": ["operator.admin"]}):
        yield json.dumps({**request, **more}).encode()
    yield json.dumps({**request, "params": {"auth": auth}}).encode()
    yield json.dumps({**request, "data": {"auth": auth}, "params": None}).encode()
    yield json.dumps({**request, "type": "connect"}).encode()
    yield json.dumps([request]).encode()
    yield json.dumps({**request, "method": "connect", "Method": name}).encode()
    double = json.dumps({**request, "method": "connect"})[:-1] + f', "method": "{name}"}}'
    yield double.encode()


class EarlyAttacks(LiveCase):
    """Every method, on real sockets, before the handshake."""

    async def call_all(self, names: Iterable[str] = METHODS) -> Verdict:
        verdict, ran = Verdict(), self.ran
        for name in names:
            for text in early(name):
                ran.clear()
                caller = await self.dial()
                assert caller is not None
                answer = await caller.ask(text)
                ok = bool(answer and answer.get("ok"))
                verdict.note(text, ok or bool(ran) or not caller.closed)
                await caller.leave()
        return verdict

    def watch(self) -> None:
        """Note which methods are executed."""
        self.ran: list[str] = []
        dispatch = Dispatcher.dispatch

        def noting(dispatcher: Dispatcher, client: Any, request: Any) -> None:
            self.ran.append(request.method)
            dispatch(dispatcher, client, request)

        self.patch(Dispatcher, "dispatch", noting)

    @hostile(720)
    async def test_cve_2026_25593_methods_before_connect(self) -> None:
        """A client without authentication wrote the configuration, and with it programs (8.4)."""
        self.watch()
        self.held(await self.call_all())

        on_message = GatewayConnection.onMessage

        def trusting(socket: GatewayConnection, payload: bytes, isBinary: bool) -> None:
            try:
                request = decode_request(payload)
            except FrameError:
                on_message(socket, payload, isBinary)
            else:
                self.gateway._parts.door.dispatcher.dispatch(anybody, request)
                socket.close(1008, "")

        anybody = Person().client
        self.patch(GatewayConnection, "onMessage", trusting)
        self.caught(await self.call_all(["health", "status"]))


class FrameAttacks(AttackCase):
    """Frames before authentication: one message, small, whole, in time."""

    def frames(self, count: int) -> Iterator[tuple[str, list[bytes]]]:
        choose, good = random.Random(22), json.dumps(connect_request(scopes=["operator.admin"]))
        for number in range(count):
            size = choose.choice((65_537, 70_000, 200_000, 1 << 20))
            kind = number % 6
            if kind == 0:
                yield "too large", [wire.frame(wire.TEXT, b" " * size)]
            elif kind == 1:
                pieces = [wire.frame(wire.TEXT, b"{", fin=False)]
                pieces += [wire.frame(wire.CONTINUED, b" " * 9000, fin=False)] * 9
                yield "too large in pieces", pieces
            elif kind == 2:
                first = wire.frame(wire.TEXT, choose.randbytes(choose.randrange(1, 300)))
                yield "no JSON, then more", [first, wire.frame(wire.TEXT, good.encode())]
            elif kind == 3:
                head = bytes([0x81, 0xFF]) + (1 << choose.randrange(20, 63)).to_bytes(8, "big")
                yield "a length without end", [head, wire.MASK, b"x" * 4096]
            elif kind == 4:
                yield "unmasked", [wire.frame(wire.TEXT, good.encode(), mask=None)]
            else:
                at = choose.randrange(len(good) - 3)
                ending = choose.choice(("", "\x00", "}", "}}", "[", "]}", '"', ' "x"}'))
                yield "broken", [wire.frame(wire.TEXT, (good[:at] + ending).encode())]

    def send_all(self) -> Verdict:
        verdict = Verdict()
        rig = Rig()
        for what, frames in self.frames(900):
            socket = rig.dial()
            socket.taken()
            socket.feed(*frames)
            rig.turn()
            inside = socket.connection._client is not None
            seen = socket.taken()
            ended = socket.transport.gone or any(one.opcode == wire.CLOSE for one in seen)
            verdict.note((what, frames[0][:80]), inside or not ended)
            socket.lose()
        rig.clock.advance(60)
        return verdict

    @hostile(900)
    def test_360_frames_before_authentication(self) -> None:
        """Sockets that had not proven anything could send as much as they liked."""
        self.held(self.send_all())
        self.patch(factory, "MAX_PREAUTH_BYTES", 1 << 30)
        self.caught(self.send_all())

    def fields_removed(self) -> Iterator[dict[str, Any]]:
        """A good handshake with one or two things missing, empty or of another kind."""
        paths = [("client",), ("client", "id"), ("client", "mode"), ("auth",), ("auth", "token")]
        paths += [("maxProtocol",)]
        odd: tuple[Any, ...] = (_GONE, None, "", 0, [], {}, False, "\x00", " ", ["x"], -1, 1e308)
        for one in paths:
            for value in odd:
                for other in (None, *paths):
                    yield _changed(_changed(connect_request(), one, value), other, _GONE)

    def come(self) -> Verdict:
        verdict, rig = Verdict(), Rig()
        for request in self.fields_removed():
            socket = rig.dial()
            socket.taken()
            socket.send(request)
            rig.turn()
            verdict.note(request, socket.connection._client is not None)
            socket.lose()
        rig.clock.advance(60)
        return verdict

    @hostile(504)
    def test_ghsa_fhvm_j76f_qmjv_missing_fields(self) -> None:
        """What was missing, empty or unknown counted as allowed (also CVE-2026-28446, 9.2)."""
        self.held(self.come())
        decide = GatewayConnection.decide

        def open_to_all(socket: GatewayConnection, text: bytes) -> None:
            decide(socket, text if b'"token"' in text else json.dumps(connect_request()).encode())

        self.patch(GatewayConnection, "decide", open_to_all)
        self.caught(self.come())


_GONE = object()


def _changed(request: dict[str, Any], path: tuple[str, ...] | None, value: Any) -> dict[str, Any]:
    """A copy with something replaced, or taken out."""
    copy: dict[str, Any] = json.loads(json.dumps(request))
    place: Any = copy["params"]
    for name in (path or ())[:-1]:
        place = place.get(name) if isinstance(place, dict) else None
    if path and isinstance(place, dict):
        place.pop(path[-1], None) if value is _GONE else place.__setitem__(path[-1], value)
    return copy


class FloodAttacks(AttackCase):
    """Sockets that only wait."""

    def flood(self, make: Callable[[], WaitingSockets]) -> Verdict:
        verdict, waiting, inside = Verdict(), make(), list[Peer]()
        by_client: dict[str, int] = {}
        for number in range(5000):
            network = (
                f"203.0.{number % 7}.1" if number % 2 else f"2001:db8:0:{number % 5}::{number:x}"
            )
            client = network if "." in network else network.rsplit("::", 1)[0]
            peer = Peer(network, loopback=False)
            if waiting.enter(peer):
                inside.append(peer)
                by_client[client] = by_client.get(client, 0) + 1
            verdict.note(number, by_client.get(client, 0) > 32 or len(inside) > 512)
        owner = Peer("127.0.0.1", loopback=True)
        verdict.note("the owner", waiting.enter(owner), may=True)
        waiting.leave(owner)
        for peer in inside:
            waiting.leave(peer)
        verdict.note("nothing is forgotten", len(waiting) == 0, may=True)
        return verdict

    @hostile(5000)
    def test_360_half_open_sockets(self) -> None:
        """Sockets were opened and left: there are so many for strangers, and always one for us."""
        self.held(self.flood(WaitingSockets))
        self.caught(self.flood(lambda: WaitingSockets(per_client=10**6, total=10**6)))
