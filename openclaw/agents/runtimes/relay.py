"""One answer on its way through: bytes in, text out, an outcome at the end; no I/O."""

from collections.abc import Callable

from openclaw.agents.runtimes.sse import EventReader, EventTooLong
from openclaw.agents.runtimes.wire import (
    Chunk,
    NotAChunk,
    decode_chunk,
    error_words,
    stop_reason,
)
from openclaw.interfaces.agents import RunOutcome, Usage

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""An answer longer than this is a server that does not stop."""

_BOM = b"\xef\xbb\xbf"
_DONE = b"[DONE]"
_STRANGE = "the server sent something that is no answer; is its base URL right?"


class BrokenAnswer(Exception):
    """The answer cannot be completed; the message says why, in the upstream's words if any."""


class Relay:
    """Reads one answer, streamed or not.

    Which of the two it is, is taken from its first byte: content types lie, braces do not.

    :param on_text: hears every piece of text as soon as it is there; never an empty one.
    """

    def __init__(self, on_text: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._take: Callable[[bytes], None] = self._begin
        self._head = b""
        self._events = EventReader()
        self._document: list[bytes] = []
        self._text: list[str] = []
        self._bytes = 0
        self._seen = False
        self._finish_reason = ""
        self._usage = Usage()
        self._closed = False
        self.done = False

    @property
    def answered(self) -> bool:
        """Whether the model has said its last word, even if the server may add figures."""
        return self.done or bool(self._finish_reason)

    @property
    def characters(self) -> int:
        """Length of the text so far."""
        return sum(map(len, self._text))

    def close(self) -> None:
        """Pass nothing on any more, not even the rest of the bytes just being read."""
        self._closed = True

    def feed(self, data: bytes) -> bool:
        """Take bytes.

        :return: true once the server said that this was all.
        :raises BrokenAnswer: for an error inside the stream, or for what is no answer at all.
        """
        self._bytes += len(data)
        if self._bytes > MAX_ANSWER_BYTES:
            raise BrokenAnswer(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
        self._take(data)
        return self.done

    def end(self) -> RunOutcome:
        """No more bytes will come: say how it ended.

        :raises BrokenAnswer: if the answer is not complete.
        """
        if self._document:
            self._whole()
        elif not self.done:
            self._last_event()
        if not self.answered:
            raise BrokenAnswer(self._why_unfinished())
        reason = stop_reason(self._finish_reason) or "stop"
        text = "".join(self._text)
        if not text and reason != "stop":
            raise BrokenAnswer(f"the model ended without any text ({reason})")
        return RunOutcome(text=text, stop_reason=reason, usage=self._usage)

    def _begin(self, data: bytes) -> None:
        """Decide between a stream and a document as soon as there is something to see."""
        self._head += data
        start = self._head.removeprefix(_BOM).lstrip()
        if not start or _BOM.startswith(self._head):
            return
        self._take = self._document.append if start[:1] in b"{[" else self._stream
        self._take(start if self._take != self._stream else self._head)

    def _stream(self, data: bytes) -> None:
        try:
            events = self._events.feed(data)
        except EventTooLong as error:
            raise BrokenAnswer(f"the server sent {error}") from None
        for event in events:
            if self._closed or self.done:
                return
            try:
                self._event(event)
            except NotAChunk:
                raise BrokenAnswer("the server sent something that is no answer") from None

    def _event(self, data: bytes) -> None:
        if data == _DONE:
            self.done = True
        elif data:
            self._chunk(decode_chunk(data))

    def _chunk(self, chunk: Chunk) -> None:
        self._seen = True
        error = bytes(chunk.error)
        if error not in (b"", b"null", b"false", b"{}", b'""'):
            raise BrokenAnswer(error_words(error) or "the server reported an error without words")
        if chunk.usage is not None:
            self._usage = chunk.usage.usage()
        if not chunk.choices:
            return
        choice = chunk.choices[0]
        if choice.finish_reason:
            self._finish_reason = choice.finish_reason
        text = choice.text
        if text:
            self._text.append(text)
            self._on_text(text)

    def _whole(self) -> None:
        """Read an answer that came in one piece, from a server that does not stream."""
        try:
            chunk = decode_chunk(b"".join(self._document))
        except NotAChunk:
            raise BrokenAnswer("the server sent something that is no answer") from None
        self._chunk(chunk)
        if not chunk.choices:
            raise BrokenAnswer(_STRANGE)
        self.done = True

    def _last_event(self) -> None:
        """Read what the server did not close with a blank line; half an event is none."""
        try:
            for event in self._events.finish():
                self._event(event)
        except NotAChunk:
            return

    def _why_unfinished(self) -> str:
        if not self._bytes:
            return "the server sent an empty answer"
        if not self._seen:
            return _STRANGE
        return f"the answer broke off after {self.characters} characters"
