"""Runs gateways as processes of their own, each with a home, a state directory and a port."""

import http.client
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import attrs
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

import openclaw
from openclaw.cli.tunnel import find_free_port
from openclaw.client.address import GatewayAddress
from openclaw.client.dial import Dialer
from openclaw.client.gateway import GatewayClient
from openclaw.client.settings import Credentials, Introduction
from openclaw.deferreds import deferred

reactor: Any = the_reactor
ROOT = Path(openclaw.__file__).absolute().parent.parent
TOKEN = "token-of-the-tests-0123456789abcdef"
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")


def _path() -> str:
    """Where a process finds this gateway, and what the tests find outside of their interpreter.

    A channel that is being developed lies in such a directory; Python has made them absolute.
    """
    own = (sys.prefix, sys.base_prefix)
    outside = [entry for entry in sys.path if entry and not entry.startswith(own)]
    return os.pathsep.join((str(ROOT), *outside))


@attrs.frozen
class Ended:
    """How a process ended.

    :ivar status: the exit status; ``None`` if a signal ended it.
    :ivar signal: that signal.
    """

    status: int | None
    signal: int | None


class Running(ProcessProtocol):
    """One process: its output as it comes, and its end.

    :ivar out: standard output so far.
    :ivar err: standard error so far.
    """

    def __init__(self) -> None:
        self.out = ""
        self.err = ""
        self.gone: Ended | None = None
        self._waiting: list[Deferred[Ended]] = []
        self._kills: Any = None

    @property
    def pid(self) -> int:
        """The process id."""
        return int(cast(Any, self.transport).pid)

    @property
    def printed(self) -> str:
        """Everything it printed, for messages of failed tests."""
        return f"{self.out}\n{self.err}"

    def outReceived(self, data: bytes) -> None:
        """Keep it."""
        self.out += data.decode(errors="replace")

    def errReceived(self, data: bytes) -> None:
        """Keep it."""
        self.err += data.decode(errors="replace")

    def processEnded(self, reason: Failure) -> None:
        """Tell whoever waits."""
        value: Any = reason.value
        self.gone = Ended(value.exitCode, value.signal)
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(self.gone)

    def signal(self, name: str) -> None:
        """Send a signal, ``KILL`` or ``TERM``; nothing happens if the process is gone."""
        if self.gone is None:
            cast(IProcessTransport, self.transport).signalProcess(name)

    def ended(self) -> Deferred[Ended]:
        """Fires when the process is gone."""
        waiting: Deferred[Ended] = Deferred()
        if self.gone is not None:
            waiting.callback(self.gone)
        else:
            self._waiting.append(waiting)
        return waiting

    @deferred
    async def stop(self, name: str = "TERM", seconds: float = 30.0) -> Ended:
        """Send a signal and wait; a process that outlives ``seconds`` is killed, which shows."""
        late = reactor.callLater(seconds, self.signal, "KILL")
        self.signal(name)
        ended = await self.ended()
        if late.active():
            late.cancel()
        return ended


def run(arguments: Sequence[str], environment: Mapping[str, str], directory: Path) -> Running:
    """Start a process."""
    running = Running()
    reactor.spawnProcess(
        running, arguments[0], list(arguments), dict(environment), str(directory), childFDs=None
    )
    return running


@attrs.frozen
class Answer:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)


def ask(
    port: int, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Answer:
    """One HTTP request, blocking; a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()


def fetch(port: int, path: str, **headers: str) -> Deferred[Answer]:
    """The same without blocking."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return deferToThread(ask, port, path, "GET", named)


async def status_of(port: int, path: str = "/health") -> int:
    """The status of a GET; 0 while nobody answers."""
    try:
        return (await fetch(port, path)).status
    except (OSError, http.client.HTTPException):
        return 0


class Place:
    """Where one gateway lives: its directories, its port, its environment."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory).absolute()
        self.home = self.directory / "home"
        self.state = self.directory / "state"
        self.home.mkdir(parents=True)
        self.port = find_free_port()
        self.token = TOKEN

    @property
    def own(self) -> Path:
        """Our part of the state directory."""
        return self.state / "gateway"

    def environment(self, **more: str) -> dict[str, str]:
        """An environment with nothing of the user's own installation in it."""
        kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        paths = {"HOME": str(self.home), "PYTHONPATH": _path(), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**kept, **paths, **more}

    def configure(self, value: object, name: str = "openclaw.json") -> Path:
        """Write a configuration file."""
        self.state.mkdir(mode=0o700, exist_ok=True)
        path = self.state / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    def options(self) -> list[str]:
        """State directory, port and token as options."""
        return ["--state-dir", str(self.state), "--port", str(self.port), "--token", self.token]

    def start(self, *arguments: str, twistd: bool = False, **environment: str) -> Running:
        """Start a gateway with exactly these arguments."""
        if twistd:
            program = [str(Path(sys.executable).with_name("twistd"))]
            program += ["--nodaemon", "--pidfile=", "openclaw"]
        else:
            program = [sys.executable, "-m", "openclaw"]
        return run([*program, *arguments], self.environment(**environment), self.directory)

    async def ready(self, running: Running, port: int | None = None) -> Running:
        """Wait until ``GET /health`` answers 200.

        :raises RuntimeError: the process ended before.
        """
        while await status_of(port or self.port) != 200:
            if running.gone is not None:
                raise RuntimeError(f"the gateway ended: {running.gone}\n{running.printed}")
            await deferLater(reactor, 0.03)
        return running

    async def started(self, *arguments: str, twistd: bool = False, **environment: str) -> Running:
        """Start a gateway on our port and state directory, and wait until it is ready."""
        running = self.start(*self.options(), *arguments, twistd=twistd, **environment)
        return await self.ready(running)

    def client(
        self,
        token: str | None = None,
        scopes: Sequence[str] = ("operator.read", "operator.write"),
    ) -> GatewayClient:
        """A client of this gateway, not yet connected."""
        introduction = Introduction(
            credentials=Credentials(token=token or self.token), scopes=tuple(scopes)
        )
        return GatewayClient(Dialer(GatewayAddress("127.0.0.1", self.port), introduction, reactor))


def model_configuration(port: int) -> dict[str, Any]:
    """A configuration whose only model is the stand-in on that port, told no skills."""
    provider = {
        "baseUrl": f"http://127.0.0.1:{port}/v1",
        "apiKey": "sk-mock",
        "api": "openai-completions",
        "models": [{"id": "mock-1", "name": "Mock One"}],
    }
    return {
        "agents": {"defaults": {"model": {"primary": "mock/mock-1"}}},
        "models": {"providers": {"mock": provider}},
        "skills": {"allowBundled": []},
    }


async def model_stand_in(
    directory: Path, module: str = "openclaw.testing.model"
) -> tuple[Running, int]:
    """Start a model stand-in as a process; it ends with a KILL.

    :param module: what to run; it prints ``{"port": N}`` first.
    :return: the process and its port.
    """
    environment = {**os.environ, "PYTHONPATH": _path()}
    running = run([sys.executable, "-m", module], environment, directory)
    while "\n" not in running.out:
        if running.gone is not None:
            raise RuntimeError(running.printed)
        await deferLater(reactor, 0.03)
    return running, int(json.loads(running.out.partition("\n")[0])["port"])
