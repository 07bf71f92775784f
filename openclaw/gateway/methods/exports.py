"""Sessions as files: handed out in parts, sealed where that is configured, and opened again."""

from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping

import msgspec
from attrs import frozen

from openclaw.errors import InvalidRequest
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.exports import ExportPlace, IExports, IExportSealing
from openclaw.protocol.base import UNSET, Wire, encode
from openclaw.protocol.schema.exports import Exported, ExportParams, Unsealed, UnsealParams


class _Cursor(Wire, frozen=True, kw_only=True):
    """How far an export has come, as clients carry it around."""

    export_id: str
    session_id: str
    part: int
    after: int


@frozen(kw_only=True)
class ExportMethods:
    """Whole sessions.

    :ivar sealing: ``None`` where exports are plain.
    :ivar make_id: names one export.
    """

    exports: IExports
    sealing: IExportSealing | None
    make_id: Callable[[], str]

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {"sessions.export": self._export, "sessions.unseal": self._unseal}

    async def _export(self, client: Client, params: ExportParams) -> Exported:
        cursor = None if params.cursor is UNSET else _read(params.cursor)
        export_id = self.make_id() if cursor is None else cursor.export_id
        number = 0 if cursor is None else cursor.part
        found = await self.exports.part(
            params.key,
            None if cursor is None else cursor.session_id,
            0 if cursor is None else cursor.after,
        )
        place = ExportPlace(export_id, number, found.after is None)
        data = found.text
        if self.sealing is not None:
            data = b64encode(await self.sealing.seal(place, data)).decode()
        following = None
        if found.after is not None:
            following = _Cursor(
                export_id=export_id,
                session_id=found.session_id,
                part=number + 1,
                after=found.after,
            )
        return Exported(
            export_id=export_id,
            part=number,
            sealed="none" if self.sealing is None else self.sealing.algorithm,
            data=data,
            cursor=UNSET if following is None else _written(following),
        )

    async def _unseal(self, client: Client, params: UnsealParams) -> Unsealed:
        if self.sealing is None:
            raise InvalidRequest(
                "this gateway seals no exports, so it looks for no key: set "
                'security.encryption.session to "chacha20-poly1305", and restart it'
            )
        try:
            sealed = b64decode(params.data, validate=True)
        except ValueError:
            raise InvalidRequest("data: expected base64") from None
        place = ExportPlace(params.export_id, params.part, params.last)
        return Unsealed(text=await self.sealing.open(place, sealed))


def _written(cursor: _Cursor) -> str:
    return urlsafe_b64encode(encode(cursor)).decode()


def _read(text: str) -> _Cursor:
    try:
        cursor = msgspec.json.decode(urlsafe_b64decode(text), type=_Cursor)
    except (ValueError, msgspec.MsgspecError):
        cursor = None
    if cursor is None or cursor.part < 1 or not 0 < cursor.after < 2**62:
        raise InvalidRequest("cursor: expected the one of the part before")
    return cursor
