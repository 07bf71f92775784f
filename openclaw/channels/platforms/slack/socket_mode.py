"""Socket Mode of one app: which connection is served, and how one follows another."""

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.task import deferLater
from twisted.logger import Logger

from openclaw.channels.hosts import leads_here
from openclaw.channels.platforms.slack.api import WebApi
from openclaw.channels.platforms.slack.failures import SlackError, unusable
from openclaw.channels.platforms.slack.fields import text
from openclaw.channels.platforms.slack.line import CLOSE_SECONDS, FLUSH_SECONDS, Line, Taker
from openclaw.deferreds import Tasks
from openclaw.interfaces.channels import ChannelDown, ChannelFailed, ILink
from openclaw.interfaces.outbound import OutboundError

PING_SECONDS = 10.0
PONG_SECONDS = 15.0
HELLO_SECONDS = 10.0
DRAIN_SECONDS = 2.0
LEAVING_SECONDS = FLUSH_SECONDS + 2 * CLOSE_SECONDS
OLD_ENOUGH_SECONDS = 1.0
"""A connection that is younger is not replaced at once, so that no fault of theirs can spin us."""


class SocketMode:
    """The connections of one app.

    :param app: the Web API with the app-level token.
    :param app_id: what the token says of its app; empty if it says nothing.
    :param allowed: most connections at a time; with one, an old one is closed before a new opens.
    """

    _log = Logger()

    def __init__(self, link: ILink, app: WebApi, app_id: str, allowed: int, take: Taker) -> None:
        self._link = link
        self._app = app
        self._app_id = app_id
        self._allowed = allowed
        self._take = take
        self._answers = Tasks()
        self._leaving = Tasks()
        self._lines: set[Line] = set()

    async def serve(self, ready: Callable[[], None]) -> None:
        """Connect and serve until there is an end; every connection is gone when it returns.

        :param ready: called when the first connection is greeted.
        :raises ChannelDown: connect again.
        :raises ChannelFailed: do not.
        """
        try:
            line = await self._open()
            ready()
            while True:
                born = self._link.clock.seconds()
                await line.dismissal()
                line = await self._follow(line, born)
        finally:
            await self._close()

    async def _follow(self, old: Line, born: float) -> Line:
        """Put a new connection in the place of one that Slack will close."""
        if self._allowed < 2:
            await old.leave()
            raise ChannelDown("Slack asked for a new connection", at_once=True)
        early = born + OLD_ENOUGH_SECONDS - self._link.clock.seconds()
        if early > 0:
            await deferLater(self._link.clock, early)
        # One that was left before may still be closing, and counts.
        await self._ended(self._leaving, LEAVING_SECONDS)
        try:
            new = await self._open()
        except ChannelDown as error:
            # Slack still serves the old one for some seconds: nothing is gained by leaving it.
            self._log.warn("no new slack connection yet: {error}", error=error.message)
            await old.end()
            raise ChannelDown(error.message, error.after_seconds) from None
        self._leaving.spawn("leaving a slack connection", self._leave(old))
        return new

    async def _open(self) -> Line:
        url = await self._address()
        line = Line(self._link.clock, self._take, self._link.heard, self._answers)
        self._lines.add(line)
        try:
            await self._link.sockets.websocket(
                url,
                line,
                headers={},
                ping_seconds=PING_SECONDS,
                pong_seconds=PONG_SECONDS,
                trusted=True,
            )
            greeting = Deferred.fromCoroutine(line.greeting())
            self._check(await greeting.addTimeout(HELLO_SECONDS, self._link.clock))
        except OutboundError as error:
            self._lines.discard(line)
            raise ChannelDown(f"no connection to Slack: {error.message}") from None
        except TooLate:
            await self._leave(line)
            raise ChannelDown(f"Slack did not greet within {HELLO_SECONDS:g} s") from None
        except (ChannelDown, ChannelFailed, CancelledError):
            await self._leave(line)
            raise
        return line

    async def _address(self) -> str:
        try:
            answer = await self._app.call("apps.connections.open", {})
        except SlackError as error:
            raise unusable(error, "appToken") from None
        url = text(answer, "url")
        scheme = urlsplit(url).scheme
        plain = leads_here(self._app.root) or self._link.settings.allow_insecure
        if scheme == "wss" or (scheme == "ws" and plain):
            return url
        raise ChannelDown("Slack's answer to apps.connections.open names no wss address")

    def _check(self, app_id: str) -> None:
        if app_id and self._app_id and app_id != self._app_id:
            raise ChannelFailed(
                f"appToken is of app {self._app_id}, and the connection of app {app_id}: copy both "
                "tokens from one app"
            )

    async def _leave(self, line: Line) -> None:
        try:
            await line.leave()
        finally:
            self._lines.discard(line)

    async def _close(self) -> None:
        await self._leaving.cancel()
        for line in list(self._lines):
            await line.leave(0.0)
        self._lines.clear()
        # What was being put on disk is finished, though it can no longer be acknowledged.
        await self._ended(self._answers, DRAIN_SECONDS)
        await self._answers.cancel()

    async def _ended(self, tasks: Tasks, seconds: float) -> None:
        """Wait for what runs now, but not for ever."""
        finished: Deferred[None] = Deferred()

        def finish(_: None) -> None:
            if not finished.called:
                finished.callback(None)

        tasks.drain().addCallback(finish)
        with suppress(TooLate):
            await finished.addTimeout(seconds, self._link.clock)
