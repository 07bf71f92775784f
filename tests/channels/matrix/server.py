"""A homeserver's door on loopback: sockets, paths, tokens, faults; what calls do is elsewhere."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

Json = dict[str, Any]


class MatrixError(Exception):
    """An answer with an ``errcode``."""

    def __init__(self, status: int, errcode: str, error: str = "no", **more: Any) -> None:
        super().__init__(errcode)
        self.status = status
        self.errcode = errcode
        self.error = error
        self.more = more


@define
class Fault:
    """What happens to the next calls that it is meant for.

    :ivar matches: says of method and path parts whether it is meant.
    :ivar does: ``answer`` with the error, ``cut`` without doing anything, ``lose`` the answer,
        ``raw`` to answer with a status and a body that is none of a homeserver's, ``hold`` to say
        nothing at all, ``drip`` to send white space for ever.
    """

    matches: Callable[[str, list[str]], bool]
    times: int = 1
    does: str = "answer"
    error: MatrixError = field(factory=lambda: MatrixError(500, "M_UNKNOWN"))
    body: bytes = b"<html>Bad Gateway</html>"


@define
class Call:
    """One call as it came.

    :ivar parts: the parts of its path behind ``/_matrix``, decoded.
    """

    method: str
    parts: list[str]
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Json:
        """The body as an object."""
        try:
            found = json.loads(self.body or b"null")
        except ValueError:
            raise MatrixError(400, "M_NOT_JSON") from None
        if not isinstance(found, dict):
            raise MatrixError(400, "M_BAD_JSON", "Content must be a JSON object.")
        return found


class _Sockets(WrappingFactory):
    """Knows the site's connections."""

    empty: Deferred[None] | None = None

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        super().unregisterProtocol(p)
        if self.empty is not None and not self.protocols:
            empty, self.empty = self.empty, None
            empty.callback(None)


class _Root(Resource):
    isLeaf = True

    def __init__(self, door: "Door") -> None:
        super().__init__()
        self.door = door

    def render(self, request: Request) -> Any:
        self.door.got(request)
        return NOT_DONE_YET


class Door:
    """Listens, reads calls, knows who asks.

    :ivar calls: everything that was asked, in order.
    :ivar tokens: access tokens to (user, device).
    :ivar soft: tokens that are signed out softly.
    :ivar unencoded: paths that hold more than they should as it is.
    """

    LATER = object()
    """What a call returns that is answered later."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.tokens: dict[str, tuple[str, str]] = {}
        self.soft: set[str] = set()
        self.unencoded: list[str] = []
        self.frozen = False
        self._factory = _Sockets(Site(_Root(self)))
        listening: Any = reactor
        self._port = listening.listenTCP(0, self._factory, interface="127.0.0.1")
        self.root = f"http://127.0.0.1:{self._port.getHost().port}"

    def do(self, call: Call, user: str, device: str, request: Request) -> Any:
        """Carry a call out; raises MatrixError."""
        raise NotImplementedError

    def asked(self, *parts: str, method: str = "") -> list[Call]:
        """The calls whose path has these parts in it, in this order and together."""
        wanted = list(parts)

        def fits(call: Call) -> bool:
            ends = range(len(call.parts) - len(wanted) + 1)
            return any(call.parts[at : at + len(wanted)] == wanted for at in ends)

        return [call for call in self.calls if fits(call) and method in ("", call.method)]

    def fault(self, *parts: str, **more: Any) -> None:
        """Let the next calls whose path has these parts in it go wrong."""
        wanted = set(parts)
        self.faults.append(Fault(lambda _, path: wanted <= set(path), **more))

    def got(self, request: Request) -> None:
        request.notifyFinish().addErrback(lambda _: None)
        if self.frozen:
            return
        assert request.content is not None
        raw = request.uri.decode().partition("?")
        segments = raw[0].strip("/").split("/")
        query = {
            name.decode(): values[-1].decode() for name, values in (request.args or {}).items()
        }
        call = Call(
            method=request.method.decode(),
            parts=[unquote(one) for one in segments[1:]],
            query=query,
            body=request.content.read(),
            headers={
                name.decode().lower(): values[0].decode()
                for name, values in request.requestHeaders.getAllRawHeaders()
            },
        )
        if segments[0] != "_matrix":
            request.setResponseCode(404)
            finish(request, b"<html>not here</html>")
            return
        if any(quote(unquote(one), safe="") != one for one in segments):
            self.unencoded.append(raw[0])
        self.calls.append(call)
        self._carry_out(request, call)

    def _carry_out(self, request: Request, call: Call) -> None:
        fault = next(
            (one for one in self.faults if one.times and one.matches(call.method, call.parts)), None
        )
        if fault is not None:
            fault.times -= 1
            if self._misbehave(request, fault):
                return
        try:
            user, device = self._who(call)
            result = self.do(call, user, device, request)
        except MatrixError as error:
            self.fail(request, error)
            return
        if fault is not None and fault.does == "lose":
            abort(request)
        elif result is not self.LATER:
            self.answer(request, result)

    def _who(self, call: Call) -> tuple[str, str]:
        open_to_all = (["client", "v3", "login"], ["client", "versions"])
        if call.parts in open_to_all or call.parts[:3] == ["media", "v3", "download"]:
            return "", ""
        if "access_token" in call.query:
            raise MatrixError(400, "M_TEST", "a token in an address")
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise MatrixError(401, "M_MISSING_TOKEN", "Missing access token")
        if token not in self.tokens:
            soft = token in self.soft
            raise MatrixError(401, "M_UNKNOWN_TOKEN", "Unrecognised access token", soft_logout=soft)
        return self.tokens[token]

    def _misbehave(self, request: Request, fault: Fault) -> bool:
        """Do what a fault says instead of the call; false if the call is to be done too."""
        if fault.does == "answer":
            self.fail(request, fault.error)
        elif fault.does == "raw":
            request.setResponseCode(fault.error.status)
            finish(request, fault.body)
        elif fault.does == "cut":
            abort(request)
        elif fault.does == "drip":
            dripping = LoopingCall(request.write, b" ")
            dripping.start(0.01).addErrback(lambda _: None)
            request.notifyFinish().addErrback(lambda _: dripping.stop())
        elif fault.does != "hold":
            return False
        return True

    def answer(self, request: Request, result: Any) -> None:
        """Answer a call, unless nothing is said any more; bytes are a file."""
        if self.frozen:
            return
        if isinstance(result, bytes):
            request.setHeader("content-type", "application/octet-stream")
            finish(request, result)
        else:
            request.setHeader("content-type", "application/json")
            finish(request, json.dumps(result).encode())

    def fail(self, request: Request, error: MatrixError) -> None:
        """Answer with an error in the platform's shape."""
        request.setResponseCode(error.status)
        request.setHeader("content-type", "application/json")
        if "location" in error.more:
            request.setHeader("location", error.more["location"])
        pause = error.more.get("retry_after_ms")
        if pause:
            request.setHeader("retry-after", str(-(-pause // 1000)))
        finish(
            request,
            json.dumps({"errcode": error.errcode, "error": error.error, **error.more}).encode(),
        )

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
