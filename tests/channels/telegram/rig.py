"""What the tests of the service stand on: an account, its link, the counterpart, a clock."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from openclaw.channels.platforms.telegram.manifest import MANIFEST
from openclaw.channels.platforms.telegram.service import Telegram, make
from openclaw.channels.platforms.telegram.settings import TelegramSettings
from openclaw.interfaces.messages import Outgoing, Target
from openclaw.interfaces.queue import Undelivered
from tests.channels.link import KeptState, RecordingLink
from tests.channels.telegram import counterpart

CHAT = "42"
GROUP = "-1001234567890"


class Unconnectable:
    """Sockets of a platform that has none."""


class Link(RecordingLink):
    """A link that also keeps the names it was told."""

    def connected(self, name: str = "") -> None:
        """Keep the name too."""
        self.names = [*getattr(self, "names", []), name]
        super().connected(name)


def settings(given: Mapping[str, Any]) -> TelegramSettings:
    """Settings as the configuration would have them."""
    return msgspec.convert(dict(given), TelegramSettings)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that other parts of this process bring about."""
    clock: Any = reactor
    while not condition():
        await deferLater(clock, 0.002)


class ServiceCase(TestCase):
    """One account against the counterpart, over real sockets.

    :ivar clock: what the channel takes for time; only :meth:`advance` moves it.
    """

    timeout = 120

    def setUp(self) -> None:
        self.telegram = counterpart.Telegram()
        self.telegram.chat(CHAT)
        self.telegram.chat(GROUP)
        self.clock = Clock()
        self.state = KeptState()
        self.links: list[Link] = []
        self.runs: list[Deferred[None]] = []
        self.ends: list[Failure | None] = []

    def tearDown(self) -> Deferred[None]:  # type: ignore[override]
        return Deferred.fromCoroutine(self._tear_down())

    async def _tear_down(self) -> None:
        for run in self.runs:
            run.cancel()
        for link in self.links:
            stopping: Any = link.http
            await stopping.stopService()
        await self.telegram.stop()

    def make(self, **changes: Any) -> Telegram:
        """Make an account's channel; the newest is ``self.channel``, its link ``self.link``."""
        sockets: Any = Unconnectable()
        link = Link(
            manifest=MANIFEST,
            settings=settings({**self.telegram.settings(), "pollTimeoutSeconds": 30, **changes}),
            reactor=reactor,
            sockets=sockets,
            state=self.state,
        )
        link.clock = self.clock
        self.links.append(link)
        self.link = link
        self.channel = make(link)
        return self.channel

    def start(self) -> Deferred[None]:
        """Run the newest channel; how it ends is written into ``ends``."""
        run = self.channel.run()
        run.addCallbacks(lambda _: self.ends.append(None), self.ends.append)
        self.runs.append(run)
        return run

    async def connect(self, **changes: Any) -> Telegram:
        """Make and run a channel, and wait until its long poll is out."""
        self.make(**changes)
        self.start()
        await until(lambda: self.link.events and self.telegram.open_sockets)
        self.assertEqual(self.link.events, ["connected"])
        return self.channel

    async def advance(self, seconds: float, condition: Callable[[], object]) -> None:
        """Let time pass, then wait for what that brings about."""
        self.clock.advance(seconds)
        await until(condition)

    async def stop(self) -> None:
        """Cancel the newest run and wait for its end."""
        before = len(self.ends)
        self.runs[-1].cancel()
        await until(lambda: len(self.ends) > before)
        end = self.ends[-1]
        assert end is not None
        end.trap(CancelledError)

    def end(self, kind: type[Exception]) -> Any:
        """What the last run ended with."""
        end = self.ends[-1]
        assert end is not None, "it ended without a reason"
        end.trap(kind)
        return end.value

    async def undelivered(self, sent: Deferred[Any], kind: str) -> Undelivered:
        """How a send failed."""
        error = await self.assertFailure(sent, Undelivered)
        self.assertEqual(error.kind, kind, error.message)
        assert isinstance(error, Undelivered)
        return error


def to(chat_id: str = CHAT, **more: Any) -> Target:
    """A place to send to."""
    return Target(channel="telegram", account="default", chat_id=chat_id, **more)


def text(words: str, chat_id: str = CHAT, **more: Any) -> Outgoing:
    """A message to send."""
    target = more.pop("target", None) or to(chat_id)
    return Outgoing(id="o1", target=target, text=words, **more)
