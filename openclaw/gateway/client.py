"""One admitted client: who it is, what it may have, what it follows, its event numbers."""

from collections.abc import Callable

from openclaw.interfaces.security import Admitted, Peer
from openclaw.protocol.connect import ClientInfo
from openclaw.protocol.frames import EventText
from openclaw.protocol.scopes import expand

SCOPED_EVENTS = "session-scoped-events"
Send = Callable[[bytes], None]
Close = Callable[[int, str], None]


def _cannot_close(code: int, reason: str) -> None:
    """A client without a socket."""


class Client:
    """What the gateway knows of one connection after its hello.

    :ivar allowed: every scope it effectively holds, implied ones included.
    :ivar seq: number of the last event; a dropped event takes a number too.
    :ivar scoped: it asked for events of runs only in sessions that it follows.
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
        "native",
        "peer",
        "scoped",
        "send",
        "seq",
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
        self.allowed = expand(admitted.scopes)
        self.scoped = SCOPED_EVENTS in caps
        self.follows_sessions = False
        self.followed: set[str] = set()
        self.seq = 0

    def event(self, text: EventText) -> None:
        """Send the next numbered event."""
        self.seq += 1
        self.send(text.numbered(self.seq))

    def lose_rights(self) -> None:
        """What let it in is void: from now on nothing it asks for is allowed."""
        self.allowed = frozenset()

    def skip_event(self) -> None:
        """Leave an event out; the hole in the numbers tells the client."""
        self.seq += 1
