"""Another service: posts what people say to the gateway, and takes answers; both signed.

Its signatures are made here from the documented words, not with the gateway's own code.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from attrs import define, field
from twisted.internet import reactor as default_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from openclaw.channels.counterpart import Shown
from openclaw.deferreds import Tasks
from openclaw.http.outbound import TreqOutbound
from openclaw.interfaces.outbound import OutboundError

reactor: Any = default_reactor
SECRET = "what-is-said-to-the-gateway"
OTHER = "what-the-gateway-says"
ACCOUNT = "shop"
PATH = f"/webhook/custom/{ACCOUNT}"
AGAIN_SECONDS = 0.1


def mac(secret: str, stamp: str, body: bytes) -> bytes:
    """The bytes of a signature."""
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).digest()


def headers(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """What a request to the gateway carries."""
    stamp = str(int(time.time() if at is None else at))
    return {
        "content-type": "application/json",
        "x-openclaw-timestamp": stamp,
        "x-openclaw-signature": "sha256=" + mac(secret, stamp, body).hex(),
    }


def spellings(raw: bytes) -> list[str]:
    """Ways to write the same signature."""
    text, coded = raw.hex(), base64.b64encode(raw).decode()
    url = base64.urlsafe_b64encode(raw).decode()
    bare = [text, text.upper(), text[:10].upper() + text[10:], coded, url]
    bare += [coded.rstrip("="), url.rstrip("="), f"{coded}=="]
    return [*(f"sha256={one}" for one in bare), text, f" {coded} ", f"sha256= {text}"]


@define
class _Event:
    body: bytes
    taken: int = 0


class _Hook(Resource):
    isLeaf = True

    def __init__(self, service: "Service") -> None:
        super().__init__()
        self._service = service

    def render_POST(self, request: Request) -> Any:
        return self._service.posted(request)


@define(eq=False)
class Service:
    """The counterpart.

    :ivar gateway: the gateway's port, once it is known.
    """

    gateway: int = 0
    secret: str = OTHER
    events: dict[str, _Event] = field(factory=dict)
    keys: dict[str, Shown] = field(factory=dict)
    statuses: list[int] = field(factory=list)
    violations: list[str] = field(factory=list)
    refusals: list[tuple[int, float]] = field(factory=list)
    losing: int = 0
    listening: Any = None
    _tasks: Tasks = field(factory=Tasks)
    _http: Any = None

    def __attrs_post_init__(self) -> None:
        self._http = TreqOutbound(reactor)
        self.listening = reactor.listenTCP(0, Site(_Hook(self)), interface="127.0.0.1")

    async def stop(self) -> None:
        """Close everything."""
        await self._tasks.cancel()
        await self._http.stopService()
        await self.listening.stopListening()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening.getHost().port}/hook"

    def settings(self) -> Mapping[str, Any]:
        account = {"secret": SECRET, "outboundUrl": self.url, "outboundSecret": OTHER}
        return {
            "accounts": {ACCOUNT: account},
            "allowFrom": ["*"],
            "dmPolicy": "open",
            "groupPolicy": "open",
        }

    # -- to the gateway ------------------------------------------------------------------------

    def say(self, text: str, *, chat_id: str, sender_id: str, group: bool = False) -> str:
        name = f"event-{len(self.events)}"
        document = {
            "id": name,
            "text": text,
            "sender": {"id": sender_id, "name": "Ada"},
            "chat": {"id": chat_id, "type": "group" if group else "dm"},
            "mentioned": group,
            "fromTheFuture": [1, 2],
        }
        self.events[name] = _Event(json.dumps(document).encode())
        self._tasks.spawn("telling", self._tell(self.events[name]))
        return name

    def repeat(self, message_id: str) -> None:
        self._tasks.spawn("repeating", self._tell(self.events[message_id]))

    def acknowledged(self, message_id: str) -> bool:
        return self.events[message_id].taken > 0

    async def _tell(self, event: _Event) -> None:
        """Tell it until it is taken, as services do."""
        while True:
            try:
                status, _ = await self.post(event.body, headers(event.body))
            except OutboundError:
                status = 0
            if 200 <= status < 300:
                event.taken += 1
                return
            await deferLater(reactor, AGAIN_SECONDS)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.gateway}{PATH}"

    async def post(self, body: bytes, told: Mapping[str, str]) -> tuple[int, bytes]:
        """One request: its status and answer."""
        answer = await self._http.request("POST", self.address, told, body, trusted=True)
        return answer.status, await answer.read(1 << 20)

    # -- from the gateway ----------------------------------------------------------------------

    def posted(self, request: Request) -> Any:
        """Take an answer; strict about how it is signed and what is in it."""
        body: bytes = request.content.read()  # type: ignore[union-attr]
        stamp = request.getHeader("x-openclaw-timestamp") or ""
        shown = request.getHeader("x-openclaw-signature") or ""
        expected = "sha256=" + mac(self.secret, stamp, body).hex()
        if not hmac.compare_digest(shown, expected) or abs(time.time() - int(stamp)) > 60:
            return self._said(request, 401)
        if self.refusals:
            status, pause = self.refusals.pop(0)
            if pause:
                request.setHeader("Retry-After", f"{pause:g}")
            return self._said(request, status)
        return self._keep(request, json.loads(body))

    def _keep(self, request: Request, told: dict[str, Any]) -> Any:
        key = request.getHeader("idempotency-key") or ""
        if not key or key != told["id"] or request.getHeader("content-type") != "application/json":
            self.violations.append(f"key {key!r}, {told}")
        new = key not in self.keys
        if new:
            self.keys[key] = Shown(
                chat_id=told["chat"]["id"],
                message_id=f"m{len(self.keys)}",
                text=told["text"],
                thread_id=told["threadId"],
                reply_to=told["replyTo"],
            )
        if self.losing:
            self.losing -= 1
            request.transport.abortConnection()  # type: ignore[union-attr]
            return b""
        request.setHeader("Content-Type", "application/json")
        self._said(request, 200 if new else 409)
        return json.dumps({"id": self.keys[key].message_id}).encode()

    def _said(self, request: Request, status: int) -> bytes:
        self.statuses.append(status)
        request.setResponseCode(status)
        return b""

    def shown(self) -> list[Shown]:
        return list(self.keys.values())

    def refuse(self, times: int, status: int, retry_after: float = 0.0) -> None:
        self.refusals += [(status, retry_after)] * times

    def lose_answers(self, times: int) -> None:
        self.losing += times

    def drop(self) -> None:
        """There is no connection that stands."""

    def freeze(self, frozen: bool) -> None:
        """Take connections and say nothing."""
        (self.listening.stopReading if frozen else self.listening.startReading)()

    def revoke(self) -> None:
        self.secret = "another"

    @property
    def open_sockets(self) -> int:
        """There is none that receives: it is the other service that calls."""
        return 0

    most_sockets = 0


def close(service: Service) -> Deferred[None]:
    """Stop it."""
    return Deferred.fromCoroutine(service.stop())
