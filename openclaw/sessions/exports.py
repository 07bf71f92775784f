"""Sessions as lines of JSON that stand for themselves: a head, every message, an end."""

from collections.abc import Callable, Sequence

from zope.interface import implementer

from openclaw import __version__
from openclaw.deferreds import deferred
from openclaw.errors import InvalidRequest
from openclaw.interfaces.exports import ExportPart, IExports
from openclaw.interfaces.storage import IStore
from openclaw.protocol.base import encode
from openclaw.protocol.schema.chat import Message
from openclaw.protocol.schema.exports import ExportedMessage, ExportEnd, ExportHead
from openclaw.sessions.index import SessionIndex
from openclaw.sessions.journal.messages import read_messages
from openclaw.sessions.keys import SessionKeys
from openclaw.sessions.records import Session

MESSAGES_PER_PART = 200
PART_BYTES = 1 << 20


@implementer(IExports)
class Exports:
    """Reads sessions in parts, none of which is much larger than its largest message.

    :param now_ms: Unix milliseconds.
    """

    def __init__(
        self, store: IStore, index: SessionIndex, keys: SessionKeys, now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._index = index
        self._keys = keys
        self._now_ms = now_ms

    @deferred
    async def part(self, key: str, session_id: str | None, after: int) -> ExportPart:
        """See :meth:`IExports.part`."""
        session = self._index.get(str(self._keys.parse(key)))
        if session is None:
            raise InvalidRequest(f"No session found: {key}")
        if session_id not in (None, session.session_id):
            raise InvalidRequest(f"session changed meanwhile: {session.key}; export it again")
        upto = after + MESSAGES_PER_PART
        messages = await self._store.read(
            read_messages,
            session_id=session.session_id,
            after=after,
            before=upto + 1,
            limit=MESSAGES_PER_PART,
        )
        lines, last = _fitting(messages)
        reached = upto if last is None else last
        ended = reached >= session.last_seq
        if session_id is None:
            lines.insert(0, encode(self._head(session)))
        if ended:
            lines.append(encode(ExportEnd()))
        text = b"".join(line + b"\n" for line in lines).decode()
        return ExportPart(session.session_id, text, None if ended else reached)

    def _head(self, session: Session) -> ExportHead:
        return ExportHead(
            key=session.key,
            session_id=session.session_id,
            agent_id=session.agent_id,
            exported_at=self._now_ms(),
            exported_by=f"openclaw-gateway {__version__}",
        )


def _fitting(messages: Sequence[Message]) -> tuple[list[bytes], int | None]:
    """As many lines as fit, at least one; and the place of the last if some did not."""
    lines: list[bytes] = []
    size, last = 0, 0
    for message in messages:
        line = encode(ExportedMessage(message=message))
        if lines and size + len(line) > PART_BYTES:
            return lines, last
        lines.append(line)
        size, last = size + len(line), message.mark.seq if message.mark else last
    return lines, None
