"""One request of a program and its answer; knows nothing of what is asked."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.http import Request

from openclaw.http.answers import send_json
from openclaw.http.openai.caller import Caller
from openclaw.http.openai.errors import Refused

T = TypeVar("T")
_PLACE = " - at `$"


class Exchange:
    """A request whose body has arrived.

    :ivar rest: what stands behind the route in the path.
    :ivar gone: the client has hung up; whatever is written is lost.
    :ivar answered: the head of an answer has been written.
    """

    def __init__(self, request: Request, caller: Caller, rest: str, clock: IReactorTime) -> None:
        self.caller = caller
        self.rest = rest
        self.clock = clock
        self.request = request
        self.gone = False
        self.answered = False
        self._when_gone: list[Callable[[], object]] = []
        request.notifyFinish().addErrback(self._lost)

    def header(self, name: str) -> str:
        """A header; empty if it is not there."""
        return (self.request.getHeader(name) or "").strip()

    def read(self, kind: type[T]) -> T:
        """The body.

        :raises Refused: it is no JSON, or not of that shape.
        """
        content = self.request.content
        try:
            return msgspec.json.decode(b"" if content is None else content.read(), type=kind)
        except msgspec.ValidationError as error:
            words, _, place = str(error).partition(_PLACE)
            raise Refused(words, param=place.rstrip("`").lstrip(".") or None) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Refused("the body is no JSON; send an object") from None

    def when_gone(self, told: Callable[[], object]) -> None:
        """Call this once the client has hung up, if it does so before the answer is complete."""
        if self.gone:
            told()
        else:
            self._when_gone.append(told)

    def answer(self, status: int, value: Any) -> None:
        """Answer with one JSON document, and be done."""
        if self.gone or self.answered:
            return
        self.answered = True
        body = send_json(self.request, status, value)
        self.request.write(body)
        self.request.finish()

    def refuse(self, refused: Refused) -> None:
        """Answer that it will not be done."""
        if refused.retry_after_ms is not None:
            seconds = -(-refused.retry_after_ms // 1000)
            self.request.setHeader("Retry-After", str(seconds))
        self.answer(refused.status, refused.body)

    def end(self, refused: Refused) -> None:
        """Break off: with an error, or without a word where the answer has begun."""
        if self.answered:
            self.cut()
        self.refuse(refused)

    def cut(self) -> None:
        """Hang up."""
        channel: Any = self.request.channel
        if channel is not None and not self.gone:
            channel.forceAbortClient()

    def _lost(self, _: Failure) -> None:
        self.gone = True
        when_gone, self._when_gone = self._when_gone, []
        for told in when_gone:
            told()
