"""Exported sessions: what is asked for, what is answered, and the lines of the file."""

from typing import Annotated, Literal

from msgspec import Meta

from openclaw.protocol.base import UNSET, UnsetType, Wire
from openclaw.protocol.schema.chat import Message
from openclaw.protocol.schema.common import SessionKey

ExportId = Annotated[str, Meta(min_length=1, max_length=64)]


class ExportParams(Wire, frozen=True, kw_only=True):
    """Params of ``sessions.export``.

    :ivar cursor: of the part before; absent for the first.
    """

    key: SessionKey
    cursor: Annotated[str, Meta(max_length=1024)] | UnsetType = UNSET


class Exported(Wire, frozen=True, kw_only=True):
    """Result of ``sessions.export``: one part of an export.

    :ivar sealed: ``none``, ``aes-256-gcm`` or ``chacha20-poly1305``.
    :ivar data: lines of JSON; if it is sealed, base64 of the sealed lines.
    :ivar cursor: for the next part; absent in the last one.
    """

    export_id: str
    part: int
    sealed: str
    data: str
    cursor: str | UnsetType = UNSET


class UnsealParams(Wire, frozen=True, kw_only=True):
    """Params of ``sessions.unseal``: a part of an export, and where it stood.

    :ivar last: whether nothing came after it.
    """

    export_id: ExportId
    part: Annotated[int, Meta(ge=0)]
    last: bool
    data: str


class Unsealed(Wire, frozen=True, kw_only=True):
    """Result of ``sessions.unseal``: lines of JSON."""

    text: str


class ExportHead(Wire, frozen=True, kw_only=True):
    """The first line of an export.

    :ivar exported_at: Unix milliseconds.
    """

    type: Literal["session"] = "session"
    version: int = 1
    key: str
    session_id: str
    agent_id: str
    exported_at: int
    exported_by: str


class ExportedMessage(Wire, frozen=True, kw_only=True):
    """A line for each message, as ``chat.history`` shows it."""

    type: Literal["message"] = "message"
    message: Message


class ExportEnd(Wire, frozen=True, kw_only=True):
    """The last line of an export; a file without it is not whole."""

    type: Literal["end"] = "end"
