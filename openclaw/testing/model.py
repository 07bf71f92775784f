"""A model server on loopback that says what it is told to; it thinks nothing.

``python -m openclaw.testing.model`` prints ``{"port": N}`` and serves OpenAI's chat completions
until it is killed. The last message of the user chooses the answer: ``[echo]words`` says the words,
``[chunks=50]`` says ``w1 w2 …`` up to fifty, anything else is greeted.
"""

import json
import re
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

reactor: Any = the_reactor
REPLY = "Hello from the model of the tests."
_ECHO = re.compile(r"\[echo\](.*)")
_CHUNKS = re.compile(r"\[chunks=([0-9]{1,5})\]")


def answer_to(text: str) -> list[str]:
    """The pieces of the answer to a message."""
    echo, chunks = _ECHO.search(text), _CHUNKS.search(text)
    if echo:
        return [echo[1].strip()]
    if chunks:
        return [f"w{number} " for number in range(1, int(chunks[1]) + 1)]
    return [REPLY]


def question_of(body: bytes) -> str:
    """What the user said last."""
    said = [one for one in json.loads(body)["messages"] if one["role"] == "user"][-1]["content"]
    if isinstance(said, str):
        return said
    return " ".join(part.get("text", "") for part in said)


class Completions(Resource):
    """``POST /v1/chat/completions``, streamed or whole."""

    isLeaf = True

    def render_POST(self, request: Request) -> bytes:
        """Answer at once."""
        assert request.content is not None
        body = request.content.read()
        pieces = answer_to(question_of(body))
        if not json.loads(body).get("stream"):
            request.setHeader("Content-Type", "application/json")
            return json.dumps(_chunk("message", "".join(pieces), "stop")).encode()
        request.setHeader("Content-Type", "text/event-stream")
        events = [json.dumps(_chunk("delta", piece)) for piece in pieces]
        events += [json.dumps(_chunk("delta", "", "stop")), "[DONE]"]
        return "".join(f"data: {event}\n\n" for event in events).encode()


def _chunk(kind: str, text: str, reason: str | None = None) -> dict[str, Any]:
    said = {"role": "assistant", "content": text}
    choice = {"index": 0, kind: said, "finish_reason": reason}
    return {"id": "chat-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def main() -> None:
    """Serve until killed."""
    listening = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Site(Completions()))
    listening.addCallback(lambda port: print(json.dumps({"port": port.getHost().port}), flush=True))
    reactor.run()


if __name__ == "__main__":
    main()
