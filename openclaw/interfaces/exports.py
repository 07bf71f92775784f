"""Where methods read whole sessions to hand them out, and have what leaves sealed."""

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface


@frozen
class ExportPart:
    """Some lines of an export.

    :ivar session_id: the session it is of; a key may mean another one by now.
    :ivar text: whole lines of JSON.
    :ivar after: what the next part comes after; ``None``: this was the last one.
    """

    session_id: str
    text: str
    after: int | None


@frozen
class ExportPlace:
    """Where a part stands; a sealed one opens nowhere else.

    :ivar export_id: names one export.
    :ivar part: its number, from 0.
    :ivar last: whether nothing comes after it.
    """

    export_id: str
    part: int
    last: bool


class IExports(Interface):
    """Sessions as text that stands for itself."""

    def part(key: str, session_id: str | None, after: int) -> Deferred[ExportPart]:
        """Read the next lines of a session.

        :param session_id: what the first part was of; ``None`` for the first.
        :param after: as the part before said; 0 for the first.
        :raises openclaw.errors.InvalidRequest: through the Deferred: there is no such session, or
            the key means another one by now.
        """


class IExportSealing(Interface):
    """Seals what is exported; the keys are never among it."""

    algorithm: str = Attribute("``aes-256-gcm`` or ``chacha20-poly1305``.")

    def seal(place: ExportPlace, text: str) -> Deferred[bytes]:
        """Seal one part; fires with bytes that name the key, but do not tell it."""

    def open(place: ExportPlace, sealed: bytes) -> Deferred[str]:
        """Undo :meth:`seal`.

        :raises openclaw.errors.InvalidRequest: through the Deferred: it was sealed with a key that
            is not there, for another place, or was altered.
        """
