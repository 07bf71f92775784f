"""What is said on IRC: one call at a time, paced, confirmed by the server's answer to a ping."""

import re
from collections import deque
from collections.abc import Sequence

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime

from openclaw.channels.platforms.irc.connection import Connection
from openclaw.channels.platforms.irc.lines import Line, cut, is_target, room, sayable
from openclaw.channels.platforms.irc.pace import Pace
from openclaw.channels.platforms.irc.registration import Session
from openclaw.channels.platforms.irc.wire import SYNTHETIC
from openclaw.interfaces.channels import ChannelDown
from openclaw.interfaces.messages import Outgoing, Sent
from openclaw.interfaces.queue import Undelivered

CONFIRM_SECONDS = 30.0
SLOW_DOWN_MS = 10_000
BUSY_MS = 50
"""When to try again what came while something else was being said."""

REMEMBERED = 500
LEAST_ROOM = 100

_REFUSED = re.compile(r"40[1-7]|41[1-7]|442|477|486|489|531|71[67]")
_TOO_FAST = ("263", "439", "480")


class _Watch:
    """What the server says while a call is under way."""

    def __init__(self, mark: str, target: str) -> None:
        self.mark = mark
        self.target = target
        self.message_ids: list[str] = []
        self.refusal: Undelivered | None = None
        self.done: Deferred[None] | None = None

    def finish(self, down: ChannelDown | None = None) -> None:
        """The server answered, or never will."""
        done, self.done = self.done, None
        if done is not None and down is not None:
            done.errback(down)
        elif done is not None:
            done.callback(None)


class Deliveries:
    """Sends over one connection.

    IRC confirms nothing. But a server works off lines in their order: by the time it answers a ping
    it has refused the line before that, or taken it.

    :ivar own: ids of what was said, as far as the server tells them.
    """

    def __init__(
        self, connection: Connection, session: Session, clock: IReactorTime, pace: Pace
    ) -> None:
        self._connection = connection
        self._session = session
        self._clock = clock
        self._pace = pace
        self._lock = DeferredLock()
        self._watch: _Watch | None = None
        self._count = 0
        self._own: deque[str] = deque(maxlen=REMEMBERED)

    @property
    def own(self) -> frozenset[str]:
        """Ids of what was said lately."""
        return frozenset(self._own)

    async def send(self, outgoing: Outgoing, target: str, text: str) -> Sent:
        """Say a text, line by line.

        :param target: a nick or a channel.
        :param text: rendered.
        :raises Undelivered: it was not said, or nobody knows.
        """
        if not is_target(target):
            raise Undelivered("expected one nick or one channel", "never")
        width = max(LEAST_ROOM, room(self._session.prefix, target))
        lines = [part for line in sayable(text) for part in cut(line, width)]
        if not lines:
            raise Undelivered("there is no text in it that IRC can carry", "never")
        wait_ms = self._pace.wait_ms() or (BUSY_MS if self._lock.locked else 0)
        if wait_ms:
            # It waits in the queue, where a stop finds it unsaid; nobody would know that of one
            # that was stopped in here.
            raise Undelivered("the server takes no more lines yet", "later", wait_ms)
        async with self._lock:
            return await self._say(outgoing, target, lines)

    async def ask(self) -> None:
        """Ask the server for a sign of life.

        :raises ChannelDown: it gives none.
        """
        async with self._lock:
            watch = self._begin("")
            try:
                await self._confirmed(watch)
            except TooLate:
                raise ChannelDown("the server does not answer") from None
            finally:
                self._watch = None

    def hear(self, line: Line) -> None:
        """Take note of what may be about the call that is under way."""
        watch = self._watch
        if watch is None:
            return
        if line.command == "PONG" and line.param(-1) == watch.mark:
            watch.finish()
        elif line.command == "PRIVMSG" and self._session.is_own(line.nick):
            self._session.mask = line.mask
            if line.tags.get("msgid"):
                watch.message_ids.append(line.tags["msgid"])
        elif self._is_about(line, watch):
            watch.refusal = watch.refusal or _refusal(line)

    def lost(self, down: ChannelDown) -> None:
        """The connection is gone."""
        if self._watch is not None:
            self._watch.finish(down)

    async def _say(self, outgoing: Outgoing, target: str, lines: Sequence[str]) -> Sent:
        reply = outgoing.target.reply_to
        written = 0
        watch = self._begin(target)
        try:
            for line in lines:
                await self._pace.take()
                self._check(written)
                quoted = "" if written or not self._tells_replies(reply) else reply
                self._connection.send("PRIVMSG", target, line, reply=quoted)
                written += 1
            await self._pace.take()
            self._check(written)
            await self._confirmed(watch)
        except (ChannelDown, TooLate):
            raise _unknown() from None
        finally:
            self._watch = None
        if watch.refusal is not None:
            raise watch.refusal
        self._own.extend(watch.message_ids)
        given = watch.message_ids[-1] if watch.message_ids else SYNTHETIC + outgoing.id
        return Sent(message_id=given)

    def _begin(self, target: str) -> _Watch:
        self._count += 1
        self._watch = _Watch(f"said-{self._count}", self._session.fold(target))
        return self._watch

    def _confirmed(self, watch: _Watch) -> Deferred[None]:
        """Ask for an answer; fires when it came."""
        done: Deferred[None] = Deferred(lambda _: None)
        watch.done = done
        self._connection.send("PING", watch.mark)
        return done.addTimeout(CONFIRM_SECONDS, self._clock)

    def _check(self, written: int) -> None:
        """Nothing can be written any more; what that means depends on what was before."""
        if self._connection.gone or self._connection.down is not None:
            if written:
                raise _unknown()
            raise Undelivered("there is no connection to the server", "later", 1000)

    def _tells_replies(self, reply: str) -> bool:
        known = bool(reply) and not reply.startswith(SYNTHETIC)
        return known and "message-tags" in self._session.caps

    def _is_about(self, line: Line, watch: _Watch) -> bool:
        if line.command == "FAIL":
            return line.param(0).upper() == "PRIVMSG"
        if line.command in ("417", "412", "411", "263"):
            return True
        numeric = _REFUSED.fullmatch(line.command) or line.command in _TOO_FAST
        return bool(numeric) and self._session.fold(line.param(1)) == watch.target


def _unknown() -> Undelivered:
    return Undelivered("the connection was lost before the server had taken it for sure", "unknown")


def _refusal(line: Line) -> Undelivered:
    words = line.param(-1)
    if line.command in _TOO_FAST:
        seconds = re.search(r"(\d{1,4})\s*s", words)
        pause = int(seconds[1]) * 1000 if seconds else SLOW_DOWN_MS
        return Undelivered(f"the server wants a pause: {words}", "retry", pause)
    return Undelivered(f"the server refuses it: {words}", "never")
