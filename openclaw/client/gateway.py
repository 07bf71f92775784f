"""The gateway client: one connection for a command, or one that is kept up for a service."""

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from openclaw.client.dial import Dialer
from openclaw.client.errors import ConnectionLost
from openclaw.client.frames import Event
from openclaw.client.hello import Hello
from openclaw.client.link import Link
from openclaw.client.upkeep import Upkeep
from openclaw.deferreds import deferred

T = TypeVar("T")
OnEvent = Callable[[Event], None]
OnGap = Callable[[int, int], None]
OnHello = Callable[[Hello], None]
OnLost = Callable[[ConnectionLost], None]


class GatewayClient:
    """Speaks to one gateway.

    Use :meth:`connect` for a connection that ends when it ends, or :meth:`start` for one that is
    made again whenever it is lost. Callbacks stay registered across connections.
    """

    _log = Logger()

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._link: Link | None = None
        self._hello: Hello | None = None
        self._upkeep: Upkeep | None = None
        self._on_event: list[OnEvent] = []
        self._on_gap: list[OnGap] = []
        self._on_hello: list[OnHello] = []
        self._on_lost: list[OnLost] = []

    @property
    def hello(self) -> Hello | None:
        """What the gateway granted; ``None`` while there is no connection."""
        return self._hello

    @deferred
    async def connect(self) -> Hello:
        """Open one connection.

        :return: fires with the hello; fails as :meth:`Dialer.dial` says.
        """
        _, hello = await self._greeted()
        self._announce(hello)
        return hello

    def start(self) -> Deferred[Hello]:
        """Keep a connection up until :meth:`close`.

        :return: fires with the first hello; fails if the gateway refuses for good, or with
            ``CancelledError`` if the client is closed before.
        """
        self._upkeep = Upkeep(self._greeted, self._announce, self._dialer.reactor)
        return self._upkeep.start()

    def request(
        self,
        method: str,
        params: object = None,
        *,
        expect_final: bool = False,
        timeout: float | None = 30.0,
    ) -> Deferred[Any]:
        """Ask the gateway; see :meth:`Link.request`.

        :param expect_final: wait for the outcome of accepted work; ``timeout`` is then unused.
        :return: fires with the payload as plain objects; fails with
            :class:`openclaw.client.errors.ClientError`.
        """
        if self._link is None:
            return fail(ConnectionLost(1006, "not connected"))
        limit = None if expect_final else timeout
        return self._link.request(method, params, final=expect_final, timeout=limit)

    @deferred
    async def close(self) -> None:
        """End the connection and make no other; fires once the socket is closed."""
        if self._upkeep is not None:
            await self._upkeep.stop()
        elif self._link is not None:
            gone: Deferred[ConnectionLost] = Deferred()
            self._link.when_lost(gone.callback)
            self._link.close()
            await gone

    def on_event(self, call: OnEvent) -> Callable[[], None]:
        """Hear every event; what is returned ends that."""
        return _registered(self._on_event, call)

    def on_gap(self, call: OnGap) -> Callable[[], None]:
        """Hear that events are missing: the number expected, the number received."""
        return _registered(self._on_gap, call)

    def on_hello(self, call: OnHello) -> Callable[[], None]:
        """Hear of every connection that is made: the place to subscribe again."""
        return _registered(self._on_hello, call)

    def on_lost(self, call: OnLost) -> Callable[[], None]:
        """Hear of every connection that ends."""
        return _registered(self._on_lost, call)

    def event(self, event: Event) -> None:
        """Pass an event on; called by the link."""
        self._tell(self._on_event, event)

    def gap(self, expected: int, received: int) -> None:
        """Pass a gap on; called by the link."""
        self._tell(self._on_gap, expected, received)

    async def _greeted(self) -> tuple[Link, Hello]:
        link, hello = await self._dialer.dial(self)
        self._link, self._hello = link, hello
        link.when_lost(self._lost)
        return link, hello

    def _announce(self, hello: Hello) -> None:
        self._tell(self._on_hello, hello)

    def _lost(self, lost: ConnectionLost) -> None:
        self._link = self._hello = None
        self._tell(self._on_lost, lost)

    def _tell(self, listeners: list[Callable[..., None]], *what: object) -> None:
        for call in tuple(listeners):
            try:
                call(*what)
            except Exception:  # One listener's bug must not silence the others, or the socket.
                self._log.failure("a listener failed")


def _registered(listeners: list[T], call: T) -> Callable[[], None]:
    listeners.append(call)
    return lambda: listeners.remove(call)
