"""What the conformance tests stand on: one gateway for each test class, and reasons to skip."""

import atexit
import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.conformance import packages
from tests.conformance.cli import CommandLine
from tests.conformance.driven import Driven
from tests.conformance.raw import Frame, RawSocket
from tests.conformance.target import ORIGINAL, Gateway

ALL_SCOPES = [
    f"operator.{name}" for name in ("admin", "read", "write", "approvals", "questions", "pairing")
]


class Running:
    """Keeps the gateway of the class whose tests run now; trial calls no ``setUpClass``."""

    def __init__(self) -> None:
        self._owner: type | None = None
        self._gateway: Gateway | None = None

    def gateway_for(self, owner: type["ConformanceCase"]) -> Gateway:
        """The gateway of a test class, started with its first test."""
        if self._owner is not owner or self._gateway is None:
            self.stop()
            self._gateway = Gateway(owner.configuration())
            self._owner = owner
            try:
                self._gateway.start()
            except BaseException:
                self.stop()
                raise
        return self._gateway

    def stop(self) -> None:
        """Stop whatever runs."""
        if self._gateway is not None:
            self._gateway.stop()
        self._gateway = self._owner = None


_running = Running()
atexit.register(_running.stop)


class ConformanceCase(SynchronousTestCase):
    """Tests against one running gateway, with everything else in processes of its own.

    The tests block: what they wait for runs elsewhere, and nothing here uses the reactor.
    """

    needs: ClassVar[tuple[Callable[[], object], ...]] = ()

    @classmethod
    def configuration(cls) -> Mapping[str, Any]:
        """What the gateway's configuration has beyond the usual."""
        return {}

    @property
    def ours(self) -> bool:
        """Whether our gateway runs: for differences that were agreed on, and only for those."""
        return not ORIGINAL

    def setUp(self) -> None:
        """Look for what is needed, then for the class's gateway."""
        for need in (*self.needs, *((packages.node,) if ORIGINAL else ())):
            require(need)
        self.gateway = _running.gateway_for(type(self))

    def dial(self, headers: Mapping[str, str] | None = None, path: str = "/") -> RawSocket:
        """A raw socket, upgraded; closed when the test ends."""
        connection = RawSocket(self.gateway.port, headers=dict(headers or {}), path=path)
        self.addCleanup(connection.__exit__, None, None, None)
        return connection

    def challenge(self, connection: RawSocket) -> dict[str, Any]:
        """The payload of the challenge, the first frame of every connection."""
        frame = connection.receive()
        assert frame is not None, connection.closed
        self.assertEqual(frame["event"], "connect.challenge")
        payload: dict[str, Any] = frame["payload"]
        return payload

    def hello(self, connection: RawSocket, params: dict[str, Any] | None = None) -> Frame:
        """Connect a raw socket, by default as a local backend with every scope.

        :return: the response to ``connect``, accepted or not.
        """
        self.challenge(connection)
        connection.send(connect_frame(params or self.backend()))
        return connection.response("c1")

    def backend(self, **changes: Any) -> dict[str, Any]:
        """Connect params of a local, device-less backend."""
        client = {
            "id": "gateway-client",
            "version": "1.0.0",
            "platform": "linux",
            "mode": "backend",
        }
        return {
            "minProtocol": 4,
            "maxProtocol": 4,
            "client": client,
            "role": "operator",
            "scopes": ALL_SCOPES,
            "caps": [],
            "auth": {"token": self.gateway.token},
            **changes,
        }

    def ask(self, connection: RawSocket, method: str, params: Any = None, **how: Any) -> Frame:
        """Send one request and wait for its first response."""
        request_id = how.pop("id", f"ask-{method}")
        connection.send({"type": "req", "id": request_id, "method": method, "params": params or {}})
        return connection.response(request_id, **how)


class CommandLineCase(ConformanceCase):
    """Tests with the official command line."""

    needs = (packages.node, packages.openclaw_program)

    def setUp(self) -> None:
        """Set the command line up for this gateway."""
        super().setUp()
        self.cli = CommandLine(self.gateway)


class LibraryCase(ConformanceCase):
    """Tests with the official client library."""

    needs = (packages.node, lambda: packages.package("@openclaw/gateway-client"))

    def setUp(self) -> None:
        """Start the driver."""
        super().setUp()
        self.library = Driven("client.mjs", self.gateway)
        self.addCleanup(self.library.stop)

    def connect(self, client: str, *, seconds: float = 60, **options: Any) -> Any:
        """Connect one official client.

        :return: the hello, as the library handed it over.
        """
        given = {"url": self.gateway.ws, "token": self.gateway.token, "scopes": ALL_SCOPES}
        return self.library.ask(
            "connect", client=client, options={**given, **options}, seconds=seconds
        )

    def request(self, client: str, method: str, params: Any = None, **how: Any) -> Any:
        """One request through the library, to its result."""
        return self.library.ask("request", client=client, method=method, params=params or {}, **how)

    def events(self, client: str, name: str) -> list[dict[str, Any]]:
        """The events of one name that a client heard so far, whole frames."""
        lines = [line for line in self.library.collect() if line.get("client") == client]
        frames = [line["event"] for line in lines if "event" in line]
        return [frame for frame in frames if frame["event"] == name]


def connect_frame(params: dict[str, Any]) -> Frame:
    """The request that opens a connection."""
    return {"type": "req", "id": "c1", "method": "connect", "params": params}


def require(need: Callable[[], object]) -> None:
    """Skip the test if something is not installed; fail it under ``OPENCLAW_REQUIRE_ALL=1``."""
    try:
        need()
    except packages.Missing as missing:
        if os.environ.get("OPENCLAW_REQUIRE_ALL") == "1":
            raise AssertionError(f"not installed, and all is required: {missing}") from missing
        raise SkipTest(str(missing)) from missing


def curl() -> str:
    """The ``curl`` program."""
    program = shutil.which("curl")
    if program is None:
        raise packages.Missing("no curl found")
    return program
