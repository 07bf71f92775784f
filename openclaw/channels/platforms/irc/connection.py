"""One connection to a server: bytes and lines, the sign of life, and who waits for which line."""

import re
from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.channels.platforms.irc.lines import Line, parse, written
from openclaw.interfaces.channels import ChannelDown
from openclaw.interfaces.outbound import IOutboundSocket, ISocketListener

SILENCE_SECONDS = 25.0
"""After so long without a word the server is asked for one, and after as long again given up."""

LONGEST_LINE = 16_384
"""A server that sends more without an end of line speaks something else; tags take 8191 bytes."""

UNWANTED_SECONDS = 60.0
"""How long a server is left alone that wants fewer connections, or none: each try counts there."""

_UNWANTED = re.compile(
    r"(?i)throttl|too fast|too many (?:\w+ )?(?:connections|sessions|clients)|"
    r"\b[dgkz][:-]?lined|\bbanned"
)


@implementer(ISocketListener)
class Connection:
    """Speaks and hears lines; answers the server's pings itself.

    :param heard: called for everything that comes.
    :ivar handler: gets every line; while there is none they are kept for :meth:`read`.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        heard: Callable[[], None],
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._heard = heard
        self._silence = silence_seconds
        self._clock = clock
        self._socket: IOutboundSocket | None = None
        self._buffer = b""
        self._lines: deque[Line] = deque()
        self._reader: Deferred[Line] | None = None
        self._handler: Callable[[Line], None] | None = None
        self._enders: list[Deferred[None]] = []
        self._goodbye = ""
        self._last = 0.0
        self._pinged = False
        self._watch = LoopingCall(self._look)
        self._watch.clock = clock
        self.down: ChannelDown | None = None
        self.gone = True

    # -- what the socket says ------------------------------------------------------------------

    def opened(self, socket: IOutboundSocket) -> None:
        """See :class:`ISocketListener`."""
        self._socket = socket
        self.gone = False
        self._last = self._clock.seconds()
        self._watch.start(self._silence / 5, now=False)

    def received(self, data: str | bytes) -> None:
        """See :class:`ISocketListener`."""
        self._heard()
        self._last, self._pinged = self._clock.seconds(), False
        self._buffer += data.encode() if isinstance(data, str) else data
        *lines, self._buffer = self._buffer.split(b"\n")
        for raw in lines:
            line = parse(raw.rstrip(b"\r"))
            if line is not None and self.down is None:
                self._take(line)
        if len(self._buffer) > LONGEST_LINE:
            self.end(ChannelDown("the server sends what are no lines of IRC"))

    def closed(self, code: int, reason: str) -> None:
        """See :class:`ISocketListener`."""
        self.gone = True
        why = self._goodbye or reason or "the server closed the connection"
        pause = UNWANTED_SECONDS if _UNWANTED.search(self._goodbye) else 0.0
        self._over(ChannelDown(why, pause))
        enders, self._enders = self._enders, []
        for one in enders:
            one.callback(None)

    # -- what is done with it ------------------------------------------------------------------

    @property
    def handler(self) -> Callable[[Line], None] | None:
        """Who gets every line."""
        return self._handler

    @handler.setter
    def handler(self, handler: Callable[[Line], None]) -> None:
        self._handler = handler
        while self._lines:
            handler(self._lines.popleft())

    def send(self, command: str, *params: str, **tags: str) -> None:
        """Send one line; nothing happens if the connection is gone.

        :param tags: with underscores for ``+draft/reply``'s signs: see :data:`TAGS`.
        """
        named = {TAGS[name]: value for name, value in tags.items() if value}
        if self._socket is not None and not self.gone:
            self._socket.send(written(command, *params, tags=named))

    def read(self) -> Deferred[Line]:
        """The next line; fails with :class:`ChannelDown` if there is none."""
        reader: Deferred[Line] = Deferred(self._forget)
        if self._lines:
            reader.callback(self._lines.popleft())
        elif self.down is not None:
            reader.errback(self.down)
        else:
            self._reader = reader
        return reader

    def end(self, why: ChannelDown) -> None:
        """Give the connection up."""
        self._over(why)
        if self._socket is not None and not self.gone:
            self._socket.abort()

    def ended(self) -> Deferred[None]:
        """Fires when nothing is left of the connection."""
        ender: Deferred[None] = Deferred(lambda _: None)
        if self.gone:
            ender.callback(None)
        else:
            self._enders.append(ender)
        return ender

    def leave(self, words: str) -> None:
        """Say goodbye and close."""
        self.send("QUIT", words)
        if self._socket is not None and not self.gone:
            self._socket.close()

    def _forget(self, _: object) -> None:
        self._reader = None

    def _take(self, line: Line) -> None:
        if line.command == "PING":
            self.send("PONG", *line.params)
        elif line.command == "ERROR":
            self._goodbye = f"the server said: {line.param(-1)}"
        if self._handler is not None:
            self._handler(line)
        elif self._reader is not None:
            reader, self._reader = self._reader, None
            reader.callback(line)
        else:
            self._lines.append(line)

    def _over(self, why: ChannelDown) -> None:
        if self._watch.running:
            self._watch.stop()
        if self.down is not None:
            return
        self.down = why
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.errback(why)

    def _look(self) -> None:
        """Ask a silent server for a word; one that has none for us is gone."""
        silent = self._clock.seconds() - self._last
        if silent >= 2 * self._silence:
            self.end(ChannelDown(f"the server has said nothing for {silent:.0f} s"))
        elif silent >= self._silence and not self._pinged:
            self._pinged = True
            self.send("PING", "are-you-there")


TAGS = {"reply": "+draft/reply"}
"""What tags are called in a call of :meth:`Connection.send`."""
