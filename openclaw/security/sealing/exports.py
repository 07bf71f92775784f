"""Seals sessions that leave the journal as files, with keys that are never replaced by themselves.

What seals the journal is let go when nothing in the journal needs it any more. Exports are out of
sight, so theirs are kept in a file of their own, where the owner may put another one in front.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.errors import InvalidRequest, StoreError
from openclaw.interfaces.exports import ExportPlace, IExportSealing
from openclaw.security.sealing.sealer import Algorithm, Sealer, key_name_of
from openclaw.security.sealing.sources import KeySource
from openclaw.storage.payloads import row_id

_PURPOSE = "session.export"


@implementer(IExportSealing)
class ExportSealing:
    """One key seals, all of the source's open; they are read again each time.

    :param random_bytes: a source of so many random bytes, good enough for keys and nonces.
    :param in_thread: runs what waits for a disk.
    """

    def __init__(
        self,
        source: KeySource,
        algorithm: Algorithm,
        random_bytes: Callable[[int], bytes],
        in_thread: Callable[..., Deferred[Any]] = deferToThread,
    ) -> None:
        self.algorithm = algorithm.name
        self._source = source
        self._kind = algorithm
        self._random_bytes = random_bytes
        self._in_thread = in_thread

    @deferred
    async def seal(self, place: ExportPlace, text: str) -> bytes:
        """See :meth:`IExportSealing.seal`."""
        keys = await self._in_thread(self._source.read)
        keys = keys or await self._in_thread(self._source.make, self._random_bytes)
        return self._sealer(keys).seal(_PURPOSE, _name(place), text.encode())

    @deferred
    async def open(self, place: ExportPlace, sealed: bytes) -> str:
        """See :meth:`IExportSealing.open`."""
        named = key_name_of(sealed)
        if not named:
            raise InvalidRequest(f"part {place.part + 1} of this file is no sealed export")
        keys = await self._in_thread(self._source.read)
        if named not in [key.name for key in keys]:
            held = ", ".join(key.name for key in keys) or "none"
            raise InvalidRequest(
                f"this file was sealed with key {named}, and {self._source.where} holds {held}: "
                "put that key there, behind the present one, and try again"
            )
        try:
            return self._sealer(keys).open(_PURPOSE, _name(place), sealed).decode()
        except StoreError:
            raise InvalidRequest(
                f"part {place.part + 1} of this file was altered, moved or cut off behind; "
                "use another copy of it"
            ) from None

    def _sealer(self, keys: Any) -> Sealer:
        sealer = Sealer(self._source, self._random_bytes, self._kind)
        sealer.use(keys)
        return sealer


def _name(place: ExportPlace) -> str:
    return row_id(place.export_id, str(place.part), "last" if place.last else "more")
