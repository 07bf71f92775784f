"""A homeserver's door on loopback: paths, tokens, errors; what calls do is elsewhere."""

import json
from typing import Any
from urllib.parse import quote, unquote

from attrs import define
from twisted.web.server import Request

from tests.channels.loopback import Fault, LoopbackServer, PlatformError, finish

Json = dict[str, Any]


class MatrixError(PlatformError):
    """An answer with an ``errcode``."""

    def __init__(self, status: int, errcode: str, error: str = "no", **more: Any) -> None:
        super().__init__(errcode)
        self.status = status
        self.errcode = errcode
        self.error = error
        self.more = more


@define
class Call:
    """One call as it came.

    :ivar parts: the parts of its path behind ``/_matrix``, decoded.
    """

    method: str
    parts: list[str]
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Json:
        """The body as an object."""
        try:
            found = json.loads(self.body or b"null")
        except ValueError:
            raise MatrixError(400, "M_NOT_JSON") from None
        if not isinstance(found, dict):
            raise MatrixError(400, "M_BAD_JSON", "Content must be a JSON object.")
        return found


class Door(LoopbackServer):
    """Reads calls, knows who asks.

    :ivar calls: everything that was asked, in order.
    :ivar tokens: access tokens to (user, device).
    :ivar soft: tokens that are signed out softly.
    :ivar unencoded: paths that hold more than they should as it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.tokens: dict[str, tuple[str, str]] = {}
        self.soft: set[str] = set()
        self.unencoded: list[str] = []

    def do(self, call: Call, user: str, device: str, request: Request) -> Any:
        """Carry a call out; raises MatrixError."""
        raise NotImplementedError

    def asked(self, *parts: str, method: str = "") -> list[Call]:
        """The calls whose path has these parts in it, in this order and together."""
        wanted = list(parts)

        def fits(call: Call) -> bool:
            ends = range(len(call.parts) - len(wanted) + 1)
            return any(call.parts[at : at + len(wanted)] == wanted for at in ends)

        return [call for call in self.calls if fits(call) and method in ("", call.method)]

    def fault(self, *parts: str, **more: Any) -> None:
        """Let the next calls whose path has these parts in it go wrong."""
        wanted = set(parts)
        self.faults.append(Fault(lambda _, path: wanted <= set(path), **more))

    def trouble(self) -> MatrixError:
        """An error of the homeserver's own."""
        return MatrixError(500, "M_UNKNOWN")

    def got(self, request: Request) -> None:
        """Read a call, and look who asks."""
        assert request.content is not None
        raw = request.uri.decode().partition("?")
        segments = raw[0].strip("/").split("/")
        query = {
            name.decode(): values[-1].decode() for name, values in (request.args or {}).items()
        }
        call = Call(
            method=request.method.decode(),
            parts=[unquote(one) for one in segments[1:]],
            query=query,
            body=request.content.read(),
            headers={
                name.decode().lower(): values[0].decode()
                for name, values in request.requestHeaders.getAllRawHeaders()
            },
        )
        if segments[0] != "_matrix":
            request.setResponseCode(404)
            finish(request, b"<html>not here</html>")
            return
        if any(quote(unquote(one), safe="") != one for one in segments):
            self.unencoded.append(raw[0])
        self.calls.append(call)
        self.carry_out(
            request, lambda: self.do(call, *self._who(call), request), call.method, call.parts
        )

    def _who(self, call: Call) -> tuple[str, str]:
        open_to_all = (["client", "v3", "login"], ["client", "versions"])
        if call.parts in open_to_all or call.parts[:3] == ["media", "v3", "download"]:
            return "", ""
        if "access_token" in call.query:
            raise MatrixError(400, "M_TEST", "a token in an address")
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise MatrixError(401, "M_MISSING_TOKEN", "Missing access token")
        if token not in self.tokens:
            soft = token in self.soft
            raise MatrixError(401, "M_UNKNOWN_TOKEN", "Unrecognised access token", soft_logout=soft)
        return self.tokens[token]

    def answer(self, request: Request, result: Any) -> None:
        """Answer a call, unless nothing is said any more; bytes are a file."""
        if self.frozen:
            return
        if isinstance(result, bytes):
            request.setHeader("content-type", "application/octet-stream")
            finish(request, result)
        else:
            request.setHeader("content-type", "application/json")
            finish(request, json.dumps(result).encode())

    def fail(self, request: Request, error: MatrixError) -> None:
        """Answer with an error in the platform's shape."""
        request.setResponseCode(error.status)
        request.setHeader("content-type", "application/json")
        if "location" in error.more:
            request.setHeader("location", error.more["location"])
        pause = error.more.get("retry_after_ms")
        if pause:
            request.setHeader("retry-after", str(-(-pause // 1000)))
        finish(
            request,
            json.dumps({"errcode": error.errcode, "error": error.error, **error.more}).encode(),
        )
