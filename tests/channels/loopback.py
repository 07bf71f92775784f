"""A platform's server on loopback: its sockets and what goes wrong; what calls do is elsewhere."""

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site


class PlatformError(Exception):
    """An answer that says no, in the platform's own shape.

    :ivar status: of HTTP.
    """

    status: int


@define
class Fault:
    """What happens to the next calls that it is meant for.

    :ivar matches: says whether a call is meant, by what the platform tells its calls by.
    :ivar does: ``answer`` with the error, ``cut`` without doing anything, ``lose`` the answer,
        ``raw`` to answer with a status and a body that is none of the platform's, ``hold`` to say
        nothing at all, ``drip`` to send white space for ever.
    :ivar error: ``None`` for trouble of the platform's own.
    """

    matches: Callable[..., bool]
    times: int = 1
    does: str = "answer"
    error: PlatformError | None = None
    body: bytes = b"<html>Bad Gateway</html>"
    headers: dict[str, str] = field(factory=dict)


class _Sockets(WrappingFactory):
    """Knows the site's connections."""

    empty: Deferred[None] | None = None

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        super().unregisterProtocol(p)
        if self.empty is not None and not self.protocols:
            empty, self.empty = self.empty, None
            empty.callback(None)


class _Everything(Resource):
    isLeaf = True

    def __init__(self, server: "LoopbackServer") -> None:
        super().__init__()
        self._server = server

    def render(self, request: Request) -> int:
        request.notifyFinish().addErrback(lambda _: None)
        if not self._server.frozen:
            self._server.got(request)
        return NOT_DONE_YET


class LoopbackServer:
    """Listens; a platform's own says what a call is, what it does, and how an answer looks.

    :ivar faults: what is to go wrong.
    :ivar frozen: it takes requests and says nothing.
    :ivar root: its address, without a path.
    """

    LATER = object()
    """What a call returns that is answered later."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.frozen = False
        site: Any = Site(_Everything(self), timeout=None)
        site.log = lambda request: None  # It would write tokens.
        self._factory = _Sockets(site)
        listening: Any = reactor
        self._port = listening.listenTCP(0, self._factory, interface="127.0.0.1")
        self.root = f"http://127.0.0.1:{self._port.getHost().port}"

    @property
    def sockets(self) -> int:
        """How many connections are open."""
        return len(self._factory.protocols)

    def got(self, request: Request) -> None:
        """Read a request."""
        raise NotImplementedError

    def answer(self, request: Request, result: Any) -> None:
        """Answer a call, unless nothing is said any more."""
        raise NotImplementedError

    def fail(self, request: Request, error: Any) -> None:
        """Answer with an error in the platform's shape."""
        raise NotImplementedError

    def trouble(self) -> PlatformError:
        """An error that is the platform's own."""
        raise NotImplementedError

    def carry_out(self, request: Request, do: Callable[[], Any], *told_by: Any) -> None:
        """Do a call and answer it, unless something is to go wrong.

        :param told_by: what faults tell it by.
        """
        fault = next((one for one in self.faults if one.times and one.matches(*told_by)), None)
        if fault is not None:
            fault.times -= 1
            if self._misbehave(request, fault):
                return
        try:
            result = do()
        except PlatformError as error:
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
        error = fault.error or self.trouble()
        if fault.does == "answer":
            self.fail(request, error)
        elif fault.does == "raw":
            request.setResponseCode(error.status)
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
