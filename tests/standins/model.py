"""A model server that misbehaves on request, in three APIs; it thinks nothing.

Run it with ``python -m tests.standins.model [--port N]``; the first line it prints is
``{"port": N}``. It speaks ``/v1/chat/completions``, ``/v1/responses``, ``/v1/messages`` and
``/v1/embeddings``. What it answers is chosen by directives in square brackets in the last user
message, so that a test steers the model through the gateway:

``[chunks=50]``, ``[chunks=50 delay=20]``
    that many words ``w1 w2 ...``, one per chunk, with so many milliseconds between two chunks;
``[slow]``
    thirty chunks, 200 ms apart;
``[echo]``
    the rest of the line after the directive;
``[call=clock {"zone":"UTC"}]``
    asks for that tool, after the text ``Let me see.``; several such are parallel calls. Once their
    results are there, they are quoted: ``The tool said: ...``;
``[think=some words]``
    thinks these before it answers;
``[error=500]``, ``[error=429 retry-after]``
    an error answer with that status, with ``Retry-After: 1`` where asked for;
``[reset]``, ``[truncate]``
    three chunks, then the connection is aborted, or ended without finish reason and ``[DONE]``;
``[garbage]``
    one chunk, then a line that is no JSON;
``[hang]``
    nothing at all until the caller goes away.

Anything else is answered with ``Hello from the mock model.``. ``GET /requests`` lists what was
asked, oldest first; ``DELETE /requests`` forgets it.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITCPTransport
from twisted.python.failure import Failure
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from tests.standins.behaviour import MODEL, Behaviour, behaviour_to
from tests.standins.completions import Completions
from tests.standins.messages import Messages
from tests.standins.responses import Responses
from tests.standins.shape import Shape

Record = dict[str, Any]


class Answering(Resource):
    """One API, streamed or whole, and the record of what was asked.

    :param seen: where each request is noted.
    """

    isLeaf = True

    def __init__(self, shape: Shape, seen: list[Record], clock: IReactorTime) -> None:
        super().__init__()
        self._shape = shape
        self._seen = seen
        self._clock = clock

    def render_POST(self, request: Request) -> bytes | int:
        """Answer as the last user message says."""
        assert request.content is not None
        body = json.loads(request.content.read())
        asked = self._shape.asked(body)
        record: Record = {"user": asked.said, "model": asked.model, "stream": asked.stream}
        record.update(at=self._clock.seconds(), messages=asked.messages, path=request.path.decode())
        record.update(tools=[_name(tool) for tool in body.get("tools", [])], outcome="running")
        self._seen.append(record)
        behaviour = behaviour_to(asked)
        if behaviour.status != 200:
            record["outcome"] = "refused"
            return self._refuse(request, behaviour)
        answer = Answer(request, self._shape, behaviour, record, self._clock)
        request.notifyFinish().addErrback(answer.lost)
        if behaviour.fault == "hang":
            return NOT_DONE_YET
        if asked.stream:
            request.setHeader("content-type", "text/event-stream; charset=utf-8")
            answer.step()
        else:
            answer.whole()
        return NOT_DONE_YET

    def _refuse(self, request: Request, behaviour: Behaviour) -> bytes:
        request.setResponseCode(behaviour.status)
        request.setHeader("content-type", "application/json")
        if behaviour.retry_after:
            request.setHeader("retry-after", "1")
        return json.dumps(self._shape.refusal(behaviour.status)).encode()


def _name(tool: Mapping[str, Any]) -> str:
    """A tool's name, wherever the API puts it."""
    return str(tool.get("name") or tool.get("function", {}).get("name"))


class Answer:
    """One answer under way: writes its frames at their pace until it ends or the caller leaves."""

    def __init__(
        self,
        request: Request,
        shape: Shape,
        behaviour: Behaviour,
        record: Record,
        clock: IReactorTime,
    ) -> None:
        self._request = request
        self._shape = shape
        self._behaviour = behaviour
        self._record = record
        self._clock = clock
        self._frames = shape.frames(behaviour)
        self._next: IDelayedCall | None = None

    def step(self) -> None:
        """Write the next frame, and plan the one after it."""
        self._next = None
        try:
            frame = next(self._frames)
        except StopIteration:
            self._end()
            return
        self._request.write(frame)
        self._next = self._clock.callLater(self._behaviour.delay_seconds, self.step)

    def whole(self) -> None:
        """Write the answer as one JSON document."""
        self._request.setHeader("content-type", "application/json")
        self._request.write(json.dumps(self._shape.whole(self._behaviour)).encode())
        self._end()

    def lost(self, reason: Failure) -> None:
        """The caller closed the connection: stop writing."""
        if self._record["outcome"] == "running":
            self._record["outcome"] = "caller left"
        if self._next is not None and self._next.active():
            self._next.cancel()
        reason.trap(ConnectionDone, Exception)

    def _end(self) -> None:
        self._record["outcome"] = self._behaviour.fault or "complete"
        if self._behaviour.fault == "reset":
            ITCPTransport(self._request.transport).abortConnection()
        else:
            self._request.finish()


class Requests(Resource):
    """``/requests``: what was asked so far."""

    isLeaf = True

    def __init__(self, seen: list[Record]) -> None:
        super().__init__()
        self._seen = seen

    def render_GET(self, request: HTTPRequest) -> bytes:
        """List the requests, oldest first."""
        return json.dumps(self._seen).encode()

    def render_DELETE(self, request: HTTPRequest) -> bytes:
        """Forget them."""
        self._seen.clear()
        return b"[]"


class Models(Resource):
    """``GET /v1/models``: the one model."""

    isLeaf = True

    def render_GET(self, request: HTTPRequest) -> bytes:
        """List it."""
        row = {"id": MODEL, "object": "model", "created": 1, "owned_by": "mock"}
        return json.dumps({"object": "list", "data": [row]}).encode()


class Embeddings(Resource):
    """``POST /v1/embeddings``: vectors of the length and the number of words of each input."""

    isLeaf = True

    def render_POST(self, request: Request) -> bytes:
        """Answer."""
        assert request.content is not None
        body = json.loads(request.content.read())
        inputs = [body["input"]] if isinstance(body["input"], str) else body["input"]
        rows = [
            {"object": "embedding", "index": at, "embedding": [len(text), len(text.split()), 0.5]}
            for at, text in enumerate(inputs)
        ]
        usage = {"prompt_tokens": sum(map(len, inputs)), "total_tokens": sum(map(len, inputs))}
        document = {"object": "list", "data": rows, "model": body["model"], "usage": usage}
        request.setHeader("content-type", "application/json")
        return json.dumps(document).encode()


def site(clock: IReactorTime) -> Site:
    """The whole stand-in as one web site."""
    seen: list[Record] = []
    root, version, chat = Resource(), Resource(), Resource()
    root.putChild(b"v1", version)
    root.putChild(b"requests", Requests(seen))
    version.putChild(b"chat", chat)
    version.putChild(b"models", Models())
    version.putChild(b"embeddings", Embeddings())
    version.putChild(b"responses", Answering(Responses(), seen, clock))
    version.putChild(b"messages", Answering(Messages(), seen, clock))
    chat.putChild(b"completions", Answering(Completions(), seen, clock))
    return Site(root)


def main(arguments: list[str]) -> None:
    """Listen on loopback until killed."""
    parser = argparse.ArgumentParser(prog="tests.standins.model")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(arguments)
    endpoint = TCP4ServerEndpoint(reactor, options.port, interface="127.0.0.1")
    listening = endpoint.listen(site(IReactorTime(reactor)))
    listening.addCallback(lambda port: print(json.dumps({"port": port.getHost().port}), flush=True))
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1:])
