"""A whole gateway on a real port, a model stand-in on another, and programs that ask."""

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tests.attacks.live import TOKEN, LiveCase, reactor
from tests.integration.running import model_configuration
from tests.standins.completions import Completions
from tests.standins.model import Answering, Embeddings

CHAT, RESPONSES, INVOKE = "/v1/chat/completions", "/v1/responses", "/tools/invoke"
PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQAB"
    "pfZFQAAAAABJRU5ErkJggg=="
)


class Keeping(Answering):
    """The stand-in's chat completions; keeps the whole of what it was asked.

    :ivar asked: the bodies, oldest first.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self.seen: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        super().__init__(Completions(), self.seen, clock)

    def render_POST(self, request: Request) -> bytes | int:
        """Keep the body, then answer."""
        assert request.content is not None
        self.asked.append(json.loads(request.content.read()))
        request.content.seek(0)
        return super().render_POST(request)


@attrs.frozen
class Reply:
    """What a program got."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """The error in it."""
        return self.document["error"]

    @property
    def text(self) -> str:
        """The words of a chat completion."""
        return str(self.document["choices"][0]["message"]["content"])

    @property
    def events(self) -> list[Any]:
        """The events of a stream; the last is the text ``[DONE]``."""
        return list(_events(self.body.decode()))


def _events(text: str) -> Iterator[Any]:
    for block in text.split("\n\n"):
        for line in block.split("\n"):
            if line.startswith("data: "):
                data = line.removeprefix("data: ")
                yield data if data == "[DONE]" else json.loads(data)


def chat(text: str = "hi", **more: Any) -> dict[str, Any]:
    """A request with one message."""
    return {"model": "openclaw", "messages": [{"role": "user", "content": text}], **more}


class ProgramsCase(LiveCase):
    """A gateway whose model is the stand-in; both in this process."""

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        self.model = Keeping(reactor)
        root, version, path = Resource(), Resource(), Resource()
        root.putChild(b"v1", version)
        version.putChild(b"chat", path)
        version.putChild(b"embeddings", Embeddings())
        path.putChild(b"completions", self.model)
        site = Site(root)
        site.displayTracebacks = False
        listening = reactor.listenTCP(0, site, interface="127.0.0.1")
        self.model_port = listening.getHost().port
        await super().setUp()
        # Cleaned up first to last from the end: the gateway stops before its model does.
        self.addCleanup(listening.stopListening)

    def configure(self) -> Mapping[str, Any]:
        found = model_configuration(self.model_port)
        found["models"]["providers"]["mock"]["models"][0]["input"] = ["text", "image"]
        return found

    async def ask(self, path: str, body: Any = None, method: str = "", **headers: str) -> Reply:
        """Ask on a connection of its own; with the token, unless there is another."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        named = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        verb = method or ("GET" if body is None else "POST")
        sent = {name: value for name, value in named.items() if value}
        return await deferToThread(_ask, self.port, verb, path, data, sent)

    async def chat(self, text: str = "hi", **more: Any) -> Reply:
        """Ask for a chat completion."""
        return await self.ask(CHAT, chat(text, **more))

    @property
    def parts(self) -> Any:
        """The gateway's own parts."""
        return self.gateway._parts

    async def until(self, true: Any, seconds: float = 45.0) -> None:
        """Wait for something to become true."""
        late = reactor.seconds() + seconds
        while not true():
            if reactor.seconds() > late:
                raise AssertionError("it did not come true in time")
            await deferLater(reactor, 0.01)

    def roles(self, number: int = -1) -> list[tuple[str, Any]]:
        """What the model was shown."""
        return [(one["role"], one.get("content")) for one in self.model.asked[number]["messages"]]


def _ask(
    port: int, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, data, dict(headers))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, answer.read())
    finally:
        connection.close()
