"""An account and its server, joined by real sockets; both are gone after each test."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from openclaw.channels.platforms.irc.manifest import MANIFEST
from openclaw.channels.platforms.irc.service import IRCChannel
from openclaw.channels.platforms.irc.settings import IRCSettings
from openclaw.http.sockets import OutboundSockets
from openclaw.interfaces.messages import Outgoing, Target
from openclaw.interfaces.queue import Undelivered
from tests.channels.irc.counterpart import IRC
from tests.channels.irc.server import reactor
from tests.channels.link import KeptState, RecordingLink

SILENCE = 0.2
PATIENCE_SECONDS = 45.0


def outgoing(text: str = "hello", chat_id: str = "ada", **more: Any) -> Outgoing:
    """Something to say."""
    reply_to = more.pop("reply_to", "")
    where = Target(channel="irc", account="default", chat_id=chat_id, reply_to=reply_to)
    return Outgoing(id=more.pop("id", "out-1"), target=where, text=text, **more)


class ChannelCase(TestCase):
    """Makes channels, one after the other, that share durable state."""

    timeout = 120

    def setUp(self) -> None:
        self.sockets = OutboundSockets(reactor)
        self.sockets.startService()
        self.state = KeptState()
        self.links: list[RecordingLink] = []
        self.runs: list[Deferred[None]] = []
        self.ends: list[Any] = []
        self.addCleanup(lambda: Deferred.fromCoroutine(self._close()))

    async def _close(self) -> None:
        for run in list(self.runs):
            run.cancel()
        await self.until(lambda: not self.runs)
        await self.sockets.stopService()
        for link in self.links:
            http: Any = link.http
            await http.stopService()

    def make(self, given: Mapping[str, Any], **changes: Any) -> IRCChannel:
        """Make an account's channel; the newest is ``self.channel``, its link ``self.link``."""
        told = {name: one for name, one in {**given, **changes}.items() if one is not None}
        self.link = RecordingLink(
            manifest=MANIFEST,
            settings=msgspec.convert(told, IRCSettings),
            reactor=reactor,
            sockets=self.sockets,
            state=self.state,
            now_ms=lambda: int(reactor.seconds() * 1000),
        )
        self.links.append(self.link)
        self.channel = IRCChannel(self.link, SILENCE)
        return self.channel

    def run_channel(self) -> Deferred[None]:
        """Let it run; how it ends is put into ``ends``."""
        run = self.channel.run()
        self.runs.append(run)

        def ended(result: object) -> None:
            self.runs.remove(run)
            self.ends.append(result.value if isinstance(result, Failure) else result)

        run.addBoth(ended)
        return run

    async def up(self) -> None:
        """Run it, and wait until it is connected."""
        before = len(self.link.events)
        self.run_channel()
        await self.until(lambda: len(self.link.events) > before or self.ends)
        self.assertEqual(self.ends, [])

    async def down(self) -> None:
        """Cancel it, and wait for its end."""
        for run in list(self.runs):
            run.cancel()
        await self.until(lambda: not self.runs)
        self.assertIsInstance(self.ends.pop(), CancelledError)

    async def end(self) -> Any:
        """Wait for it to end by itself; gives what it failed with."""
        await self.until(lambda: self.ends)
        return self.ends.pop()

    async def refused(self, sending: Deferred[Any]) -> Undelivered:
        """Wait for a send to fail."""
        try:
            await sending
        except Undelivered as error:
            return error
        raise AssertionError("it was sent")

    async def until(self, happened: Callable[[], object]) -> None:
        """Let the reactor turn until something has happened.

        :raises AssertionError: it has not.
        """
        end = reactor.seconds() + PATIENCE_SECONDS
        while not happened():
            self.assertLess(reactor.seconds(), end, "it did not happen")
            await deferLater(reactor, 0.002)

    async def pause(self, seconds: float = 0.05) -> None:
        """Let what should not happen have its chance."""
        await deferLater(reactor, seconds)


class ServerCase(ChannelCase):
    """With the stand-in, which must have had nothing to mind."""

    minded = ()

    def setUp(self) -> None:
        super().setUp()
        self.irc = IRC()
        self.server = self.irc.server
        self.addCleanup(lambda: self.assertEqual(self.server.violations, list(self.minded)))
        self.addCleanup(lambda: Deferred.fromCoroutine(self.irc.stop()))

    async def start(self, **changes: Any) -> IRCChannel:
        """Make a channel and wait until it is connected."""
        self.make(self.irc.settings(), **changes)
        await self.up()
        return self.channel

    def texts(self) -> list[str]:
        """What was heard."""
        return [one.text for one in self.link.received]
