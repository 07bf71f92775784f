"""The pool of outgoing HTTP connections: how many there are, which is used again, for how long.

Nothing imports this module before the first request is made: it brings Twisted's HTTP client along.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import (
    IDelayedCall,
    IHandshakeListener,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from twisted.web.client import HTTP11ClientProtocol  # type: ignore[attr-defined]  # Not in __all__.
from zope.interface import implementer

from openclaw.config.schema.traffic import Pool
from openclaw.deferreds import deferred

EXCESS_SECONDS = 30.0
"""How long an idle connection is kept at most if ``minSize`` others are idle already."""

UNPROVEN_SECONDS = 4.0
"""How long a connection may have been idle for a request that must not be sent twice.

That the peer, or something on the way, has forgotten it shows only when the request is lost. The
shortest common limits of servers are 5 s.
"""


@implementer(IHandshakeListener)
class PooledConnection(HTTP11ClientProtocol):
    """One connection.

    :ivar place: what it leads to; requests to the same place may share it.
    :ivar ready: fires when a request can be sent: TLS is agreed, the peer is known.
    :ivar gone: fires when nothing is left of it.
    :ivar used: it carried a request before.
    """

    transport: Any

    def __init__(
        self,
        place: Hashable,
        secure: bool,
        idle: Callable[[PooledConnection], object],
        lost: Callable[[PooledConnection], object],
    ) -> None:
        super().__init__(idle)
        self.place = place
        self.ready: Deferred[None] = Deferred(lambda _: self.cut())
        self.gone: Deferred[None] = Deferred()
        self.used = False
        self.idle_since = 0.0
        self.timer: IDelayedCall | None = None
        self._secure = secure
        self._lost = lost

    def connectionMade(self) -> None:
        """Up, unless TLS has still to be agreed."""
        super().connectionMade()
        if not self._secure:
            self.handshakeCompleted()

    def handshakeCompleted(self) -> None:
        """TLS is agreed."""
        if not self.ready.called:
            self.ready.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell who waits."""
        super().connectionLost(reason)
        if not self.ready.called:
            self.ready.errback(reason)
        self._lost(self)
        self.gone.callback(None)

    def cut(self) -> None:
        """End it at once."""
        # Not loseConnection(): over TLS that waits for an answer of the peer that fell silent.
        if not self.gone.called:  # Over TLS a second end would raise.
            self.transport.abortConnection()

    def silent(self) -> bool:
        """Whether nothing has come that was not asked for, such as the end."""
        transport = self.transport
        while isinstance(transport, ProtocolWrapper):
            transport = transport.transport
        poll = select.poll()
        poll.register(transport.getHandle().fileno(), select.POLLIN)
        return not poll.poll(0)


class _Connections(Factory):
    noisy = False

    def __init__(self, make: Callable[[], PooledConnection]) -> None:
        self._make = make

    def buildProtocol(self, addr: Any) -> Any:
        return self._make()


class ConnectionPool:
    """Connections of one client, busy and idle; never more than ``maxSize`` of both together."""

    def __init__(self, clock: IReactorTime, settings: Pool) -> None:
        self._clock = clock
        self._settings = settings
        self._idle: dict[Hashable, list[PooledConnection]] = {}
        self._all: set[PooledConnection] = set()
        self._making = 0
        self._waiting: list[Deferred[None]] = []
        self._waking: IDelayedCall | None = None
        self._closed = False

    def __len__(self) -> int:
        """How many connections there are, those that are being made included."""
        return len(self._all) + self._making

    @property
    def full(self) -> bool:
        """Whether all there may be are in use."""
        return len(self) >= self._settings.max_size

    @deferred
    async def borrow(
        self,
        place: Hashable,
        endpoint: IStreamClientEndpoint,
        *,
        secure: bool,
        repeatable: bool,
        fresh: bool = False,
    ) -> PooledConnection:
        """Take an idle connection to ``place``, or make one as soon as there is room.

        :param secure: the endpoint speaks TLS.
        :param repeatable: the request may be sent twice, so a connection may be tried that has been
            idle for long.
        :param fresh: only a new connection will do.
        :return: fires when a request can be sent on it; fails as connecting does.
        """
        queued = False
        while True:
            idle = None if fresh else self._take(place, repeatable)
            if idle is not None:
                return idle
            # Whoever comes later must not overtake those who wait.
            if not self.full and (queued or not self._waiting):
                return await self._make(place, endpoint, secure)
            if self.full:
                self._make_room()
            queued = True
            await self._turn()

    def close(self) -> Deferred[None]:
        """End every connection; fires once all of them are gone."""
        self._closed = True
        if self._waking is not None and self._waking.active():
            self._waking.cancel()
        for waiting in list(self._waiting):
            waiting.cancel()
        gone = [_ended(connection) for connection in self._all]
        for connection in list(self._all):
            connection.cut()
        return DeferredList(gone).addCallback(lambda _: None)

    def _take(self, place: Hashable, repeatable: bool) -> PooledConnection | None:
        """The idle connection that was used last, if one is good."""
        while found := self._idle.get(place):
            connection = found[-1]
            self._leave(connection)
            if self._good(connection, repeatable):
                connection.used = True
                return connection
            connection.cut()
        return None

    def _good(self, connection: PooledConnection, repeatable: bool) -> bool:
        if connection.state != "QUIESCENT" or connection.gone.called:
            return False
        if not self._settings.test_on_borrow:
            return True
        fresh = self._clock.seconds() - connection.idle_since <= UNPROVEN_SECONDS
        return (repeatable or fresh) and connection.silent()

    async def _make(
        self, place: Hashable, endpoint: IStreamClientEndpoint, secure: bool
    ) -> PooledConnection:
        def make() -> PooledConnection:
            return PooledConnection(place, secure, self._returned, self._lost)

        self._making += 1
        try:
            connection: Any = await endpoint.connect(_Connections(make))
        finally:
            self._making -= 1
            self._wake()
        if not connection.gone.called:
            self._all.add(connection)
        await connection.ready
        return connection  # type: ignore[no-any-return]  # Endpoints do not say what they make.

    def _returned(self, connection: PooledConnection) -> None:
        """An answer is complete: others may use the connection."""
        if self._closed:
            connection.cut()
            return
        connection.idle_since = self._clock.seconds()
        idle = sum(map(len, self._idle.values()))
        seconds = float(self._settings.idle_timeout)
        if idle >= self._settings.min_size:
            seconds = min(seconds, EXCESS_SECONDS)
        connection.timer = self._clock.callLater(seconds, self._expire, connection)
        self._idle.setdefault(connection.place, []).append(connection)
        self._wake()

    def _expire(self, connection: PooledConnection) -> None:
        self._leave(connection)
        connection.cut()

    def _leave(self, connection: PooledConnection) -> None:
        """Take one out of the idle ones."""
        if connection.timer is not None and connection.timer.active():
            connection.timer.cancel()
        connection.timer = None
        found = self._idle.get(connection.place, [])
        with suppress(ValueError):
            found.remove(connection)
        if not found:
            self._idle.pop(connection.place, None)

    def _lost(self, connection: PooledConnection) -> None:
        self._leave(connection)
        self._all.discard(connection)
        self._wake()

    def _make_room(self) -> None:
        """End the connection that has been idle longest, whatever it leads to."""
        idle = [connection for found in self._idle.values() for connection in found]
        if idle:
            self._expire(min(idle, key=lambda connection: connection.idle_since))

    def _turn(self) -> Deferred[None]:
        """Wait until something changed."""
        turn: Deferred[None] = Deferred(self._give_up)
        self._waiting.append(turn)
        return turn

    def _give_up(self, turn: Deferred[None]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)

    def _wake(self) -> None:
        # In a turn of its own: a connection says that it is idle a moment before it is.
        if self._waiting and (self._waking is None or not self._waking.active()):
            self._waking = self._clock.callLater(0, self._wake_all)

    def _wake_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.called:  # One who was woken before may have had it cancelled.
                turn.callback(None)


def _ended(connection: PooledConnection) -> Deferred[None]:
    ended: Deferred[None] = Deferred()
    connection.gone.addCallback(lambda _: ended.callback(None))
    return ended
