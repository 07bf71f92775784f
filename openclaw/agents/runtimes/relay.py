"""One answer on its way through: bytes in, text out, an outcome at the end; no I/O."""

from collections.abc import Callable

from openclaw.agents.runtimes.dialect import Answer, NotAnAnswer
from openclaw.agents.runtimes.draft import STRANGE, BrokenAnswer, Draft
from openclaw.agents.runtimes.sse import EventReader, EventTooLong
from openclaw.interfaces.agents import RunOutcome

MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
MAX_STREAM_BYTES = 256 * 1024 * 1024
"""Streams spend a few hundred bytes on every word; nothing of them is kept but the words."""

_BOM = b"\xef\xbb\xbf"
_NO_ANSWER = "the server sent something that is no answer"


class Relay:
    """Reads one answer, streamed or not.

    Which of the two it is, is taken from its first byte: content types lie, braces do not.

    :param answer: reads what the API says into ``draft``.
    """

    def __init__(self, answer: Answer, draft: Draft) -> None:
        self._answer = answer
        self._draft = draft
        self._take: Callable[[bytes], None] = self._begin
        self._head = b""
        self._events = EventReader()
        self._document: list[bytes] = []
        self._most = MAX_STREAM_BYTES
        self._bytes = 0

    def close(self) -> None:
        """Pass nothing on any more, not even the rest of the bytes just being read."""
        self._draft.close()

    def feed(self, data: bytes) -> bool:
        """Take bytes.

        :return: true once the server said that this was all.
        :raises BrokenAnswer: for an error inside the stream, or for what is no answer at all.
        """
        self._bytes += len(data)
        if self._bytes > self._most:
            raise BrokenAnswer(f"the answer is longer than {self._most} bytes")
        self._take(data)
        return self._draft.done

    def end(self) -> RunOutcome:
        """No more bytes will come: say how it ended.

        :raises BrokenAnswer: if the answer is not complete.
        """
        if not self._bytes:
            raise BrokenAnswer("the server sent an empty answer")
        if self._document:
            self._whole()
        elif not self._draft.done:
            self._last_event()
        return self._draft.outcome()

    def _begin(self, data: bytes) -> None:
        """Decide between a stream and a document as soon as there is something to see."""
        self._head += data
        start = self._head.removeprefix(_BOM).lstrip()
        if _BOM.startswith(self._head):
            return
        if not start:  # White space without end must not be kept.
            self._head = _BOM if self._head.startswith(_BOM) else b""
            return
        if start[:1] in b"{[":
            self._most = MAX_DOCUMENT_BYTES
            self._take = self._document.append
            self._take(start)
        else:
            self._take = self._stream
            self._take(self._head)

    def _stream(self, data: bytes) -> None:
        try:
            events = self._events.feed(data)
        except EventTooLong as error:
            raise BrokenAnswer(f"the server sent {error}") from None
        for event in events:
            if self._draft.closed or self._draft.done:
                return
            try:
                self._answer.event(event)
            except NotAnAnswer:
                raise BrokenAnswer(_NO_ANSWER) from None

    def _whole(self) -> None:
        """Read an answer that came in one piece, from a server that does not stream."""
        try:
            self._answer.document(b"".join(self._document))
        except NotAnAnswer:
            raise BrokenAnswer(_NO_ANSWER) from None
        if not self._draft.seen:
            raise BrokenAnswer(STRANGE)
        self._draft.done = True

    def _last_event(self) -> None:
        """Read what the server did not close with a blank line; half an event is none."""
        try:
            for event in self._events.finish():
                self._answer.event(event)
        except NotAnAnswer:
            return
