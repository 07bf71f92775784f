"""The words of an answer on their way into a stream: at once, or together once a reader can."""

from collections.abc import Callable

from openclaw.http.openai.events import EventStream
from openclaw.http.openai.exchange import Exchange


class Pieces:
    """Passes words on as they come; what a slow reader cannot take becomes one piece.

    :param opened: writes what has to stand before the first words.
    :param write: writes words.
    :ivar stream: where everything goes.
    :ivar text: the words that came so far.
    """

    def __init__(
        self, exchange: Exchange, opened: Callable[[], None], write: Callable[[str], None]
    ) -> None:
        self.stream = EventStream(exchange, opened, self._flush)
        self._write = write
        self._waiting: list[str] = []
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        """Everything that was said so far."""
        return "".join(self._parts)

    def heard(self, text: str) -> None:
        """More words; see :meth:`openclaw.interfaces.conversations.IRuns.follow`."""
        self.stream.start()
        self._parts.append(text)
        if self.stream.ready and not self._waiting:
            self._write(text)
        else:
            self._waiting.append(text)

    def complete(self, text: str) -> None:
        """Write what is missing of the whole answer, for a reader of any speed.

        A run whose runtime tells its answer only at the end has said nothing before.
        """
        said = self.text
        self.stream.start()
        if text.startswith(said) and len(text) > len(said):
            self._parts.append(text[len(said) :])
            self._waiting.append(text[len(said) :])
        self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._write("".join(waiting))
