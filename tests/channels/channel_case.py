"""One account's channel over real sockets, with a clock that only the test moves."""

from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from openclaw.interfaces.channels import IChannel, Manifest
from openclaw.interfaces.queue import Undelivered
from tests.channels.link import KeptState, RecordingLink


class Unconnectable:
    """Sockets of a platform that has none."""


class Link(RecordingLink):
    """A link that also keeps the names it was told."""

    def connected(self, name: str = "") -> None:
        """Keep the name too."""
        self.names = [*getattr(self, "names", []), name]
        super().connected(name)


async def until(condition: Callable[..., object]) -> None:
    """Wait for something that other parts of this process, or other processes, bring about."""
    clock: Any = reactor
    while not condition():
        await deferLater(clock, 0.002)


class ChannelCase(TestCase):
    """Makes accounts and runs them.

    :ivar clock: what the channel takes for time; only :meth:`advance` moves it.
    :ivar channel: the newest account's; its link is ``link``.
    :ivar ends: how each run ended, oldest first.
    """

    timeout: float = 120
    channel: IChannel

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

    def linked(self, manifest: Manifest, settings: Any) -> Link:
        """Make a link of a platform that needs no sockets besides HTTP; it is the newest."""
        sockets: Any = Unconnectable()
        self.link = Link(
            manifest=manifest,
            settings=settings,
            reactor=reactor,
            sockets=sockets,
            state=self.state,
        )
        self.link.clock = self.clock
        self.links.append(self.link)
        return self.link

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
        self.end(CancelledError)

    def end(self, kind: type[Exception]) -> Any:
        """What the last run ended with."""
        end = self.ends[-1]
        assert end is not None, "it ended without a reason"
        end.trap(kind)
        return end.value

    async def ended(self, kind: type[Exception]) -> Any:
        """What the last run ends with."""
        await until(lambda: len(self.ends) == len(self.runs))
        return self.end(kind)

    async def undelivered(self, sent: Deferred[Any], kind: str) -> Undelivered:
        """How a send failed."""
        error = await self.assertFailure(sent, Undelivered)
        assert isinstance(error, Undelivered)
        self.assertEqual(error.kind, kind, error.message)
        return error
