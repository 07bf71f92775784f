"""A program of others that a test runs: what it wrote, and its end."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure


class Process(ProcessProtocol):
    """A program, from its start.

    :ivar code: its exit code, None while it runs or if it was killed.
    :ivar ended: fires when it is gone.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], cwd: str) -> None:
        self.out = b""
        self.err = b""
        self.code: int | None = None
        self.ended: Deferred[None] = Deferred()
        spawner: Any = reactor
        self._process = spawner.spawnProcess(self, command[0], command, environment, cwd)

    def outReceived(self, data: bytes) -> None:
        """Keep what it says."""
        self.out += data

    def errReceived(self, data: bytes) -> None:
        """Keep what it complains of."""
        self.err += data

    def processEnded(self, reason: Failure) -> None:
        """Remember how it ended."""
        self.code = getattr(reason.value, "exitCode", None)
        self.ended.callback(None)

    async def kill(self) -> None:
        """End it, and wait until it is gone."""
        if not self.ended.called:
            with contextlib.suppress(ProcessExitedAlready):
                self._process.signalProcess("KILL")
            await self.ended
