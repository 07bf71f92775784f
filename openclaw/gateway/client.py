"""One admitted client: who it is, what it may have, what it follows, its event numbers."""

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from openclaw.errors import Busy
from openclaw.interfaces.security import Admitted, Peer
from openclaw.protocol.connect import ClientInfo
from openclaw.protocol.frames import EventText
from openclaw.protocol.scopes import rights
from openclaw.security.limits.traffic import Meter

SCOPED_EVENTS = "session-scoped-events"
MOST_WAITS = 256
T = TypeVar("T")
Send = Callable[[bytes], None]
Close = Callable[[int, str], None]


def _cannot_close(code: int, reason: str) -> None:
    """A client without a socket."""


class Client:
    """What the gateway knows of one connection after its hello.

    :ivar allowed: every scope it effectively holds, implied ones included.
    :ivar seq: number of the last event; a dropped event takes a number too.
    :ivar scoped: it asked for events of runs only in sessions that it follows.
    :ivar meter: counts its frames, where the configuration limits them.
    :ivar waits: what requests of this client wait for; it ends with the socket.
    :ivar native: false on connections that opened in one of the older dialects.
    """

    __slots__ = (
        "admitted",
        "allowed",
        "caps",
        "close",
        "congested",
        "conn_id",
        "connected_at_ms",
        "followed",
        "follows_sessions",
        "info",
        "meter",
        "native",
        "peer",
        "scoped",
        "send",
        "seq",
        "waits",
    )

    def __init__(
        self,
        conn_id: str,
        info: ClientInfo,
        admitted: Admitted,
        peer: Peer,
        caps: frozenset[str],
        connected_at_ms: int,
        send: Send,
        congested: Callable[[], bool],
        native: bool = True,
        close: Close = _cannot_close,
        meter: Meter | None = None,
    ) -> None:
        self.conn_id = conn_id
        self.info = info
        self.admitted = admitted
        self.peer = peer
        self.caps = caps
        self.connected_at_ms = connected_at_ms
        self.send = send
        self.congested = congested
        self.native = native
        self.close = close
        self.meter = meter
        self.allowed = rights(admitted.role, admitted.scopes)
        self.scoped = SCOPED_EVENTS in caps
        self.follows_sessions = False
        self.followed: set[str] = set()
        self.waits: set[Deferred[Any]] = set()
        self.seq = 0

    def count(self, what: str) -> None:
        """Count one frame of a client whose frames are counted.

        :raises openclaw.errors.Busy: it was one too many.
        """
        if self.meter is not None and (refusal := self.meter.take(what, self.peer.address)):
            raise refusal

    def event(self, text: EventText) -> None:
        """Send the next numbered event."""
        self.seq += 1
        self.send(text.numbered(self.seq))

    def wait_for(self, begin: Callable[[], Deferred[T]]) -> Deferred[T]:
        """Let a request wait, as long as the client is there.

        :param begin: begins the wait, if there is room for one more.
        :raises openclaw.errors.Busy: too many of its requests wait already.
        """
        if len(self.waits) >= MOST_WAITS:
            raise Busy("too many requests of this connection wait; retry when one has ended")
        waiting = begin()
        self.waits.add(waiting)
        return waiting

    def gone(self) -> None:
        """The socket is gone: nothing waits for its sake any more."""
        waits, self.waits = self.waits, set()
        for waiting in waits:
            waiting.cancel()

    def lose_rights(self) -> None:
        """What let it in is void: from now on nothing it asks for is allowed."""
        self.allowed = frozenset()

    def skip_event(self) -> None:
        """Leave an event out; the hole in the numbers tells the client."""
        self.seq += 1
