"""MCP servers for real: those of the official library on both transports, and hostile ones."""

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from openclaw.agents.mcp import server
from openclaw.agents.mcp.server import McpServer, ServerSettings
from openclaw.agents.mcp.source import McpSource
from openclaw.agents.mcp.stdio import StdioTransport
from openclaw.agents.mcp.streamable import StreamableTransport
from openclaw.agents.mcp.transport import Transport
from openclaw.agents.mcp.wire import McpError
from openclaw.http.outbound import TreqOutbound
from openclaw.interfaces.tools import ToolPlace, ToolResult
from openclaw.protocol.base import encode
from tests.agents.tools.rig import OWNER, STRANGER, box, use_of

reactor: Any = the_reactor
HERE = Path(__file__).parent
ENVIRONMENT = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(HERE.parents[2])}


class ServerCase(TestCase):
    """One server behind a toolbox."""

    timeout = 120

    def setUp(self) -> None:
        # A busy machine may take its time to start a server; nothing here is about that.
        self.patch(server, "FIRST_TOOLS_SECONDS", 60.0)
        self.box = box(reactor)
        self.server: McpServer

    def use(self, make: Callable[[], Transport], **settings: Any) -> McpServer:
        """Start a server; it ends with the test."""
        told = ServerSettings(name="srv", **settings)
        self.server = McpServer(told, make, reactor, Random(1))
        self.box.register_source(McpSource({"srv": self.server}))
        self.server.startService()
        self.addCleanup(self.stop)
        return self.server

    async def stop(self) -> None:
        """Stop what runs."""
        if self.server.running:
            await self.server.stopService()

    def program(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> Callable[[], Transport]:
        """A way to a program of these tests."""
        argv = (sys.executable, str(HERE / name), *arguments)
        shown = {**ENVIRONMENT, **(environment or {})}
        return lambda: StdioTransport("srv", argv, shown, None, reactor)

    async def names(self) -> list[str]:
        """What the owner's run is offered."""
        return [one.name for one in await self.box.specs(ToolPlace(agent_id="main"), OWNER)]

    async def used(self, tool: str, **given: Any) -> ToolResult:
        """Use a tool as the owner."""
        return await self.box.use(f"srv__{tool}", encode(given).decode(), use_of(OWNER))

    async def until(self, what: Callable[[], bool]) -> None:
        """Wait until something is so; the test's own time-out is the end of it."""
        while not what():
            await deferLater(reactor, 0.02)


class OfficialContract(ServerCase):
    """What holds on every transport."""

    async def begin(self, **settings: Any) -> None:
        """Start the official server."""
        raise NotImplementedError

    async def test_tools_and_their_schemas(self) -> None:
        await self.begin()
        specs = {one.name: one for one in await self.box.specs(ToolPlace(agent_id="main"), OWNER)}
        self.assertIn("srv__add", specs)
        self.assertEqual(specs["srv__add"].description, "Adds two numbers.")
        self.assertEqual(specs["srv__add"].parameters["required"], ["a", "b"])
        self.assertEqual((await self.used("add", a=2, b=40)).text, "42")

    async def test_errors_are_the_servers_own(self) -> None:
        await self.begin()
        failed = await self.used("broken")
        self.assertTrue(failed.is_error)
        self.assertIn("Error executing tool broken", failed.text)
        self.assertTrue((await self.used("add", a="x", b=1)).is_error)
        self.assertTrue((await self.used("nothing")).is_error)

    async def test_cancelled_use_is_cancelled_there(self) -> None:
        await self.begin()
        await self.names()
        path = Path(self.mktemp()).absolute()
        using = self.box.use("srv__slow", encode({"path": str(path)}).decode(), use_of(OWNER))
        await self.until(lambda: path.exists() and path.read_text() == "began")
        using.cancel()
        self.assertTrue((await using).is_error)
        await self.until(lambda: path.read_text() == "cancelled")
        self.assertEqual((await self.used("add", a=1, b=1)).text, "2")

    async def test_use_that_takes_too_long_is_cancelled(self) -> None:
        await self.begin(seconds=0.5)
        await self.names()
        path = Path(self.mktemp()).absolute()
        result = await self.used("slow", path=str(path))
        self.assertIn("did not end within 0.5 s", result.text)

    async def test_new_tools_are_found(self) -> None:
        await self.begin()
        self.assertNotIn("srv__grown", await self.names())
        await self.used("grow")
        await self.until(lambda: any(one.name == "grown" for one in self.server.tools))
        self.assertEqual((await self.used("grown")).text, "here")

    async def test_ten_at_a_time(self) -> None:
        await self.begin()
        await self.names()
        results = [self.used("add", a=number, b=1) for number in range(10)]
        texts = [(await one).text for one in map(Deferred.fromCoroutine, results)]
        self.assertEqual(texts, [str(number + 1) for number in range(10)])

    async def test_long_answers_are_cut_and_longer_ones_refused(self) -> None:
        await self.begin()
        self.assertIn("[cut here", (await self.used("big", characters=200_000)).text)
        refused = await self.used("big", characters=5 << 20)
        self.assertRegex(refused.text, "longer than 4( MB|194304)")
        self.assertEqual((await self.used("add", a=1, b=1)).text, "2")

    async def test_strangers_are_offered_none(self) -> None:
        await self.begin()
        await self.names()
        self.assertEqual(list(await self.box.specs(ToolPlace(agent_id="main"), STRANGER)), [])
        result = await self.box.use("srv__add", '{"a":1,"b":2}', use_of(STRANGER))
        self.assertIn("there is no tool", result.text)


class StdioTests(OfficialContract):
    """The official server as a process of ours."""

    async def begin(self, **settings: Any) -> None:
        self.use(self.program("official.py", "stdio", environment={"GIVEN": "yes"}), **settings)

    async def test_it_sees_only_what_it_is_given(self) -> None:
        os.environ["HIDDEN_4711"] = "x"
        self.addCleanup(os.environ.pop, "HIDDEN_4711")
        await self.begin()
        self.assertEqual((await self.used("variable", name="GIVEN")).text, "yes")
        self.assertEqual((await self.used("variable", name="HIDDEN_4711")).text, "(not set)")

    async def test_it_is_started_again_after_a_crash(self) -> None:
        await self.begin()
        await self.names()
        result = await self.used("die")
        self.assertIn("it ended with status 3", result.text)
        self.assertTrue((await self.used("add", a=1, b=1)).is_error)
        await self.until(lambda: bool(self.server.problem))
        self.assertIn("it is tried again", (await self.used("add", a=1, b=1)).text)
        await self.until(lambda: not self.server.problem)
        self.assertEqual((await self.used("add", a=1, b=1)).text, "2")

    async def test_stop_ends_the_process(self) -> None:
        await self.begin()
        await self.names()
        await self.server.stopService()
        self.assertEqual((await self.used("add", a=1, b=1)).is_error, True)


class HttpTests(OfficialContract):
    """The official server behind an address."""

    arguments: tuple[str, ...] = ("http",)

    async def begin(self, **settings: Any) -> None:
        self.process = Listening()
        argv = [sys.executable, str(HERE / "official.py"), *self.arguments]
        reactor.spawnProcess(self.process, argv[0], argv, ENVIRONMENT)
        port = await self.process.port
        self.http = TreqOutbound(reactor)
        self.addCleanup(self.end)
        url = f"http://127.0.0.1:{port}/mcp"
        headers = {"Authorization": "Bearer secret"}
        self.use(lambda: StreamableTransport(url, headers, self.http, reactor), **settings)

    async def end(self) -> None:
        """End client and server."""
        await self.stop()
        await self.http.stopService()
        self.process.kill()
        await self.process.ended

    async def test_it_is_found_again_after_a_crash(self) -> None:
        await self.begin()
        await self.names()
        result = await self.used("die")
        self.assertTrue(result.is_error)
        # A use may still go into a connection that was kept, and hear only that it was cut.
        while not self.server.problem:
            self.assertTrue((await self.used("add", a=1, b=1)).is_error)
            await deferLater(reactor, 0.02)
        self.assertIn("cannot connect", self.server.problem)


class HttpJsonTests(HttpTests):
    """The same where answers are plain JSON."""

    arguments = ("http", "json")

    async def test_new_tools_are_found(self) -> None:
        """Without streams of its own it tells nobody; they are found at the next start."""


class HostileTests(ServerCase):
    """Servers that do what no server should."""

    def hostile(self, how: str, **settings: Any) -> McpServer:
        return self.use(self.program("hostile.py", how), **settings)

    async def test_garbage_and_a_line_of_100_mb_are_survived(self) -> None:
        self.hostile("noise")
        await self.until(lambda: not self.server.problem)
        self.assertEqual(await self.names(), ["srv__fine"])
        self.assertEqual((await self.used("fine")).text, "fine")

    async def test_tools_that_are_none_are_left_out(self) -> None:
        self.hostile("tools")
        names = await self.names()
        self.assertEqual(names[:2], ["srv__fine", "srv__p_th_with_spaces"])
        self.assertEqual([len(name) for name in names[2:]], [64])
        self.assertEqual((await self.used("p_th_with_spaces")).text, "päth/with spaces")

    async def test_answers_that_are_too_long_or_odd_are_said_to_be(self) -> None:
        self.hostile("long")
        self.assertIn("longer than 4 MB", (await self.used("fine")).text)
        await self.stop()
        self.setUp()
        self.hostile("odd")
        self.assertIn("not as the protocol says", (await self.used("fine")).text)

    async def test_servers_that_never_work_hold_nobody_up(self) -> None:
        for how, words in (
            ("exit", "ended with status 4"),
            ("old", "1999-01-01"),
            ("mute", "no answer to initialize within 0.5 s"),
        ):
            with self.subTest(how):
                self.setUp()
                self.hostile(how, connect_seconds=0.5)
                self.assertEqual(await self.names(), [])
                self.assertIn(words, self.server.problem)
                await self.stop()

    async def test_program_that_is_not_there(self) -> None:
        argv = ("/nonexistent/program",)
        self.use(lambda: StdioTransport("srv", argv, ENVIRONMENT, None, reactor))
        self.assertEqual(await self.names(), [])
        self.assertIn("cannot be started: No such file", self.server.problem)
        self.assertIn("'/nonexistent/program'", self.server.problem)

    async def test_endless_pages_come_to_an_end(self) -> None:
        self.hostile("endless")
        self.assertEqual(await self.names(), [])
        await self.until(lambda: not self.server.problem)

    async def test_process_that_will_not_end_is_killed(self) -> None:
        self.hostile("deaf")
        await self.names()
        await self.server.stopService()
        with self.assertRaises(McpError):
            await self.server.call("fine", {})


class Listening(ProcessProtocol):
    """A server process that says its port.

    :ivar port: fires with it.
    :ivar ended: fires when it is gone.
    """

    def __init__(self) -> None:
        self.port: Deferred[int] = Deferred()
        self.ended: Deferred[None] = Deferred()

    def outReceived(self, data: bytes) -> None:
        """The port comes first."""
        if not self.port.called:
            self.port.callback(int(data.split()[0]))

    def processEnded(self, reason: Failure) -> None:
        """It is gone."""
        self.ended.callback(None)

    def kill(self) -> None:
        """End it, unless it has ended by itself."""
        if not self.ended.called and self.transport is not None:
            with contextlib.suppress(ProcessExitedAlready):
                self.transport.signalProcess("KILL")


del ServerCase, OfficialContract  # They are no tests by themselves.
