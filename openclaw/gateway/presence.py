"""Who is connected, or was lately; the gateway itself comes first."""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from msgspec import UNSET
from twisted.internet.interfaces import IReactorTime

from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.client import Client
from openclaw.gateway.pace import Calm
from openclaw.protocol.base import Raw, encode
from openclaw.protocol.schema.system import PresenceEntry, PresenceEvent, SystemEventParams

CAPACITY = 200
LIFETIME_MS = 300_000
BYTES_PER_SECOND = 4_000_000
SHORTEST_PAUSE_SECONDS = 0.01  # A household's list is short, and told at once.
LONGEST_PAUSE_SECONDS = 10.0
_SILENT_MODES = frozenset({"cli", "backend", "probe", "test"})


class Presence:
    """The presence list; its JSON text is made once per change.

    Clients without a device that only run one command do not appear. Those that left stay for five
    minutes, so that a list shows who was here lately.
    """

    def __init__(
        self,
        me: PresenceEntry,
        broadcaster: Broadcaster,
        now_ms: Callable[[], int],
        clock: IReactorTime,
    ) -> None:
        self._me = me
        self._broadcaster = broadcaster
        self._now_ms = now_ms
        self._calm = Calm(clock, self._publish, self._pause_seconds)
        self._entries: OrderedDict[str, PresenceEntry] = OrderedDict()
        self._connected: dict[str, str] = {}
        self._text: Raw | None = None
        self._expires_at_ms = math.inf

    def text(self) -> Raw:
        """The list as JSON text."""
        if self._text is not None and self._now_ms() > self._expires_at_ms:
            self._changed()
        if self._text is None:
            self._text = Raw(encode([self._me, *self._entries.values()]))
        return self._text

    def arrived(self, client: Client) -> None:
        """Put a new client on the list, if it is one that shows."""
        if not _shows(client):
            return
        key = _key(client)
        self._connected[key] = client.conn_id
        self._put(key, _entry(client, "connect", self._now_ms()))

    def announce(self, client: Client) -> None:
        """Tell the others that a client arrived."""
        if _shows(client):
            self._calm.changed()

    def departed(self, client: Client) -> None:
        """Mark a client as gone, unless a newer connection of the same device took its place."""
        key = _key(client)
        if _shows(client) and self._connected.get(key) == client.conn_id:
            del self._connected[key]
            self._put(key, _entry(client, "disconnect", self._now_ms()))
            self._calm.changed()

    def note(self, params: SystemEventParams) -> None:
        """Put a note from outside on the list and tell everybody."""
        named = (params.device_id, params.instance_id, params.host)
        key = next((value for value in named if value is not UNSET), params.text)
        fields: dict[str, Any] = {
            name: getattr(params, name)
            for name in params.__struct_fields__
            if getattr(params, name) is not UNSET
        }
        self._put(f"note:{key}", PresenceEntry(ts=self._now_ms(), **fields))
        self._publish()  # Somebody said something: each word of his is told, however many listen.

    def _put(self, key: str, entry: PresenceEntry) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        self._changed()

    def _changed(self) -> None:
        """Make the list anew when it is asked for, without those who left long ago."""
        self._expire()
        self._text = None
        self._broadcaster.presence_version += 1
        left = [entry.ts for key, entry in self._entries.items() if key not in self._connected]
        self._expires_at_ms = min(left, default=math.inf) + LIFETIME_MS

    def _expire(self) -> None:
        """Forget who left long ago; the list stays bounded whatever comes in."""
        oldest = self._now_ms() - LIFETIME_MS
        for key in [
            key
            for key, entry in self._entries.items()
            if key not in self._connected and entry.ts < oldest
        ]:
            del self._entries[key]
        for key in list(self._entries):
            if len(self._entries) <= CAPACITY:
                break
            if key not in self._connected:
                del self._entries[key]

    def _pause_seconds(self) -> float:
        """The whole list goes to everybody: a long one, or many receivers, and it goes less often.

        Else a storm of clients that come back would cost the square of their number.
        """
        seconds = len(self.text()) * len(self._broadcaster) / BYTES_PER_SECOND
        return min(LONGEST_PAUSE_SECONDS, seconds) if seconds > SHORTEST_PAUSE_SECONDS else 0.0

    def _publish(self) -> None:
        if self._broadcaster.wanted("presence"):
            self._broadcaster.publish("presence", _PresenceText(presence=self.text()))


class _PresenceText(PresenceEvent, frozen=True, kw_only=True):
    """The payload of ``presence`` with a list that is JSON text already."""

    presence: Any


def _shows(client: Client) -> bool:
    return client.admitted.device_id is not None or client.info.mode not in _SILENT_MODES


def _key(client: Client) -> str:
    instance = client.info.instance_id
    return instance if instance else client.admitted.device_id or client.conn_id


def _entry(client: Client, reason: str, now_ms: int) -> PresenceEntry:
    info = client.info
    name = info.display_name if info.display_name else info.id
    return PresenceEntry(
        ts=now_ms,
        host=name,
        version=info.version,
        platform=info.platform,
        device_family=info.device_family,
        mode=info.mode,
        reason=reason,
        text=f"Node: {name} · mode {info.mode}",
        device_id=client.admitted.device_id or UNSET,
        instance_id=info.instance_id,
        client_id=info.id,
        roles=[client.admitted.role],
        scopes=list(client.admitted.scopes),
        online_since=client.connected_at_ms,
    )
