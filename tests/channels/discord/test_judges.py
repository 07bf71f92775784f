"""The official client libraries work with the stand-in: so it is believable as Discord."""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twisted.internet import reactor as default_reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, TestCase

from tests.channels.discord.counterpart import FakeDiscord
from tests.channels.discord.rig import ALICE
from tests.channels.discord.world import BOT_ID, GENERAL_ID
from tests.conformance import packages

reactor: Any = default_reactor

PATIENCE_SECONDS = 60
PING_EDITED = {"event": "edited", "content": "ping!"}
DRIVERS = Path(__file__).with_name("drivers")


class _Judge(ProcessProtocol):
    """A client library in a process of its own; what it says is a list of events."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.errors = ""
        self.ended: Deferred[int] = Deferred()
        self._rest = b""

    def outReceived(self, data: bytes) -> None:
        """Read the events."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.said.extend(json.loads(line) for line in lines if line.startswith(b"{"))

    def errReceived(self, data: bytes) -> None:
        """Keep what it complains of."""
        self.errors += data.decode(errors="replace")

    def processEnded(self, reason: Failure) -> None:
        """It is over."""
        value: Any = reason.value
        self.ended.callback(value.exitCode)

    def events(self, name: str) -> list[dict[str, Any]]:
        """What it said of one kind."""
        return [one for one in self.said if one["event"] == name]


class JudgeTests(TestCase):
    timeout = 90

    def setUp(self) -> None:
        self.discord = FakeDiscord(reactor)
        self.discord.gateway.interval_ms = 2_000
        self.discord.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.discord.stop()))

    async def test_discord_js(self) -> None:
        try:
            node, package = packages.node(), packages.package("discord.js")
        except packages.Missing as missing:
            raise SkipTest(str(missing)) from None
        arguments = [str(DRIVERS / "judge.mjs"), str(package.parent)]
        judge = self.start([str(node), *arguments, self.discord.root, self.discord.token])
        await self.judged(judge)
        self.discord.choose("help", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(judge, lambda: judge.events("chosen"))
        self.assertEqual(self.discord.shown()[-1].text, "chosen: help")
        await self.dismissed(judge)

    async def test_discord_py(self) -> None:
        if find_spec("discord") is None:
            raise SkipTest("discord.py is not installed")
        arguments = [self.discord.root, self.discord.world.base, self.discord.token]
        judge = self.start([sys.executable, str(DRIVERS / "judge.py"), *arguments])
        await self.judged(judge)
        await self.dismissed(judge)

    def start(self, command: list[str]) -> _Judge:
        """Start a library."""
        judge = _Judge()
        process = reactor.spawnProcess(judge, command[0], command, env=dict(os.environ))
        self.addCleanup(self.kill, judge, process)
        return judge

    async def kill(self, judge: _Judge, process: Any) -> None:
        """Leave nothing of it."""
        if not judge.ended.called:
            process.signalProcess("KILL")
            await judge.ended

    async def judged(self, judge: _Judge) -> None:
        """Let it log in, be written to in a guild and in person, and answer."""
        await self.until(judge, lambda: judge.events("ready"))
        self.assertEqual(judge.events("ready")[0]["user"], BOT_ID)
        self.assertEqual(judge.events("ready")[0]["guilds"], ["Test guild"])
        message_id = self.discord.say("ping", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(judge, lambda: judge.events("answered"))
        [heard] = judge.events("message")
        self.assertEqual(
            (heard["author"], heard["guild"], heard["channel"], heard["mentioned"]),
            (ALICE, "Test guild", "general", True),
        )
        [shown] = self.discord.shown()
        self.assertEqual(shown.text, "pong, edited")
        self.assertEqual((shown.reply_to, shown.files), (message_id, (b"file",)))
        reactions = self.discord.world.messages[message_id]["reactions"]
        self.assertEqual([one["emoji"]["name"] for one in reactions], ["👍"])
        self.assertEqual(self.discord.rest.typing, [GENERAL_ID])
        self.discord.world.edit(message_id, "ping!")
        await self.until(
            judge, lambda: any(e["content"] == "ping!" for e in judge.events("edited"))
        )
        self.discord.say("in person", chat_id=ALICE, sender_id=ALICE)
        await self.until(judge, lambda: len(judge.events("answered")) == 2)
        self.assertEqual(self.discord.shown()[-1].chat_id, ALICE)

    async def dismissed(self, judge: _Judge) -> None:
        """Let it go."""
        self.discord.say("goodbye", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(judge, lambda: judge.ended.called)
        self.assertEqual(judge.events("error"), [])

    async def until(self, judge: _Judge, condition: Any) -> None:
        """Wait, for as long as it lives."""
        deadline = reactor.seconds() + PATIENCE_SECONDS
        while not condition():
            if reactor.seconds() > deadline:
                self.fail(f"the library is stuck: {judge.said} {judge.errors[-2000:]}")
            if judge.ended.called and not condition():
                self.fail(f"the library ended: {judge.said} {judge.errors[-2000:]}")
            await deferLater(reactor, 0.02, lambda: None)
