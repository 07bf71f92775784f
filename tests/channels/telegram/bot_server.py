"""A Bot API server on loopback: sockets, tokens, faults; what methods do is in ``telegram.py``."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from tests.channels.telegram.forms import params


class BotError(Exception):
    """An answer with ``ok: false``."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


@define
class Fault:
    """What happens to the next calls of some methods.

    :ivar matches: says of a method's name whether it is meant.
    :ivar does: ``answer`` with the error, ``cut`` without doing anything, ``lose`` the answer,
        ``raw`` to answer with a status and a body that is none of the Bot API's, ``hold`` to say
        nothing at all, ``drip`` to send white space for ever.
    """

    matches: Callable[[str], bool]
    times: int
    does: str = "answer"
    error: BotError = field(factory=lambda: BotError(500, "Internal Server Error"))
    body: bytes = b"<html>Bad Gateway</html>"
    headers: dict[str, str] = field(factory=dict)


class _Sockets(WrappingFactory):
    """Knows the site's connections."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.most = 0
        self.empty: Deferred[None] | None = None

    def registerProtocol(self, p: ProtocolWrapper) -> None:
        super().registerProtocol(p)
        self.most = max(self.most, len(self.protocols))

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        super().unregisterProtocol(p)
        if self.empty is not None and not self.protocols:
            empty, self.empty = self.empty, None
            empty.callback(None)


class _Everything(Resource):
    isLeaf = True

    def __init__(self, server: "BotServer") -> None:
        super().__init__()
        self._server = server

    def render(self, request: Request) -> int:
        self._server.got(request)
        return NOT_DONE_YET


class BotServer:
    """The server; ``do`` is what carries methods out.

    :param do: takes a method, its params, and a way to answer later; returns a result, or
        :attr:`LATER` if it will use that.
    :ivar calls: method and params of every call with a right token, oldest first.
    """

    LATER = object()

    def __init__(self, token: str) -> None:
        self.token = token
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refused_tokens = 0
        self.faults: list[Fault] = []
        self.frozen = False
        self.files: dict[str, bytes] = {}
        site: Any = Site(_Everything(self), timeout=None)
        site.log = lambda request: None  # It would write the token.
        self._factory = _Sockets(site)
        listening: Any = reactor
        self._port = listening.listenTCP(0, self._factory, interface="127.0.0.1")

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._port.getHost().port}"

    @property
    def sockets(self) -> int:
        """Every connection that is open."""
        return len(self._factory.protocols)

    def do(self, method: str, given: dict[str, Any], request: Request) -> Any:
        raise NotImplementedError

    def named(self, method: str) -> list[dict[str, Any]]:
        """The params of every call of one method."""
        return [given for name, given in self.calls if name == method]

    def got(self, request: Request) -> None:
        request.notifyFinish().addErrback(lambda _: None)
        if self.frozen:
            return
        path = unquote(request.path.decode())
        assert request.content is not None
        if path.startswith(f"/file/bot{self.token}/"):
            self._file(request, path.removeprefix(f"/file/bot{self.token}/"))
            return
        bot, _, method = path.removeprefix("/").partition("/")
        if not bot.startswith("bot") or not method or "/" in method:
            self.fail(request, BotError(404, "Not Found"))
            return
        if bot != f"bot{self.token}":
            self.refused_tokens += 1
            self.fail(request, BotError(401, "Unauthorized"))
            return
        query = request.uri.decode().partition("?")[2]
        content_type = request.getHeader("content-type") or ""
        given = params(content_type, query, request.content.read())
        self.calls.append((method, given))
        self._carry_out(request, method, given)

    def _carry_out(self, request: Request, method: str, given: dict[str, Any]) -> None:
        fault = next((one for one in self.faults if one.times and one.matches(method)), None)
        if fault is not None:
            fault.times -= 1
            if self._misbehave(request, fault):
                return
        try:
            result = self.do(method, given, request)
        except BotError as error:
            self.fail(request, error)
            return
        if fault is not None and fault.does == "lose":
            abort(request)
        elif result is not self.LATER:
            self.answer(request, result)

    def _misbehave(self, request: Request, fault: Fault) -> bool:
        """Do what a fault says instead of the call; false if the call is to be done too."""
        for name, value in fault.headers.items():
            request.setHeader(name, value)
        if fault.does == "answer":
            self.fail(request, fault.error)
        elif fault.does == "raw":
            request.setResponseCode(fault.error.code)
            finish(request, fault.body)
        elif fault.does == "cut":
            abort(request)
        elif fault.does == "drip":
            self._drip(request)
        elif fault.does != "hold":
            return False
        return True

    def _drip(self, request: Request) -> None:
        dripping = LoopingCall(request.write, b" ")
        dripping.start(0.01).addErrback(lambda _: None)
        request.notifyFinish().addErrback(lambda _: dripping.stop())

    def _file(self, request: Request, name: str) -> None:
        data = self.files.get(name)
        if data is None:
            self.fail(request, BotError(404, "Not Found"))
        else:
            request.setHeader("content-type", "application/octet-stream")
            finish(request, data)

    def answer(self, request: Request, result: Any) -> None:
        """Answer a call, unless nothing is said any more."""
        if not self.frozen:
            request.setHeader("content-type", "application/json")
            finish(request, json.dumps({"ok": True, "result": result}).encode())

    def fail(self, request: Request, error: BotError) -> None:
        """Answer with an error in the platform's shape."""
        body: dict[str, Any] = {
            "ok": False,
            "error_code": error.code,
            "description": error.description,
        }
        if error.parameters:
            body["parameters"] = error.parameters
        request.setResponseCode(error.code)
        request.setHeader("content-type", "application/json")
        finish(request, json.dumps(body).encode())

    def drop(self) -> None:
        """Cut every connection."""
        for wrapper in list(self._factory.protocols):
            wrapper.transport.abortConnection()

    async def stop(self) -> None:
        """Stop listening and cut every connection; fires once they are gone."""
        await maybeDeferred(self._port.stopListening)
        if self._factory.protocols:
            empty = self._factory.empty = Deferred()
            self.drop()
            await empty


def gone(request: HTTPRequest) -> bool:
    """Whether a request's connection is closed, or its answer complete."""
    return bool(request.finished or request._disconnected)


def finish(request: HTTPRequest, body: bytes) -> None:
    """End an answer, if anybody still wants it."""
    if not gone(request):
        request.setHeader("content-length", str(len(body)))
        request.write(body)
        request.finish()


def abort(request: HTTPRequest) -> None:
    """Break a connection without a word."""
    channel: Any = request.channel
    if channel is not None:
        channel.transport.abortConnection()
