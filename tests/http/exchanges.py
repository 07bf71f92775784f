"""HTTP over a port in memory: bytes in, answers out, real parts behind it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import msgspec
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from openclaw.assembly.parts import Parts, assemble
from openclaw.config.settings import Options, read_settings

TOKEN = "the-token-of-the-tests"
HERE = "127.0.0.1"
ELSEWHERE = "203.0.113.9"


@attrs.frozen
class Answer:
    """One HTTP answer as a client reads it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body, which is JSON."""
        return msgspec.json.decode(self.body)


class Transport(StringTransport):
    """One side of a TCP connection.

    :ivar protocol: who has it now; the port hands its transport on.
    """

    protocol: Any

    def __init__(self, host: str) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", host, 40_000))
        self.aborted = False

    def abortConnection(self) -> None:
        """Note that it was cut."""
        self.aborted = True
        super().abortConnection()

    def setTcpNoDelay(self, enabled: bool) -> None:
        """As a TCP transport has it."""

    def unregisterProducer(self) -> None:
        """As a TCP transport: harmless if there is none."""
        self.producer = None


class Connection:
    """One connection to a port, from a client at ``host``."""

    def __init__(
        self, factory: IProtocolFactory, host: str = HERE, clock: Clock | None = None
    ) -> None:
        self._clock = clock
        self.transport = Transport(host)
        protocol: Any = factory.buildProtocol(IPv4Address("TCP", host, 40_000))
        assert protocol is not None
        self.transport.protocol = protocol
        protocol.makeConnection(self.transport)

    def feed(self, data: bytes) -> None:
        """Deliver bytes to whatever protocol has the connection now, and let the turn end."""
        self.transport.protocol.dataReceived(data)
        if self._clock is not None:
            self._clock.advance(0)

    def lose(self) -> None:
        """End the connection as the other side would."""
        self.transport.protocol.connectionLost(Failure(ConnectionDone()))

    def taken(self) -> bytes:
        """What was written since the last time."""
        data: bytes = self.transport.value()
        self.transport.clear()
        return data

    def answer(self) -> Answer:
        """The one answer that was written since the last time."""
        return read_answer(self.taken())

    def ask(self, path: str | bytes, method: str = "GET", **headers: str) -> Answer:
        """One request on this connection."""
        self.feed(request(path, method, **headers))
        return self.answer()


def request(path: str | bytes, method: str = "GET", **headers: str) -> bytes:
    """The bytes of one request; ``Host`` is this machine unless given."""
    target = path.encode() if isinstance(path, str) else path
    fields = {"Host": "127.0.0.1:18789", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value]
    return b"%s %s HTTP/1.1\r\n%s\r\n\r\n" % (
        method.encode(),
        target,
        "\r\n".join(lines).encode("latin-1"),
    )


def read_answer(data: bytes) -> Answer:
    """Split one answer; more than one is a failure."""
    head, _, rest = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)
    }
    return Answer(int(status.split()[1]), headers, rest)


class Reactor(MemoryReactorClock):
    """A reactor in memory, whose threads do at once what they are given."""

    def getThreadPool(self) -> "Reactor":
        """Itself: it is the pool too."""
        return self

    def callInThreadWithCallback(
        self, told: Callable[[bool, object], object], work: Callable[..., object], *args: Any
    ) -> None:
        """As a thread pool has it; what fails in here fails the test."""
        told(True, work(*args))

    def callFromThread(self, call: Callable[..., object], *args: Any) -> None:
        """As a reactor has it."""
        call(*args)


class Port:
    """A whole gateway, put together and never started, behind a port in memory."""

    def __init__(self, directory: str | Path, configuration: object = None) -> None:
        state = Path(directory).absolute()
        state.mkdir(parents=True, exist_ok=True)
        (state / "openclaw.json").write_bytes(msgspec.json.encode(configuration or {}))
        settings = read_settings(Options(state_dir=str(state), token=TOKEN), {}, state)
        self.reactor: Any = Reactor()
        self.parts: Parts = assemble(settings, TOKEN, b"s" * 32, 18789, self.reactor)

    def connect(self, host: str = HERE) -> Connection:
        """A fresh connection, in a turn of its own: one turn takes only a few."""
        self.reactor.advance(0)
        return Connection(self.parts.factory, host, self.reactor)

    def ask(
        self, path: str | bytes, method: str = "GET", host: str = HERE, **headers: str
    ) -> Answer:
        """One request on a connection of its own, which the client closes."""
        connection = self.connect(host)
        answer = connection.ask(path, method, **headers)
        connection.lose()
        return answer
