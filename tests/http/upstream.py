"""A real HTTP server on loopback that does to each request exactly what its test says."""

from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.task import deferLater
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

Script = Callable[[Request], None]


class _Anything(Resource):
    isLeaf = True

    def __init__(self, upstream: "Upstream") -> None:
        super().__init__()
        self._upstream = upstream

    def render(self, request: Request) -> int:
        self._upstream.got(request)
        return NOT_DONE_YET


class Counting(WrappingFactory):
    """Knows the site's connections, so that a test can end them."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.accepted = 0
        self.empty: Deferred[None] = Deferred()

    def registerProtocol(self, p: ProtocolWrapper) -> None:
        """Count a new connection."""
        super().registerProtocol(p)
        self.accepted += 1

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        """Notice the last one's end."""
        super().unregisterProtocol(p)
        if not self.protocols and not self.empty.called:
            self.empty.callback(None)

    def close(self) -> Deferred[None]:
        """Break every connection; fires once all are gone."""
        self.empty = Deferred()
        if not self.protocols:
            self.empty.callback(None)
        for wrapper in list(self.protocols):
            wrapper.transport.abortConnection()
        return self.empty


class Upstream:
    """The server: records what it was asked, then runs ``script`` on the request.

    :ivar requests: method, path, headers and body of each request, oldest first.
    :ivar gone: fires when the client closed the connection of an unfinished request.
    """

    def __init__(self, script: Script, port: int = 0, tls: Any = None) -> None:
        self.script = script
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.gone: Deferred[None] = Deferred()
        self._site = Counting(Site(_Anything(self), timeout=None))
        listening: Any = reactor
        self._scheme = "http" if tls is None else "https"
        if tls is None:
            self._port = listening.listenTCP(port, self._site, interface="127.0.0.1")
        else:
            self._port = listening.listenSSL(port, self._site, tls, interface="127.0.0.1")

    @property
    def port(self) -> int:
        """The port it listens on."""
        number: int = self._port.getHost().port
        return number

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return self._site.accepted

    def got(self, request: Request) -> None:
        """Record a request, then run the script."""
        headers = {
            name.decode().lower(): values[0].decode()
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        assert request.content is not None
        self.requests.append(
            (request.method.decode(), request.uri.decode(), headers, request.content.read())
        )
        request.notifyFinish().addErrback(self._client_left)
        self.script(request)

    def _client_left(self, _: Failure) -> None:
        if not self.gone.called:
            self.gone.callback(None)

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        await maybeDeferred(self._port.stopListening)
        await self._site.close()


def later(request: Request, seconds: float, work: Callable[..., object], *args: Any) -> None:
    """Go on with a request after a pause, unless it has ended by then."""
    clock: Any = reactor
    call: Deferred[object] = deferLater(clock, seconds, work, *args)
    call.addErrback(lambda failure: failure.trap(CancelledError))
    request.notifyFinish().addBoth(lambda _: call.cancel())


def reset(request: Request) -> None:
    """Break the connection without a word."""
    channel: Any = request.channel
    channel.transport.abortConnection()


def cut(request: Request) -> None:
    """Close the connection in the middle of the body, politely."""
    channel: Any = request.channel
    channel.loseConnection()
