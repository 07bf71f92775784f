"""An account and its stand-in, joined by real sockets; both are gone after each test."""

from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from openclaw.channels.counterpart import Counterpart
from openclaw.channels.platforms.slack.manifest import MANIFEST
from openclaw.channels.platforms.slack.service import SlackChannel, make
from openclaw.channels.platforms.slack.settings import SlackSettings
from openclaw.http.sockets import OutboundSockets
from openclaw.interfaces.channels import Taken
from openclaw.interfaces.messages import Inbound, Outgoing, Target
from tests.channels.link import RecordingLink
from tests.channels.slack.counterpart import SlackCounterpart

SECONDS: Any = reactor
PATIENCE_SECONDS = 45.0


class SlowLink(RecordingLink):
    """A link whose disk can be slow.

    :ivar durable: what :meth:`receive` waits for, for as long as it is set.
    """

    durable: Deferred[None] | None = None

    def receive(self, message: Inbound) -> Deferred[Taken]:
        """See :meth:`ILink.receive`."""
        if self.durable is None:
            return super().receive(message)
        taken: Deferred[Taken] = Deferred()
        self.durable.addCallback(
            lambda _: super(SlowLink, self).receive(message).chainDeferred(taken)
        )
        return taken


class SlackCase(TestCase):
    """A running stand-in; ``start`` makes an account and waits until it is connected."""

    timeout = 120
    patience = PATIENCE_SECONDS

    def setUp(self) -> None:
        self.slack = SlackCounterpart(reactor)
        self.counterpart: Counterpart = self.slack
        self.slack.listen()
        self.addCleanup(self.nothing_wrong)
        self.addCleanup(self._stop)
        self.sockets = OutboundSockets(reactor)
        self.sockets.startService()
        self.running: Deferred[None] | None = None
        self.ended: list[Any] = []
        self.links: list[SlowLink] = []

    def nothing_wrong(self) -> None:
        self.assertEqual(self.slack.sockets.violations, [])

    async def _stop(self) -> None:
        await self.stop()
        await self.sockets.stopService()
        for link in self.links:
            http: Any = link.http
            await http.stopService()
        await self.slack.stop()

    def link(self, **settings: Any) -> SlowLink:
        """A link with the stand-in's settings, changed so; None takes one away."""
        told = {**self.slack.settings(), **settings}
        given = {name: value for name, value in told.items() if value is not None}
        link = SlowLink(
            manifest=MANIFEST,
            settings=msgspec.convert(given, SlackSettings),
            reactor=reactor,
            sockets=self.sockets,
        )
        link.now_ms = lambda: int(SECONDS.seconds() * 1000)
        self.links.append(link)
        return link

    def make(self, **settings: Any) -> SlackChannel:
        """An account that does nothing yet."""
        self.told = self.link(**settings)
        self.channel = make(self.told)
        return self.channel

    def run_channel(self) -> Deferred[None]:
        """Let the account run; how it ends is in ``ended``."""
        self.running = self.channel.run()
        self.running.addBoth(self._has_ended)
        return self.running

    def _has_ended(self, result: object) -> None:
        self.running = None
        self.ended.append(result.value if isinstance(result, Failure) else result)

    async def start(self, **settings: Any) -> SlackChannel:
        """Make an account and wait until it is connected."""
        self.make(**settings)
        self.run_channel()
        await self.until(lambda: bool(self.told.events or self.ended))
        self.assertEqual(self.ended, [])
        return self.channel

    async def stop(self) -> None:
        """Cancel the account and wait for its end."""
        if self.running is not None:
            self.running.cancel()
            await self.until(lambda: self.running is None)
            self.assertIsInstance(self.ended.pop(), CancelledError)

    async def end(self) -> Any:
        """Wait until the account ends by itself; gives what it failed with."""
        await self.until(lambda: bool(self.ended))
        return self.ended[0]

    async def until(self, happened: Callable[[], bool]) -> None:
        """Let the reactor turn until something has happened; the test's time-out is the limit."""
        end = SECONDS.seconds() + self.patience
        while not happened():
            self.assertLess(SECONDS.seconds(), end, "it did not happen")
            await deferLater(SECONDS, 0.002)

    async def pause(self, seconds: float = 0.05) -> None:
        """Let what should not happen have its chance."""
        await deferLater(SECONDS, seconds)


def outgoing(text: str = "hello", chat_id: str = "D1", **more: Any) -> Outgoing:
    """Something to send; ``thread_id`` and ``reply_to`` are the target's."""
    place = {name: more.pop(name) for name in ("thread_id", "reply_to") if name in more}
    where = Target(channel="slack", account="default", chat_id=chat_id, **place)
    return Outgoing(id=more.pop("id", "out-1"), target=where, text=text, **more)
