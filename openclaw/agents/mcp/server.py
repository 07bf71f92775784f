"""One configured server while the gateway runs: started, asked for its tools, started again."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import msgspec
from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from openclaw.agents.mcp.peer import Peer
from openclaw.agents.mcp.transport import Transport
from openclaw.agents.mcp.wire import CallResult, McpError, ToolInfo
from openclaw.deferreds import Tasks, deferred

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
STEADY_SECONDS = 60.0
FIRST_TOOLS_SECONDS = 5.0
MOST_TOOLS = 500
MOST_SCHEMA_BYTES = 65_536


@frozen(kw_only=True)
class ServerSettings:
    """How one server is treated.

    :ivar connect_seconds: how long it may take to start, and to tell its tools.
    :ivar seconds: how long one use of a tool may take.
    :ivar everyone: whether runs that are not the owner's may use its tools.
    """

    name: str
    connect_seconds: float = 30.0
    seconds: float = 60.0
    everyone: bool = False


class McpServer(Service):
    """Keeps a session with a server, whatever becomes of it.

    :param make_transport: a fresh way to it for each session.
    :ivar problem: why there is no session now; empty while there is one.
    :ivar tools: what it had when it last told.
    """

    _log = Logger()

    def __init__(
        self,
        settings: ServerSettings,
        make_transport: Callable[[], Transport],
        clock: IReactorTime,
        random: Random,
    ) -> None:
        self.setName(f"mcp {settings.name}")
        self.settings = settings
        self.tools: Sequence[ToolInfo] = ()
        self.problem = "it has not been started"
        self._make_transport = make_transport
        self._clock = clock
        self._random = random
        self._tasks = Tasks()
        self._peer: Peer | None = None
        self._stale = False
        self._waking: Deferred[None] = Deferred()
        self._known: list[Deferred[None]] = []
        self._settled = False

    def startService(self) -> None:
        """Start the server; nobody waits for it."""
        super().startService()
        self._tasks.spawn(self.settings.name, self._keep())

    @deferred
    async def stopService(self) -> None:
        """End it; fires when its process or its connections are gone."""
        super().stopService()
        await self._tasks.cancel()
        peer, self._peer = self._peer, None
        if peer is not None:
            await peer.close()
        self._settle()

    @deferred
    async def ready(self) -> None:
        """Fires once its tools are known, or cannot be had, or after a few seconds."""
        if self._settled or not self.running:
            return
        waiting: Deferred[None] = Deferred()
        self._known.append(waiting)
        try:
            await waiting.addTimeout(FIRST_TOOLS_SECONDS, self._clock)
        except TooLate:
            self._known.remove(waiting)

    def call(self, name: str, arguments: dict[str, Any]) -> Deferred[CallResult]:
        """Use a tool; fails with :class:`McpError`. Cancelling it stops the work."""
        return self._call(name, arguments)

    @deferred
    async def _call(self, name: str, arguments: dict[str, Any]) -> CallResult:
        if self._peer is None:
            raise McpError(f"it is not there: {self.problem}; it is tried again")
        return await self._peer.call(name, arguments)

    # -- inside --------------------------------------------------------------------------------

    async def _keep(self) -> None:
        """Hold a session, and another one after it; a pause grows while none of them lasts."""
        pause = FIRST_PAUSE_SECONDS
        while self.running:
            began = self._clock.seconds()
            self.problem = await self._session()
            self._settle()
            if not self.running:
                return
            if self._clock.seconds() - began >= STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self._log.warn(
                "mcp server {name}: {why}; again in {seconds} s",
                name=self.settings.name,
                why=self.problem,
                seconds=pause,
            )
            await deferLater(self._clock, pause * self._random.uniform(0.8, 1.2))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _session(self) -> str:
        """Hold one session until it ends; why it did."""
        peer = Peer(self._make_transport(), self._clock, self._changed)
        try:
            await peer.greet(self.settings.connect_seconds)
            await self._read_tools(peer)
            self._peer, self.problem = peer, ""
            self._settle()
            return await self._until_ended(peer)
        except McpError as error:
            return error.message
        finally:
            self._peer = None
            await peer.close()

    async def _until_ended(self, peer: Peer) -> str:
        """Read the tools again whenever they change; why the session ended."""
        ended: list[str] = []

        def end(why: str) -> str:
            ended.append(why)
            self._wake()
            return why

        peer.ended.addCallback(end)
        # Whoever waited for the tools may have stopped us before this waits for anything.
        while self.running and not ended:
            if self._stale:
                self._stale = False
                await self._read_again(peer)
            else:
                self._waking = Deferred()
                await self._waking
        return ended[0] if ended else "it was stopped"

    async def _read_again(self, peer: Peer) -> None:
        try:
            await self._read_tools(peer)
        except McpError as error:
            self._log.warn(
                "mcp server {name}: its new tools are not known: {why}",
                name=self.settings.name,
                why=error.message,
            )

    async def _read_tools(self, peer: Peer) -> None:
        found = await peer.tools(self.settings.connect_seconds)
        if len(found) > MOST_TOOLS:
            self._leave_out(f"{len(found) - MOST_TOOLS} tools", f"it has more than {MOST_TOOLS}")
        self.tools = [tool for one in found[:MOST_TOOLS] if (tool := self._tool(one)) is not None]
        self._log.info(
            "mcp server {name}: {count} tools", name=self.settings.name, count=len(self.tools)
        )

    def _tool(self, described: dict[str, Any]) -> ToolInfo | None:
        name = str(described.get("name"))[:100]
        try:
            tool = msgspec.convert(described, ToolInfo)
        except msgspec.ValidationError as error:
            self._leave_out(name, str(error))
            return None
        if len(msgspec.json.encode(tool.input_schema)) > MOST_SCHEMA_BYTES:
            self._leave_out(name, f"its schema has more than {MOST_SCHEMA_BYTES} bytes")
            return None
        return tool

    def _leave_out(self, what: str, why: str) -> None:
        self._log.warn(
            "mcp server {name}: {what} left out: {why}", name=self.settings.name, what=what, why=why
        )

    def _changed(self) -> None:
        self._stale = True
        self._wake()

    def _wake(self) -> None:
        if not self._waking.called:
            self._waking.callback(None)

    def _settle(self) -> None:
        """Whoever waits for the first tools need not any longer."""
        self._settled = True
        known, self._known = self._known, []
        for waiting in known:
            if not waiting.called:
                waiting.callback(None)
