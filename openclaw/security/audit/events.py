"""Notes what clients are told of pairings, on its way to them; tells nobody anything itself."""

from typing import Any

from zope.interface import implementer

from openclaw.interfaces.audit import Detail, IAudit
from openclaw.interfaces.events import IEvents
from openclaw.protocol.base import Raw, Wire, to_plain

_GROUPS = ("device.pair.", "device.token.", "pairing.")
# In this order the first that is there names the subject; the rest is told beside it.
_NAMES = ("deviceId", "senderId", "requestId", "role", "reason", "decision", "remoteIp")


@implementer(IEvents)
class AuditedEvents:
    """Events, of which those about pairing are noted."""

    def __init__(self, inner: IEvents, audit: IAudit) -> None:
        self._inner = inner
        self._audit = audit

    def wanted(self, event: str, session_key: str = "") -> bool:
        """See :meth:`IEvents.wanted`; pairings are always wanted."""
        return event.startswith(_GROUPS) or bool(self._inner.wanted(event, session_key))

    def publish(self, event: str, payload: Wire | Raw, session_key: str = "") -> None:
        """See :meth:`IEvents.publish`."""
        if event.startswith(_GROUPS):
            self._note(event, to_plain(payload))
        self._inner.publish(event, payload, session_key)

    def _note(self, event: str, said: Any) -> None:
        fields: dict[str, Detail] = {
            name: value for name in _NAMES if isinstance(value := said.get(name), str) and value
        }
        subject = fields.pop(next(iter(fields), ""), "gateway")
        self._audit.note(event, str(subject), **fields)
