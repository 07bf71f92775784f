"""A channel between a recording link and the stand-in, over real sockets."""

from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet import reactor as default_reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from openclaw.channels.platforms.discord.gateway import Patience
from openclaw.channels.platforms.discord.manifest import MANIFEST
from openclaw.channels.platforms.discord.service import DiscordChannel
from openclaw.channels.platforms.discord.settings import DiscordSettings
from openclaw.http.sockets import OutboundSockets
from openclaw.interfaces.channels import Taken
from openclaw.interfaces.messages import Inbound, Outgoing, Target
from tests.channels.discord.counterpart import FakeDiscord
from tests.channels.discord.world import GENERAL_ID
from tests.channels.link import KeptState, RecordingLink

reactor: Any = default_reactor

QUICK = Patience(hello=0.5, ready=0.5, resumed=0.5, ack=0.3, beat=0.2, identify=0.1)
ALICE = "700000000000000002"
BOB = "700000000000000003"


def target(chat_id: str = GENERAL_ID, **more: Any) -> Target:
    """Somewhere in a guild, unless told otherwise."""
    words: dict[str, Any] = {"chat_type": "channel", **more}
    return Target(channel="discord", account="default", chat_id=chat_id, **words)


def outgoing(text: str = "hello", to: Target | None = None, **more: Any) -> Outgoing:
    """A message."""
    words: dict[str, Any] = {"id": f"out-{text}", **more}
    return Outgoing(target=to or target(), text=text, **words)


class SteeredLink(RecordingLink):
    """A link whose answers a test may make itself."""

    receiver: Callable[[Inbound], Deferred[Taken]] | None = None

    def receive(self, message: Inbound) -> Deferred[Taken]:
        """See :meth:`ILink.receive`."""
        return super().receive(message) if self.receiver is None else self.receiver(message)


class Rig(TestCase):
    """Starts the stand-in; makes channels, one after the other, that share durable state."""

    timeout = 120

    def setUp(self) -> None:
        self.discord = FakeDiscord(reactor)
        self.discord.gateway.spaced_identifies = False
        self.discord.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.discord.stop()))
        self.state = KeptState()
        self.running: Deferred[None] | None = None
        self.link = self.make_link()
        self.channel = DiscordChannel(self.link, QUICK)

    def make_link(self, **settings: Any) -> SteeredLink:
        """A link with the stand-in's settings, and others."""
        sockets = OutboundSockets(reactor)
        merged = {**self.discord.settings(), **settings}
        link = SteeredLink(
            manifest=MANIFEST,
            settings=msgspec.convert(merged, DiscordSettings),
            reactor=reactor,
            sockets=sockets,
            state=self.state,
            now_ms=self.discord.world.now_ms,
        )
        self.addCleanup(lambda: link.http.stopService())  # type: ignore[attr-defined]
        self.addCleanup(sockets.stopService)
        return link

    def remake(self, patience: Patience = QUICK, **settings: Any) -> None:
        """Another process: nothing but the durable state is left."""
        self.link = self.make_link(**settings)
        self.channel = DiscordChannel(self.link, patience)

    # -- running -----------------------------------------------------------------------------------

    def run_channel(self) -> Deferred[None]:
        """Run it; a test that does not wait for its end has it stopped."""
        running = self.channel.run()
        self.running = running
        self.addCleanup(lambda: self.stop_channel(running))
        return running

    async def connect(self) -> Deferred[None]:
        """Run it until it says that it is connected."""
        before = self.link.events.count("connected")
        running = self.run_channel()
        await self.until(lambda: self.link.events.count("connected") > before)
        return running

    async def stop_channel(self, running: Deferred[None] | None = None) -> None:
        """Stop it, and wait until it has stopped."""
        ending = running or self.running
        if ending is None or ending.called:
            if ending is not None:
                ending.addErrback(lambda _: None)
            return
        ending.cancel()
        try:
            await ending
        except CancelledError:
            return
        self.fail("a stopped channel ended by itself")

    async def ended(self, running: Deferred[Any]) -> Exception:
        """Why it ended."""
        try:
            await running
        except Exception as error:  # Whatever it is, the test says what it should be.
            return error
        raise AssertionError("it ended without a reason")

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to become true; the test's own time-out bounds it."""
        while not condition():
            await deferLater(reactor, 0.01, lambda: None)

    # -- what was asked ----------------------------------------------------------------------------

    def calls(self, method: str, part: str = "") -> list[Any]:
        """What the stand-in was asked, of one kind."""
        asked = self.discord.rest.calls
        return [call for call in asked if call.method == method and part in call.path]
