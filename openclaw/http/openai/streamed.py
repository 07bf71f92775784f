"""A streamed answer, whatever its form: words go at once, or together once a reader can."""

from abc import ABC, abstractmethod

from openclaw.http.openai.chat.answer import text_of
from openclaw.http.openai.errors import Refused
from openclaw.http.openai.events import DONE, EventStream
from openclaw.http.openai.exchange import Exchange
from openclaw.interfaces.conversations import RunRecord


class StreamedAnswer(ABC):
    """Passes words on as they come; what a slow reader cannot take becomes one piece.

    :ivar stream: where everything goes.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.stream = EventStream(exchange, self.opened, self._flush)
        self._waiting: list[str] = []
        self._parts: list[str] = []

    @abstractmethod
    def opened(self) -> None:
        """Write what has to stand before the first words."""

    @abstractmethod
    def write(self, text: str) -> None:
        """Write words."""

    @abstractmethod
    def ended(self, record: RunRecord) -> None:
        """Write what stands behind the last words of a run that went well."""

    @abstractmethod
    def broken(self, refused: Refused) -> None:
        """Write that no more words will come."""

    def heard(self, text: str) -> None:
        """More words; see :meth:`openclaw.interfaces.conversations.IRuns.follow`."""
        self.stream.start()
        self._parts.append(text)
        if self.stream.ready and not self._waiting:
            self.write(text)
        else:
            self._waiting.append(text)

    def end(self, record: RunRecord) -> None:
        """Write the end of a run that went well, for a reader of any speed."""
        self._complete(text_of(record))
        self.ended(record)
        self._done()

    def fail(self, refused: Refused) -> bool:
        """Tell that it broke off; false if nothing was written yet, and a status can tell it."""
        if not self.stream.open:
            self.stream.close()
            return False
        self.broken(refused)
        self._done()
        return True

    def close(self) -> None:
        """Let go of the clock."""
        self.stream.close()

    def _complete(self, text: str) -> None:
        """Write what is missing of the whole answer.

        A run whose runtime tells its answer only at the end has said nothing before.
        """
        said = "".join(self._parts)
        self.stream.start()
        if text.startswith(said) and len(text) > len(said):
            self._parts.append(text[len(said) :])
            self._waiting.append(text[len(said) :])
        self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.write("".join(waiting))

    def _done(self) -> None:
        self.stream.send(DONE)
        self.stream.finish()
