"""Where security decisions are noted, and where operators read them."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen
from twisted.internet.defer import Deferred
from zope.interface import Interface

Detail = str | int | bool | Sequence[str]


@frozen(kw_only=True)
class AuditEntry:
    """One thing that happened.

    :ivar id: grows by one with every entry.
    :ivar at_ms: Unix milliseconds.
    :ivar kind: what happened, ``connect.refused``; the part before the dot groups them.
    :ivar subject: who it happened to or who did it: a device, an address, the gateway.
    :ivar count: how often, within a moment.
    """

    id: int
    at_ms: int
    kind: str
    subject: str
    detail: Mapping[str, Detail] = field(factory=dict)
    count: int = 1


@frozen(kw_only=True)
class AuditVerdict:
    """Whether the trail is what was written.

    :ivar entries: how many were looked at.
    :ivar broken_at: the first entry that is missing or altered, 0 if none is.
    """

    entries: int
    broken_at: int = 0


class IAudit(Interface):
    """Takes note of security decisions; never fails, never waits."""

    def note(kind: str, subject: str, /, **detail: Detail) -> None:
        """Note one; it is on disk a moment later.

        :param detail: never a secret.
        """


class IAuditTrail(IAudit):
    """What was noted, on disk; the oldest goes when there is too much."""

    def page(limit: int, after: int | None, kind: str) -> Deferred[Sequence[AuditEntry]]:
        """Read entries, the oldest first.

        :param after: entries behind this id; ``None``: the latest.
        :param kind: a kind, or a group such as ``connect``; empty: all.
        """

    def verify() -> Deferred[AuditVerdict]:
        """Look at the whole trail."""
