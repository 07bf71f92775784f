"""A chat completion as a stream of chunks."""

from openclaw.http.openai.chat.answer import (
    ChatChunk,
    ChunkChoice,
    Delta,
    chunk_calls,
    finish_reason,
    usage_of,
)
from openclaw.http.openai.errors import Refused
from openclaw.http.openai.exchange import Exchange
from openclaw.http.openai.streamed import StreamedAnswer
from openclaw.interfaces.conversations import RunRecord
from openclaw.protocol.base import encode

_MARK = "@"


class ChatStream(StreamedAnswer):
    """Writes the chunks of one answer.

    :param head: the fields that every chunk has.
    """

    def __init__(self, exchange: Exchange, head: ChatChunk, wants_usage: bool) -> None:
        self._head = head
        self._wants_usage = wants_usage
        # A chunk for words is written for every token: only the words differ.
        sample = self._encoded(ChunkChoice(delta=Delta(content=_MARK)))
        self._before, self._after = sample.split(encode(_MARK), 1)
        super().__init__(exchange)

    def opened(self) -> None:
        """Say who speaks."""
        self._send(ChunkChoice(delta=Delta(role="assistant", content="")))

    def write(self, text: str) -> None:
        """Write words."""
        self.stream.send(self._before + encode(text) + self._after)

    def ended(self, record: RunRecord) -> None:
        """Write calls, why it ended, and what it cost."""
        if record.calls:
            self._send(ChunkChoice(delta=Delta(tool_calls=chunk_calls(record.calls))))
        self._send(ChunkChoice(delta=Delta(), finish_reason=finish_reason(record)))
        if self._wants_usage:
            self.stream.send(self._event([], usage=record))

    def broken(self, refused: Refused) -> None:
        """Write an error in place of a chunk."""
        self.stream.send(b"data: " + encode(refused.body) + b"\n\n")

    def _send(self, choice: ChunkChoice) -> None:
        self.stream.send(self._encoded(choice))

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
