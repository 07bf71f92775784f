"""An OpenAI-compatible model server that misbehaves on request; it thinks nothing.

Run it with ``python -m tests.standins.model [--port N]``; the first line it prints is
``{"port": N}``. What it answers is chosen by directives in square brackets in the last user
message, so that a test steers the model through the gateway:

``[chunks=50]``, ``[chunks=50 delay=20]``
    that many words ``w1 w2 ...``, one per chunk, with so many milliseconds between two chunks;
``[slow]``
    thirty chunks, 200 ms apart;
``[echo]``
    the rest of the line after the directive;
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
import re
import sys
from collections.abc import Iterator
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITCPTransport
from twisted.python.failure import Failure
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

MODEL = "mock-1"
REPLY = "Hello from the mock model."
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}

_DIRECTIVE = re.compile(
    r"\[(?:(?P<plain>slow|echo|reset|truncate|garbage|hang)"
    r"|chunks=(?P<chunks>\d+)(?: delay=(?P<delay>\d+))?"
    r"|error=(?P<error>\d{3})(?P<retry> retry-after)?)\]"
)
_CHUNKS_BEFORE_FAULT = 3


@attrs.frozen
class Behaviour:
    """What one answer does: its pieces of text, their pace, and how it goes wrong."""

    pieces: tuple[str, ...] = (REPLY,)
    delay_seconds: float = 0.0
    fault: str = ""
    status: int = 200
    retry_after: bool = False

    @property
    def text(self) -> str:
        """The whole answer, the pieces joined."""
        return "".join(self.pieces)


def words(count: int) -> tuple[str, ...]:
    """``count`` pieces that join to ``w1 w2 w3 ...``."""
    return tuple(f"w{n}" if n == 1 else f" w{n}" for n in range(1, count + 1))


def behaviour_for(text: str) -> Behaviour:
    """Read the first directive in the last user message.

    :param text: the message as the gateway sent it, wrapped in whatever words it adds.
    """
    match = _DIRECTIVE.search(text)
    if match is None:
        return Behaviour()
    if match["error"]:
        return Behaviour(status=int(match["error"]), retry_after=bool(match["retry"]))
    if match["chunks"]:
        return Behaviour(words(int(match["chunks"])), int(match["delay"] or 0) / 1000)
    if match["plain"] == "slow":
        return Behaviour(words(30), 0.2)
    if match["plain"] == "echo":
        return Behaviour((text[match.end() :].partition("\n")[0].strip(),))
    return Behaviour(words(_CHUNKS_BEFORE_FAULT), fault=match["plain"])


def last_user_text(messages: list[dict[str, Any]]) -> str:
    """What the user said since the last answer, one line for each message.

    A gateway may put messages of its own, in the user's role, after what the user wrote.
    """
    texts: list[str] = []
    for message in reversed(messages):
        if message.get("role") == "assistant":
            break
        if message.get("role") == "user":
            content = message.get("content") or ""
            parts = [content] if isinstance(content, str) else [p.get("text", "") for p in content]
            texts.insert(0, "".join(parts))
    return "\n".join(texts)


def frames(behaviour: Behaviour) -> Iterator[bytes]:
    """The server-sent events of one streamed answer, a fault included, the end not."""
    head = {"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1, "model": MODEL}

    def event(delta: dict[str, str], finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _sse({**head, "choices": [choice]})

    yield event({"role": "assistant", "content": ""}, None)
    for piece in behaviour.pieces:
        yield event({"content": piece}, None)
        if behaviour.fault == "garbage":
            yield b"data: {this is no JSON\n\n"
            return
    if not behaviour.fault:
        yield event({}, "stop")
        yield _sse({**head, "choices": [], "usage": USAGE})
        yield b"data: [DONE]\n\n"


def _sse(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


class Completions(Resource):
    """``POST /v1/chat/completions``, streamed or whole, and the record of what was asked."""

    isLeaf = True

    def __init__(self, clock: IReactorTime) -> None:
        super().__init__()
        self._clock = clock
        self.seen: list[dict[str, Any]] = []

    def render_POST(self, request: Request) -> bytes | int:
        """Answer as the last user message says."""
        assert request.content is not None
        body = json.loads(request.content.read())
        text = last_user_text(body.get("messages", []))
        record = {"user": text, "model": body.get("model"), "stream": bool(body.get("stream"))}
        record.update(at=self._clock.seconds(), messages=len(body.get("messages", [])))
        record["outcome"] = "running"
        self.seen.append(record)
        behaviour = behaviour_for(text)
        if behaviour.status != 200:
            record["outcome"] = "refused"
            return self._refuse(request, behaviour)
        answer = Answer(request, behaviour, record, self._clock)
        request.notifyFinish().addErrback(answer.lost)
        if behaviour.fault == "hang":
            return NOT_DONE_YET
        if record["stream"]:
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
        kind = "rate_limit_error" if behaviour.status == 429 else "server_error"
        error = {"message": f"mock failure {behaviour.status}", "type": kind, "code": kind}
        return json.dumps({"error": error}).encode()


class Answer:
    """One answer under way: writes its frames at their pace until it ends or the caller leaves."""

    def __init__(
        self,
        request: Request,
        behaviour: Behaviour,
        record: dict[str, Any],
        clock: IReactorTime,
    ) -> None:
        self._request = request
        self._behaviour = behaviour
        self._record = record
        self._clock = clock
        self._frames = frames(behaviour)
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
        message = {"role": "assistant", "content": self._behaviour.text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        document = {"id": "chatcmpl-mock", "object": "chat.completion", "created": 1}
        document.update(model=MODEL, choices=[choice], usage=USAGE)
        self._request.setHeader("content-type", "application/json")
        self._request.write(json.dumps(document).encode())
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

    def __init__(self, completions: Completions) -> None:
        super().__init__()
        self._completions = completions

    def render_GET(self, request: HTTPRequest) -> bytes:
        """List the requests, oldest first."""
        return json.dumps(self._completions.seen).encode()

    def render_DELETE(self, request: HTTPRequest) -> bytes:
        """Forget them."""
        self._completions.seen.clear()
        return b"[]"


class Models(Resource):
    """``GET /v1/models``: the one model."""

    isLeaf = True

    def render_GET(self, request: HTTPRequest) -> bytes:
        """List it."""
        row = {"id": MODEL, "object": "model", "created": 1, "owned_by": "mock"}
        return json.dumps({"object": "list", "data": [row]}).encode()


def site(clock: IReactorTime) -> Site:
    """The whole stand-in as one web site."""
    completions = Completions(clock)
    root, version, chat = Resource(), Resource(), Resource()
    root.putChild(b"v1", version)
    root.putChild(b"requests", Requests(completions))
    version.putChild(b"chat", chat)
    version.putChild(b"models", Models())
    chat.putChild(b"completions", completions)
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
