"""A request's body on its way out; while it moves, the peer is not silent."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer
from twisted.web.client import FileBodyProducer
from zope.interface import implementer


class Upload(FileBodyProducer):
    """Writes a body as fast as the connection takes it, in pieces.

    :param moved: called for each piece.
    """

    def __init__(self, body: bytes, moved: Callable[[], object]) -> None:
        super().__init__(BytesIO(body))
        self._moved = moved

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Begin; fires when the last piece is written."""
        done: Deferred[None] = super().startProducing(_Watched(consumer, self._moved))
        return done


@implementer(IConsumer)
class _Watched:
    def __init__(self, consumer: IConsumer, moved: Callable[[], object]) -> None:
        self._consumer = consumer
        self._moved = moved

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """As the connection does it."""
        self._consumer.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """As the connection does it."""
        self._consumer.unregisterProducer()

    def write(self, data: bytes) -> None:
        """Pass one piece on."""
        self._moved()
        self._consumer.write(data)
