"""A proxy that does to connections what networks do, when it is told to; it changes no byte else.

Between a client and a server on loopback it passes TCP both ways. ``up`` (client to server) and
``down`` (server to client) say what each direction suffers; :class:`HttpProxy` also does things to
single requests. Both count, from the outside, what the client opens.
"""

import socket
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from tests.faults.http_faults import HttpFaults, Request, Splitter
from tests.faults.pipes import Faults, Pipe

reactor: Any = the_reactor


class _End(Protocol):
    """One socket of the proxy, the client's or the server's."""

    transport: Any

    def __init__(self, pair: "_Pair") -> None:
        self.pair = pair
        self.pipe: Pipe | None = None
        self.gone: Deferred[None] = Deferred()
        self.lost = False

    def connectionMade(self) -> None:
        """Pass small pieces on at once."""
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:
        """Hand on."""
        self.pair.came(self, data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the pair."""
        self.lost = True
        self.pair.ended(self, reset=not reason.check(ConnectionDone))
        self.gone.callback(None)

    def close(self, reset: bool) -> None:
        """Close in order, or with a reset."""
        if self.lost or self.transport is None:
            return
        if reset:
            _linger_not(self.transport)
            self.transport.abortConnection()
        else:
            self.transport.loseConnection()


def _linger_not(transport: Any) -> None:
    """Make the next close a reset: the peer sees it even if everything was read."""
    handle: socket.socket = transport.getHandle()
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


class _Ends(Factory):
    noisy = False

    def __init__(self, end: _End) -> None:
        self._end = end

    def buildProtocol(self, addr: Any) -> Any:
        return self._end


class _Pair:
    """A client's connection and the server's that belongs to it."""

    def __init__(self, proxy: "FaultProxy") -> None:
        self._proxy = proxy
        self.client = _End(self)
        self.server = _End(self)
        self._early: list[bytes] = []
        self._up: Pipe | None = None
        self._down: Pipe | None = None
        self._client_ended: bool | None = None
        self._dialing: Deferred[Any] | None = None

    def start(self) -> None:
        """The client is here: connect to the server."""
        self._dialing = self._proxy.dial(self.server)
        self._dialing.addCallbacks(lambda _: self._joined(), lambda _: self.client.close(True))

    def _joined(self) -> None:
        ends, proxy = (self.client, self.server), self._proxy
        if self.client.lost:
            self.server.close(True)
            return
        self._up = Pipe(
            proxy.up, proxy.clock, ends[0].transport, self._write_up, ends[1].close, self.reset
        )
        self._down = Pipe(
            proxy.down, proxy.clock, ends[1].transport, self._write_down, ends[0].close, self.reset
        )
        early, self._early = self._early, []
        for data in early:
            self._up.feed(data)

    def _write_up(self, data: bytes) -> None:
        if not self.server.lost:
            self.server.transport.write(data)

    def _write_down(self, data: bytes) -> None:
        if not self.client.lost:
            self.client.transport.write(data)

    def came(self, end: _End, data: bytes) -> None:
        """Bytes of one side."""
        self._proxy.passed += 1
        if end is self.client:
            self.from_client(data)
        elif self._down is not None:
            self._down.feed(data)

    def from_client(self, data: bytes) -> None:
        """Bytes of the client."""
        self.send_up(data)

    def send_up(self, data: bytes) -> None:
        """On to the server, once it is there."""
        if self._up is None:
            self._early.append(data)
        else:
            self._up.feed(data)

    def ended(self, end: _End, reset: bool) -> None:
        """One side is gone."""
        if end is self.client:
            self._proxy.left(self)
        pipe = self._up if end is self.client else self._down
        if pipe is not None:
            pipe.end(reset)
        if self.client.lost and (self.server.lost or self.server.transport is None):
            self.forget()

    def forget(self) -> None:
        """Nothing is left of it."""
        for pipe in (self._up, self._down):
            if pipe is not None:
                pipe.close()
        if self._dialing is not None:
            self._dialing.cancel()
        self._proxy.pairs.discard(self)

    def reset(self) -> None:
        """Break both sides."""
        self.client.close(True)
        self.server.close(True)

    def strand(self) -> None:
        """Take the server away without telling the client, as a machine that lost its power."""
        for pipe in (self._up, self._down):
            if pipe is not None:
                pipe.close()
        self._down = None
        self.server.close(True)


class FaultProxy(Factory):
    """The proxy, on a port of its own.

    :param port: of the server on loopback.
    :param clock: times what is late or slow.
    :ivar up: what client to server suffers.
    :ivar down: what server to client suffers.
    :ivar refusing: new connections are reset at once.
    :ivar total: connections that clients opened so far.
    :ivar most: most that were open at once.
    :ivar passed: pieces that came from either side so far; what a test watches to see rest.
    """

    noisy = False

    def __init__(self, port: int, clock: Any = reactor) -> None:
        self._server = port
        self.clock = clock
        self.passed = 0
        self.up = Faults()
        self.down = Faults()
        self.refusing = False
        self.total = 0
        self.most = 0
        self.pairs: set[_Pair] = set()
        self._open: set[_Pair] = set()
        self._port = reactor.listenTCP(0, self, interface="127.0.0.1")

    @property
    def port(self) -> int:
        """Where clients connect to."""
        number: int = self._port.getHost().port
        return number

    @property
    def open(self) -> int:
        """Connections that clients have open now."""
        return len(self._open)

    def buildProtocol(self, addr: Any) -> Any:
        """One more client."""
        pair = self.make_pair()
        self.total += 1
        self.pairs.add(pair)
        self._open.add(pair)
        self.most = max(self.most, len(self._open))
        reactor.callLater(0, pair.reset if self.refusing else pair.start)
        return pair.client

    def make_pair(self) -> _Pair:
        """Make what keeps the two sides of one connection together."""
        return _Pair(self)

    def dial(self, end: _End) -> Deferred[Any]:
        """Connect to the server."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self._server)
        dialing: Deferred[Any] = endpoint.connect(_Ends(end))
        return dialing

    def left(self, pair: _Pair) -> None:
        """A client's connection is gone."""
        self._open.discard(pair)

    def reset(self) -> None:
        """Reset every connection that is open."""
        for pair in list(self.pairs):
            pair.reset()

    def freeze(self, frozen: bool = True) -> None:
        """Stop everything both ways, or let it go on."""
        self.up.set(frozen=frozen)
        self.down.set(frozen=frozen)

    def half_open(self) -> None:
        """Take the server away from every open connection; the clients are not told."""
        for pair in list(self.pairs):
            pair.strand()

    def lead_to(self, port: int) -> None:
        """Connect whoever comes from now on to another server: the old one was restarted."""
        self._server = port

    async def stop(self) -> None:
        """Close everything; fires once nothing is left."""
        await maybeDeferred(self._port.stopListening)
        ends = [end for pair in self.pairs for end in (pair.client, pair.server)]
        left = [end for end in ends if end.transport is not None and not end.lost]
        gone = DeferredList([end.gone for end in left])
        for pair in list(self.pairs):
            pair.reset()
            if pair.server.transport is None:
                pair.forget()
        await gone


class _HttpPair(_Pair):
    """As a pair, but it looks at requests one by one."""

    def __init__(self, proxy: "HttpProxy") -> None:
        super().__init__(proxy)
        self._http = proxy
        self._splitter = Splitter(self._judge, self.send_up)

    def from_client(self, data: bytes) -> None:
        """Cut into requests."""
        self._splitter.feed(data)

    def _judge(self, request: Request) -> None:
        self._http.requests.append(request)
        rule = self._http.http.judge(request)
        if rule.act == "answer":
            self.client.transport.write(rule.answer)
        elif rule.act == "reset":
            self.reset()
        elif rule.act == "lose":
            self._http.send_apart(request.raw, self.reset)
        else:
            self.send_up(request.raw)
            if rule.act == "duplicate":
                self._http.send_apart(request.raw, lambda: None)


class _Apart(_Pair):
    """A request on a connection of its own, whose answer goes nowhere."""

    def __init__(self, proxy: FaultProxy, raw: bytes, answered: Any) -> None:
        super().__init__(proxy)
        self._raw = raw
        self._answered = answered
        self.client.lost = True

    def start(self) -> None:
        """Connect and send."""
        self._dialing = self._proxy.dial(self.server)
        self._dialing.addCallbacks(
            lambda _: self.server.transport.write(self._raw), lambda _: self._done()
        )

    def came(self, end: _End, data: bytes) -> None:
        """The server has it, and said something."""
        self._done()
        self.server.close(False)

    def ended(self, end: _End, reset: bool) -> None:
        """The server hung up."""
        self._done()
        self._proxy.pairs.discard(self)

    def _done(self) -> None:
        answered, self._answered = self._answered, lambda: None
        answered()


class HttpProxy(FaultProxy):
    """The proxy for HTTP; a WebSocket passes once it is agreed.

    :ivar http: what happens to single requests.
    :ivar requests: all that clients sent, oldest first.
    """

    def __init__(self, port: int, clock: Any = reactor) -> None:
        self.http = HttpFaults()
        self.requests: list[Request] = []
        super().__init__(port, clock)

    def make_pair(self) -> _Pair:
        """As above."""
        return _HttpPair(self)

    def send_apart(self, raw: bytes, answered: Any) -> None:
        """Send a request on a connection of its own; ``answered`` is called when it was."""
        apart = _Apart(self, raw, answered)
        self.pairs.add(apart)
        apart.start()
