"""What the tests of the service stand on: an account, its link, the counterpart, a clock."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from openclaw.channels.platforms.matrix.manifest import MANIFEST
from openclaw.channels.platforms.matrix.service import Matrix, make
from openclaw.channels.platforms.matrix.settings import MatrixSettings
from openclaw.interfaces.messages import Inbound, Outgoing, Target
from openclaw.interfaces.queue import Undelivered
from tests.channels.link import KeptState, RecordingLink
from tests.channels.matrix.counterpart import ADA, SERVER, Homeserver

DM = "!dm"
GROUP = f"!group:{SERVER}"
BOB = f"@bob:{SERVER}"


class Unconnectable:
    """Sockets of a platform that has none."""


class Link(RecordingLink):
    """A link that also keeps the names it was told."""

    def connected(self, name: str = "") -> None:
        """Keep the name too."""
        self.names = [*getattr(self, "names", []), name]
        super().connected(name)


def settings(given: Mapping[str, Any]) -> MatrixSettings:
    """Settings as the configuration would have them."""
    return msgspec.convert(dict(given), MatrixSettings)


async def until(condition: Callable[..., object]) -> None:
    """Wait for something that other parts of this process, or other processes, bring about."""
    clock: Any = reactor
    while not condition():
        await deferLater(clock, 0.005)


class AccountCase(TestCase):
    """One account, over real sockets.

    :ivar clock: what the channel takes for time; only :meth:`advance` moves it.
    """

    timeout: float = 120

    def setUp(self) -> Any:
        self.clock: Any = Clock()
        self.state = KeptState()
        self.links: list[Link] = []
        self.runs: list[Deferred[None]] = []
        self.ends: list[Failure | None] = []
        self.addCleanup(lambda: Deferred.fromCoroutine(self.close()))

    async def close(self) -> None:
        """Close everything that was opened."""
        for run in self.runs:
            run.cancel()
        for link in self.links:
            stopping: Any = link.http
            await stopping.stopService()

    def account(self, given: Mapping[str, Any]) -> Matrix:
        """Make an account's channel; the newest is ``self.channel``, its link ``self.link``."""
        sockets: Any = Unconnectable()
        link = Link(
            manifest=MANIFEST,
            settings=settings(given),
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

    async def advance(self, seconds: float, condition: Callable[..., object]) -> None:
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

    async def ended(self, kind: type[Exception]) -> Any:
        """What the last run ends with."""
        await until(lambda: len(self.ends) == len(self.runs))
        end = self.ends[-1]
        assert end is not None, "it ended without a reason"
        end.trap(kind)
        return end.value

    async def came(self, *texts: str) -> list[Inbound]:
        """Wait for messages; fails if others came."""
        await until(lambda: len(self.link.received) >= len(texts))
        self.assertEqual([one.text for one in self.link.received], list(texts))
        return self.link.received

    async def undelivered(self, sent: Deferred[Any], kind: str) -> Undelivered:
        """How a send failed."""
        error = await self.assertFailure(sent, Undelivered)
        assert isinstance(error, Undelivered)
        self.assertEqual(error.kind, kind, error.message)
        return error


class ServiceCase(AccountCase):
    """One account against our own counterpart: Ada in a direct room, Ada and Bob in a group."""

    def setUp(self) -> Any:
        super().setUp()
        self.homeserver = Homeserver()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.homeserver.stop()))
        self.addCleanup(lambda: self.assertEqual(self.homeserver.unencoded, []))
        self.homeserver.room(DM, ADA)
        self.homeserver.room(GROUP, ADA, BOB, name="Friends")

    def make(self, **changes: Any) -> Matrix:
        """An account that this homeserver knows."""
        given = {**self.homeserver.settings(), **changes}
        return self.account({key: value for key, value in given.items() if value is not None})

    async def connect(self, **changes: Any) -> Matrix:
        """Make and run a channel, and wait until its long sync is out."""
        self.make(**changes)
        self.start()
        await until(
            lambda: (
                len(self.ends) == len(self.runs)
                or (self.link.events and self.homeserver.open_sockets)
            )
        )
        self.assertEqual((self.link.events, self.ends[len(self.runs) - 1 :]), (["connected"], []))
        return self.channel

    def say(self, text: str, **more: Any) -> str:
        """Let Ada write directly."""
        return self.homeserver.say(text, chat_id=DM, sender_id=ADA, **more)


def to(chat_id: str = DM, **more: Any) -> Target:
    """A place to send to."""
    return Target(channel="matrix", account="default", chat_id=chat_id, **more)


def text(words: str, chat_id: str = DM, **more: Any) -> Outgoing:
    """A message to send."""
    target = more.pop("target", None) or to(chat_id)
    return Outgoing(**{"id": "o1", "target": target, "text": words, **more})
