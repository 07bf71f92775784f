"""A model that answers every message with words that name it; it runs beside the test."""

import json
import re
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from tests.faults.dialogues import word

_ASKED = re.compile(r"([a-z]+\d+x\d+) words=(\d+) pause=(\d+)")


def request_for(key: str, words: int, pause_ms: int) -> str:
    """What a person writes to get so many words, with so long between two of them."""
    return f"{key} words={words} pause={pause_ms}"


class Pondering(Resource):
    """The model's server.

    :param asked: told the key of each message that reaches it.
    """

    isLeaf = True

    def __init__(self, reactor: Any, asked: Callable[[str], None]) -> None:
        super().__init__()
        self._reactor = reactor
        self._asked = asked
        site: Any = Site(self, timeout=None)
        site.log = lambda request: None
        self._port = reactor.listenTCP(0, site, interface="127.0.0.1")

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._port.getHost().port)

    def stop(self) -> Deferred[Any]:
        """Listen no more."""
        return maybeDeferred(self._port.stopListening)

    def render_GET(self, request: Request) -> bytes:
        """The one model."""
        return b'{"object": "list", "data": [{"id": "mock-1", "object": "model"}]}'

    def render_POST(self, request: Request) -> int:
        """Answer the last message of the conversation."""
        assert request.content is not None
        messages = json.loads(request.content.read())["messages"]
        key, words, pause = _ASKED.findall(json.dumps(messages))[-1]
        self._asked(key)
        request.setHeader("content-type", "text/event-stream")
        pieces = [f"{word(key, number + 1)} " for number in range(int(words))]
        _Answer(self._reactor, request, pieces, int(pause) / 1000)
        return NOT_DONE_YET


class _Answer:
    """One answer under way."""

    def __init__(self, reactor: Any, request: Request, pieces: list[str], pause: float) -> None:
        self._reactor = reactor
        self._request = request
        self._pieces = iter(pieces)
        self._pause = pause
        self._timer: IDelayedCall | None = None
        request.notifyFinish().addBoth(self._over)
        self._step()

    def _step(self) -> None:
        self._timer = None
        for piece in self._pieces:
            self._write({"content": piece})
            if self._pause:
                self._timer = self._reactor.callLater(self._pause, self._step)
                return
        self._write({}, "stop")
        self._request.write(b"data: [DONE]\n\n")
        self._request.finish()

    def _write(self, delta: dict[str, str], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        frame = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "mock-1"}
        self._request.write(b"data: %b\n\n" % json.dumps({**frame, "choices": [choice]}).encode())

    def _over(self, _: object) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
