"""A connection that hears events while the command waits for its user: a reactor beside it.

Commands that only ask use :class:`openclaw.cli.connection.Connection`, which loads far less.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, Queue
from threading import Thread
from types import TracebackType
from typing import Any, NoReturn, Self

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.threads import blockingCallFromThread
from twisted.logger import globalLogBeginner

from openclaw.cli.connection import HANDSHAKE_SECONDS, REQUEST_SECONDS, introduction_to
from openclaw.cli.discovery import discover
from openclaw.cli.factor import with_factor
from openclaw.cli.given import Given
from openclaw.cli.problems import Problem
from openclaw.cli.route import Route
from openclaw.cli.words import explain
from openclaw.client.address import GatewayAddress
from openclaw.client.dial import Dialer
from openclaw.client.errors import ClientError, NoAnswer
from openclaw.client.frames import Event
from openclaw.client.gateway import GatewayClient
from openclaw.client.hello import Hello

FAREWELL_SECONDS = 0.3


class LiveConnection:
    """An open connection to the gateway, as a context manager.

    Failures are :class:`openclaw.cli.problems.Problem`, ready to be shown.

    :param scopes: the rights the command needs, and no more.
    :ivar hello: what the gateway granted.
    :ivar target: which gateway it is.
    """

    hello: Hello

    def __init__(self, given: Given, scopes: Sequence[str]) -> None:
        self._given = given
        self._scopes = tuple(scopes)
        self.target = discover(given)
        self._seconds = given.timeout_seconds
        self._loop = ReactorThread()
        self._events: Queue[Event | None] = Queue()
        self._route = Route(self.target, given)
        self._client: GatewayClient

    def __enter__(self) -> Self:
        """Connect.

        :raises Problem: there is no gateway, or it refuses.
        """
        address = self._route.open()
        self._client = GatewayClient(self._dialer(address))
        self._loop.start()
        try:
            self.hello = self._wait(self._connect)
        except BaseException:
            self._loop.stop()
            self._route.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Say goodbye, but do not wait long for an echo."""
        with suppress(ClientError, TooLate):
            self._loop.wait(
                lambda: self._client.close().addTimeout(FAREWELL_SECONDS, self._loop.reactor)
            )
        self._loop.stop()
        self._route.close()

    def call(self, method: str, params: object = None, *, final: bool = False) -> Any:
        """Ask the gateway and wait for its answer; asks the user for a second factor on the way.

        :param final: wait for the outcome of accepted work.
        :return: the payload as plain objects.
        :raises Problem: it said no, or nothing.
        """
        seconds = self._seconds or REQUEST_SECONDS

        def ask(name: str, given: object) -> Any:
            return self._loop.wait(
                lambda: self._client.request(name, given, expect_final=final, timeout=seconds)
            )

        try:
            return with_factor(ask, self._given, method, params)
        except ClientError as error:
            raise explain(error, self.target) from None

    def connect_again(self) -> None:
        """Replace a lost connection, wherever the gateway is now.

        :raises Problem: there is no gateway, or it refuses.
        """
        self.target = discover(self._given)
        self._client = GatewayClient(self._dialer(self._route.open()))
        self._events = Queue()
        self.hello = self._wait(self._connect)

    def listen(self) -> None:
        """Keep the events that arrive from now on for :meth:`next_event`."""
        self._loop.wait(self._register)

    def next_event(self, seconds: float) -> Event | None:
        """Wait for the next event; ``None`` if none came in time.

        :raises Problem: the connection was lost.
        """
        try:
            event = self._events.get(timeout=seconds)
        except Empty:
            return None
        if event is None:
            raise Problem("The connection was lost.", code="CONNECTION_LOST")
        return event

    def _connect(self) -> Deferred[Hello]:
        seconds = self._seconds or HANDSHAKE_SECONDS

        def give_up(_result: object, _seconds: float) -> NoReturn:
            raise NoAnswer("the handshake", seconds)

        return self._client.connect().addTimeout(seconds, self._loop.reactor, give_up)

    def _register(self) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        events = self._events
        self._client.on_event(events.put)
        self._client.on_lost(lambda _: events.put(None))
        if self._client.hello is None:
            events.put(None)  # It was lost before anybody listened.
        done.callback(None)
        return done

    def _wait(self, start: Callable[[], Deferred[Any]]) -> Any:
        try:
            return self._loop.wait(start)
        except ClientError as error:
            raise explain(error, self.target) from None

    def _dialer(self, address: GatewayAddress) -> Dialer:
        return Dialer(
            address,
            introduction_to(self.target, self._scopes),
            self._loop.reactor,
            pins=self.target.pins,
            allow_plaintext_lan=self._given.allow_plaintext_lan,
            seconds=self._seconds or HANDSHAKE_SECONDS,
        )


class ReactorThread:
    """The reactor, running beside the main thread unless it runs already (as in tests)."""

    def __init__(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self._thread: Thread | None = None

    def start(self) -> None:
        """Run the reactor."""
        if self.reactor.running:
            return
        globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
        self._thread = Thread(
            target=self.reactor.run, kwargs={"installSignalHandlers": False}, daemon=True
        )
        self._thread.start()

    def wait(self, start: Callable[[], Deferred[Any]]) -> Any:
        """Start something in the reactor's thread and wait for its outcome."""
        return blockingCallFromThread(self.reactor, start)

    def stop(self) -> None:
        """Stop the reactor, if it was started here."""
        if self._thread is not None:
            self.reactor.callFromThread(self.reactor.stop)
            self._thread.join(1)
