"""A model's server that a test speaks for; it runs beside the test, in its process."""

import json
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site


class ModelServer(Resource):
    """Serves one model; what it says is up to :meth:`say`."""

    isLeaf = True

    def __init__(self, reactor: Any) -> None:
        super().__init__()
        self.reactor = reactor
        site: Any = Site(self, timeout=None)
        site.log = lambda request: None
        self._port = reactor.listenTCP(0, site, backlog=500, interface="127.0.0.1")

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._port.getHost().port)

    def stop(self) -> Deferred[Any]:
        """Listen no more."""
        return maybeDeferred(self._port.stopListening)

    def say(self, asked: Any, request: Request) -> None:
        """Answer what was asked, with :func:`write` and then :func:`end`, now or later."""
        raise NotImplementedError

    def render_GET(self, request: Request) -> bytes:
        """The one model."""
        return b'{"object": "list", "data": [{"id": "mock-1", "object": "model"}]}'

    def render_POST(self, request: Request) -> int:
        """Begin to answer."""
        assert request.content is not None
        request.setHeader("content-type", "text/event-stream")
        self.say(json.loads(request.content.read()), request)
        return NOT_DONE_YET


def write(request: Request, words: str) -> None:
    """Say a piece of an answer."""
    _write(request, {"content": words}, None)


def end(request: Request, call: dict[str, Any] | None = None) -> None:
    """Say that that was all, but for a call of a function."""
    if call is not None:
        calls = [{"index": 0, "id": "c1", "type": "function", "function": call}]
        _write(request, {"tool_calls": calls}, "tool_calls")
    else:
        _write(request, {}, "stop")
    request.write(b"data: [DONE]\n\n")
    request.finish()


def _write(request: Request, delta: dict[str, Any], finish: str | None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    frame = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "mock-1"}
    request.write(b"data: %b\n\n" % json.dumps({**frame, "choices": [choice]}).encode())
