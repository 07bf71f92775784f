"""An answer to an outbound request, and its body on the way to whoever asked; opens nothing."""

from collections.abc import Callable
from typing import Protocol as Shape

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.interfaces.outbound import IOutboundResponse, OutboundError


class Keeper(Shape):
    """Who keeps time and connection while the body comes."""

    def heard(self) -> None:
        """Start the peer's allowance of silence again."""

    def hurry(self) -> None:
        """Leave the peer only a moment to end by itself."""

    def close(self) -> None:
        """Nothing more is expected."""

    def abort(self) -> None:
        """Close the connection at once."""

    def explain(self, error: BaseException | None) -> Exception:
        """Say in words what ended the exchange."""


class Body(Protocol):
    """Receives one body: counts silence, passes data on, ends exactly once.

    It listens from the first byte, wanted or not, and so always knows whether the connection still
    serves this exchange or is back in the pool.
    """

    def __init__(self, exchange: Keeper) -> None:
        self._exchange = exchange
        self._early: list[bytes] = []  # What came before anybody asked.
        self._on_data: Callable[[bytes], None] = self._early.append
        self._wanted = True
        self._done: Deferred[None] | None = None  # Made when somebody asks.
        self._result: Failure | None = None
        self._over = False

    def wait(self) -> None:
        """Take nothing more from the network until somebody asks for it."""
        if self.transport is not None:
            self.transport.pauseProducing()  # type: ignore[attr-defined]

    def deliver(self, on_data: Callable[[bytes], None]) -> Deferred[None]:
        """Pass on what came early, then whatever comes."""
        self._on_data = on_data
        done = self._done = Deferred(lambda _: self._stop())
        for data in self._early:
            self._pass_on(data)
        self._resume()
        self._tell()
        return done

    def dataReceived(self, data: bytes) -> None:
        """Pass one piece on."""
        self._exchange.heard()
        self._pass_on(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body is complete, or never will be."""
        self._exchange.close()
        # A body without a length ends when the connection does: whole, as far as HTTP can tell.
        if reason.check(ResponseDone, PotentialDataLoss):
            self._end(None)
        else:
            self._end(Failure(self._exchange.explain(reason.value)))

    def ignore(self) -> None:
        """Let the rest go by unheard, for a moment."""
        self._wanted = False
        self._exchange.hurry()
        self._resume()
        self._end(None)

    def _pass_on(self, data: bytes) -> None:
        if not self._wanted:
            return
        try:
            self._on_data(data)
        except Exception:  # The receiver's own error belongs to who waits, not to the connection.
            # It counts even if the body had already come to a good end before anybody asked.
            self._over = False
            self._end(Failure())
            self._stop()

    def _resume(self) -> None:
        if self.transport is not None:
            self.transport.resumeProducing()  # type: ignore[attr-defined]

    def _stop(self) -> None:
        self._wanted = False
        self._exchange.abort()

    def _end(self, result: Failure | None) -> None:
        if not self._over:
            self._over = True
            self._result = result
        self._tell()

    def _tell(self) -> None:
        if self._done is None or self._done.called or not self._over:
            return
        if self._result is None:
            self._done.callback(None)
        else:
            self._done.errback(self._result)


@implementer(IOutboundResponse)
class Answer:
    """The head of an answer, and its body."""

    def __init__(self, response: IResponse, body: Body) -> None:
        self.status: int = response.code
        self._headers = response.headers
        self._body = body

    def header(self, name: str) -> str:
        """The first header of that name, or an empty text."""
        values: list[bytes] = self._headers.getRawHeaders(name.encode("ascii"), [b""])
        return values[0].decode("utf-8", "replace")

    def deliver(self, on_data: Callable[[bytes], None]) -> Deferred[None]:
        """Hand the body on as it arrives."""
        return self._body.deliver(on_data)

    @deferred
    async def read(self, limit: int) -> bytes:
        """Collect the body, up to ``limit`` bytes."""
        parts: list[bytes] = []
        left = limit

        def collect(data: bytes) -> None:
            nonlocal left
            left -= len(data)
            if left < 0:
                raise OutboundError(f"the answer is longer than {limit} bytes", "too_large")
            parts.append(data)

        await self.deliver(collect)
        return b"".join(parts)

    def release(self) -> None:
        """Let the rest go by for a moment, then close."""
        self._body.ignore()
