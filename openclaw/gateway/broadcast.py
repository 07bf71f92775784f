"""Events to every client that may have them: encoded once, numbered per connection."""

from collections.abc import Callable, Iterator

from zope.interface import implementer

from openclaw.gateway.client import Client
from openclaw.interfaces.events import IEvents
from openclaw.protocol.connect import StateVersion
from openclaw.protocol.events import EVENTS
from openclaw.protocol.frames import EventText

_SESSIONS, _MESSAGES = "sessions.changed", "session.message"
_RUNS = frozenset({"agent", "chat"})


@implementer(IEvents)
class Broadcaster:
    """The admitted clients, and the way events reach them.

    :ivar presence_version: rises with every change of the presence list.
    :ivar health_version: rises with every change of the health snapshot.
    :ivar may_hear: what else keeps events of a scope from a client; ``None``: nothing does.
    """

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self.may_hear: Callable[[Client, str], bool] | None = None
        self.presence_version = 0
        self.health_version = 0

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(self._clients.values())

    def join(self, client: Client) -> None:
        """From now on the client receives events."""
        self._clients[client.conn_id] = client

    def leave(self, client: Client) -> None:
        """The connection is gone."""
        self._clients.pop(client.conn_id, None)

    def state_version(self) -> StateVersion:
        """The counters as they stand."""
        return StateVersion(presence=self.presence_version, health=self.health_version)

    def wanted(self, event: str, session_key: str = "") -> bool:
        """See :meth:`IEvents.wanted`."""
        return any(self._receives(client, event, session_key) for client in self)

    def publish(self, event: str, payload: object, session_key: str = "") -> None:
        """See :meth:`IEvents.publish`."""
        kind = EVENTS[event]
        receivers = [client for client in self if self._receives(client, event, session_key)]
        if not receivers:
            return
        text = EventText(event, payload, self.state_version() if kind.versioned else None)
        for client in receivers:
            if kind.drop_if_slow and client.congested():
                client.skip_event()
            else:
                client.event(text)

    def _receives(self, client: Client, event: str, session_key: str) -> bool:
        if event == _SESSIONS and not client.follows_sessions:
            return False
        by_session = event == _MESSAGES or (client.scoped and event in _RUNS)
        if by_session and session_key not in client.followed:
            return False
        scope = EVENTS[event].scope
        if scope is None:
            return True
        heard = scope in client.allowed
        return heard and (self.may_hear is None or self.may_hear(client, scope))
