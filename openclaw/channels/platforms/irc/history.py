"""What was said while we were away, from servers that keep it.

See https://ircv3.net/specs/extensions/chathistory.
"""

from collections.abc import Sequence

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from openclaw.channels.platforms.irc.connection import Connection
from openclaw.channels.platforms.irc.lines import Line
from openclaw.channels.platforms.irc.pace import Pace
from openclaw.channels.platforms.irc.registration import Session
from openclaw.channels.platforms.irc.wire import milliseconds, stamp

OVERLAP_MS = 10_000
"""Servers' clocks differ; what comes twice has the same id."""

PAGE = 100
MOST_PAGES = 20
ANSWER_SECONDS = 20.0


@define
class _Batch:
    """One answer while it comes."""

    lines: list[Line] = field(factory=list)


class History:
    """Asks one server; one question at a time.

    :meth:`hear` sees every line and keeps those that belong to an answer.
    """

    _log = Logger()

    def __init__(
        self, connection: Connection, session: Session, clock: IReactorTime, pace: Pace
    ) -> None:
        self._pace = pace
        self._connection = connection
        self._session = session
        self._clock = clock
        self._batches: dict[str, _Batch] = {}
        self._waiting: Deferred[list[Line]] | None = None

    async def since(self, moment_ms: int, now_ms: int) -> list[Line]:
        """Everything that was said to us after a moment, oldest first.

        A server that refuses or falls silent is asked no more.
        """
        after = moment_ms - OVERLAP_MS
        targets = sorted(self._session.joined)
        found = []
        try:
            for line in await self._targets(after, now_ms + OVERLAP_MS):
                name = line.param(1)
                if name and not self._session.is_channel(name):
                    targets.append(name)
            for target in targets:
                found += await self._said(target, after)
        except TooLate:
            self._log.warn("irc: the server does not tell what was said; going on without")
        return sorted(found, key=lambda line: line.tags.get("time", ""))

    def hear(self, line: Line) -> bool:
        """Take a line that belongs to an answer; false for one that does not."""
        reference = line.param(0)
        if line.command == "BATCH" and reference.startswith("+"):
            if "chathistory" in line.param(1) and self._waiting is not None:
                self._batches[reference[1:]] = _Batch()
                return True
        elif line.command == "BATCH" and reference[1:] in self._batches:
            self._answer(self._batches.pop(reference[1:]).lines)
            return True
        elif line.tags.get("batch", "") in self._batches:
            self._batches[line.tags["batch"]].lines.append(line)
            return True
        elif line.command == "FAIL" and line.param(0) == "CHATHISTORY":
            self._answer([])
            return True
        return False

    async def _targets(self, after_ms: int, before_ms: int) -> Sequence[Line]:
        """Who wrote to us."""
        span = (f"timestamp={stamp(after_ms)}", f"timestamp={stamp(before_ms)}")
        return await self._ask("TARGETS", *span, str(self._page))

    async def _said(self, target: str, after_ms: int) -> list[Line]:
        found: list[Line] = []
        after = f"timestamp={stamp(after_ms)}"
        for _ in range(MOST_PAGES):
            lines = await self._ask("AFTER", target, after, str(self._page))
            found += lines
            last = milliseconds(lines[-1].tags.get("time", "")) if lines else 0
            if len(lines) < self._page or not last or after == f"timestamp={stamp(last)}":
                break
            after = f"timestamp={stamp(last)}"
        return found

    @property
    def _page(self) -> int:
        told = self._session.features.get("CHATHISTORY", "")
        most = int(told) if told.isdigit() else 0
        return min(PAGE, most) if most else PAGE

    async def _ask(self, *question: str) -> list[Line]:
        await self._pace.take()
        waiting: Deferred[list[Line]] = Deferred(lambda _: None)
        self._waiting = waiting
        self._connection.send("CHATHISTORY", *question)
        try:
            return await waiting.addTimeout(ANSWER_SECONDS, self._clock)
        finally:
            self._waiting = None

    def _answer(self, lines: list[Line]) -> None:
        if self._waiting is not None and not self._waiting.called:
            self._waiting.callback(lines)
