"""A server that is a process of ours: a message a line; what it logs goes to our log."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from openclaw.agents.mcp.lines import Lines
from openclaw.agents.mcp.transport import Ears
from openclaw.agents.mcp.wire import MOST_BYTES
from openclaw.deferreds import deferred

CLOSING_SECONDS = 2.0
_LOGGED_BYTES = 2_000
_NUMBER = re.compile(rb'"id"\s*:\s*(\d{1,15})')


class StdioTransport:
    """Starts a program, and speaks to it through its standard streams. No shell is involved.

    :param argv: the program and its arguments; looked for in ``PATH`` of ``environment``.
    :param environment: all that the program sees of it.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        environment: Mapping[str, str],
        directory: str | None,
        reactor: Any,
    ) -> None:
        self._name = name
        self._argv = list(argv)
        self._environment = dict(environment)
        self._directory = directory
        self._reactor = reactor
        self._process: _Process | None = None

    def open(self, ears: Ears) -> None:
        """See :meth:`Transport.open`."""
        process = _Process(self._name, ears)
        try:
            self._reactor.spawnProcess(
                process, self._argv[0], self._argv, self._environment, self._directory
            )
        except OSError as error:  # It names nothing, and a missing directory looks the same.
            where = f" in {self._directory}" if self._directory else ""
            words = f"{error.strerror or error}: {self._argv[0]!r}{where}"
            raise OSError(error.errno, words) from None
        self._process = process

    def send(self, message: bytes, number: int = 0) -> Deferred[None]:
        """See :meth:`Transport.send`."""
        if self._process is not None and not self._process.ended.called:
            self._process.write(message + b"\n")
        return succeed(None)

    def agreed(self, version: str) -> None:
        """Nothing depends on it here."""

    def forget(self, number: int) -> None:
        """The answer, if it comes, is dropped by whoever waited."""

    def close(self) -> Deferred[None]:
        """See :meth:`Transport.close`: ask it to end, then make it."""
        process = self._process
        if process is None or process.ended.called:
            return succeed(None)
        return self._close(process)

    @deferred
    async def _close(self, process: "_Process") -> None:
        process.finish()
        for signal in ("TERM", "KILL"):
            await _first(process.ended, deferLater(self._reactor, CLOSING_SECONDS))
            if process.ended.called:
                return
            process.signal(signal)
        await process.ended


class _Process(ProcessProtocol):
    """The process while it lives.

    :ivar ended: fires when it is gone.
    """

    _log = Logger()

    def __init__(self, name: str, ears: Ears) -> None:
        self.ended: Deferred[None] = Deferred()
        self._name = name
        self._ears = ears
        self._out = Lines(ears.received, self._too_long, MOST_BYTES)
        self._err = Lines(self._said, self._said, _LOGGED_BYTES)

    def outReceived(self, data: bytes) -> None:
        """Bytes of messages."""
        self._out.feed(data)

    def errReceived(self, data: bytes) -> None:
        """Bytes of its log."""
        self._err.feed(data)

    def processEnded(self, reason: Failure) -> None:
        """It is gone."""
        status = reason.value
        how = getattr(status, "signal", None)
        code = 0 if isinstance(status, ProcessDone) else getattr(status, "exitCode", None)
        why = f"it was ended by signal {how}" if how else f"it ended with status {code}"
        self.ended.callback(None)
        self._ears.lost(why)

    def write(self, data: bytes) -> None:
        """Give it something to read."""
        assert self.transport is not None
        self.transport.write(data)

    def finish(self) -> None:
        """Tell it that nothing more comes."""
        assert self.transport is not None
        self.transport.closeStdin()

    def signal(self, name: str) -> None:
        """Send a signal, if it still lives."""
        assert self.transport is not None
        try:
            self.transport.signalProcess(name)
        except ProcessExitedAlready:
            self._log.debug("{name} has ended already", name=self._name)

    def _too_long(self, head: bytes) -> None:
        found = _NUMBER.search(head)
        words = f"its answer is longer than {MOST_BYTES >> 20} MB"
        self._log.warn(
            "mcp server {name}: a message was left out: {why}", name=self._name, why=words
        )
        self._ears.failed(int(found[1]) if found else 0, words)

    def _said(self, line: bytes) -> None:
        text = line[:_LOGGED_BYTES].decode("utf-8", "replace")
        self._log.debug("mcp server {name} says: {line}", name=self._name, line=text)


def _first(ended: Deferred[None], pause: Deferred[None]) -> Deferred[None]:
    """Fires with whichever is first; a process that ends cuts the pause short."""
    pause.addErrback(lambda _: None)

    def cut(result: None) -> None:
        pause.cancel()

    ended.addCallback(cut)
    return pause
