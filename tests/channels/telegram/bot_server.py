"""A Bot API server on loopback: tokens, files, errors; what methods do is elsewhere."""

import json
from typing import Any
from urllib.parse import unquote

from twisted.web.server import Request

from tests.channels.loopback import LoopbackServer, PlatformError, finish
from tests.channels.telegram.forms import params


class BotError(PlatformError):
    """An answer with ``ok: false``."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.status = code
        self.description = description
        self.parameters = parameters


class BotServer(LoopbackServer):
    """The server; ``do`` is what carries methods out.

    :param do: takes a method, its params, and a way to answer later; returns a result, or
        :attr:`LATER` if it will use that.
    :ivar calls: method and params of every call with a right token, oldest first.
    """

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refused_tokens = 0
        self.files: dict[str, bytes] = {}

    def do(self, method: str, given: dict[str, Any], request: Request) -> Any:
        """Carry a method out; raises BotError."""
        raise NotImplementedError

    def trouble(self) -> BotError:
        """An error of the Bot API's own."""
        return BotError(500, "Internal Server Error")

    def named(self, method: str) -> list[dict[str, Any]]:
        """The params of every call of one method."""
        return [given for name, given in self.calls if name == method]

    def got(self, request: Request) -> None:
        """Read a call, and look at its token."""
        path = unquote(request.path.decode())
        assert request.content is not None
        if path.startswith(f"/file/bot{self.token}/"):
            self._file(request, path.removeprefix(f"/file/bot{self.token}/"))
            return
        bot, _, method = path.removeprefix("/").partition("/")
        if not bot.startswith("bot") or not method or "/" in method:
            self.fail(request, BotError(404, "Not Found"))
            return
        if bot != f"bot{self.token}":
            self.refused_tokens += 1
            self.fail(request, BotError(401, "Unauthorized"))
            return
        query = request.uri.decode().partition("?")[2]
        content_type = request.getHeader("content-type") or ""
        given = params(content_type, query, request.content.read())
        self.calls.append((method, given))
        self.carry_out(request, lambda: self.do(method, given, request), method)

    def _file(self, request: Request, name: str) -> None:
        data = self.files.get(name)
        if data is None:
            self.fail(request, BotError(404, "Not Found"))
        else:
            request.setHeader("content-type", "application/octet-stream")
            finish(request, data)

    def answer(self, request: Request, result: Any) -> None:
        """Answer a call, unless nothing is said any more."""
        if not self.frozen:
            request.setHeader("content-type", "application/json")
            finish(request, json.dumps({"ok": True, "result": result}).encode())

    def fail(self, request: Request, error: BotError) -> None:
        """Answer with an error in the platform's shape."""
        body: dict[str, Any] = {
            "ok": False,
            "error_code": error.status,
            "description": error.description,
        }
        if error.parameters:
            body["parameters"] = error.parameters
        request.setResponseCode(error.status)
        request.setHeader("content-type", "application/json")
        finish(request, json.dumps(body).encode())
