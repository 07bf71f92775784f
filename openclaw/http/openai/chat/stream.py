"""A chat completion as a stream of chunks."""

from openclaw.http.openai.chat.answer import (
    ChatChunk,
    ChunkChoice,
    Delta,
    chunk_calls,
    finish_reason,
    text_of,
    usage_of,
)
from openclaw.http.openai.errors import Refused
from openclaw.http.openai.events import DONE
from openclaw.http.openai.exchange import Exchange
from openclaw.http.openai.pieces import Pieces
from openclaw.interfaces.conversations import RunRecord
from openclaw.protocol.base import encode

_MARK = "@"


class ChatStream:
    """Writes the chunks of one answer.

    :param head: the fields that every chunk has.
    :ivar heard: takes the words of the run.
    """

    def __init__(self, exchange: Exchange, head: ChatChunk, wants_usage: bool) -> None:
        self._head = head
        self._wants_usage = wants_usage
        # A chunk for words is written for every token: only the words differ.
        sample = self._encoded(ChunkChoice(delta=Delta(content=_MARK)))
        self._before, self._after = sample.split(encode(_MARK), 1)
        self._pieces = Pieces(exchange, self._opened, self._write)
        self.heard = self._pieces.heard

    def end(self, record: RunRecord) -> None:
        """Write the end of a run that went well."""
        self._pieces.complete(text_of(record))
        if record.calls:
            self._send(ChunkChoice(delta=Delta(tool_calls=chunk_calls(record.calls))))
        self._send(ChunkChoice(delta=Delta(), finish_reason=finish_reason(record)))
        if self._wants_usage:
            self._pieces.stream.send(self._event([], usage=record))
        self._done()

    def fail(self, refused: Refused) -> bool:
        """Tell that it broke off; false if nothing was written yet, and a status can tell it."""
        if not self._pieces.stream.open:
            self._pieces.stream.close()
            return False
        self._pieces.stream.send(b"data: " + encode(refused.body) + b"\n\n")
        self._done()
        return True

    def close(self) -> None:
        """Let go of the clock."""
        self._pieces.stream.close()

    def _done(self) -> None:
        self._pieces.stream.send(DONE)
        self._pieces.stream.finish()

    def _opened(self) -> None:
        self._send(ChunkChoice(delta=Delta(role="assistant", content="")))

    def _write(self, text: str) -> None:
        self._pieces.stream.send(self._before + encode(text) + self._after)

    def _send(self, choice: ChunkChoice) -> None:
        self._pieces.stream.send(self._encoded(choice))

    def _encoded(self, choice: ChunkChoice) -> bytes:
        return self._event([choice])

    def _event(self, choices: list[ChunkChoice], usage: RunRecord | None = None) -> bytes:
        head = self._head
        chunk = ChatChunk(
            id=head.id,
            created=head.created,
            model=head.model,
            choices=choices,
            usage=None if usage is None else usage_of(usage),
        )
        return b"data: " + encode(chunk) + b"\n\n"
