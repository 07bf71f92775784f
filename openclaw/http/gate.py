"""Which scope each HTTP route asks for, and what is answered to who lacks it; one small table."""

from collections.abc import Callable, Mapping

from attrs import frozen
from twisted.web.http import Request

from openclaw.errors import Forbidden
from openclaw.http.answers import locked_out, send_json, unauthorized
from openclaw.interfaces.security import Admitted
from openclaw.protocol.scopes import READ, WRITE, expand

# Pages are not in it: they hold nothing but themselves, and ask over a WebSocket. What probes tell
# beyond their one word depends on who asks.
PAGE_ROUTES: Mapping[str, str | None] = {
    "/health": None,
    "/healthz": None,
    "/ready": None,
    "/readyz": None,
    "/startupz": None,
    "/control-ui-config.json": READ,
}

# For programs; each asks for what the method that does the same asks for. Which of a tool's uses a
# caller has the right to is decided where every use of a tool is.
API_ROUTES: Mapping[str, str | None] = {
    "/openapi.json": READ,
    "/v1/models": READ,
    "/v1/models/{model}": READ,
    "/v1/chat/completions": WRITE,
    "/v1/responses": WRITE,
    "/v1/embeddings": WRITE,
    "/tools/invoke": WRITE,
}

ROUTES: Mapping[str, str | None] = {**PAGE_ROUTES, **API_ROUTES}


@frozen
class Gate:
    """Lets requests through to what they may have.

    :ivar who: whom a request is from; ``None`` if it brings nothing good. Asked more than once for
        one request, it has to say the same, and must count a wrong guess once.
    :ivar waits: after a refusal, milliseconds until the client is heard again; 0: at once.
    :ivar lacks_factor: why the caller has to show a second factor for a scope; ``None`` if not.
    """

    who: Callable[[Request], Admitted | None]
    lacks_factor: Callable[[Admitted, str], Forbidden | None]
    waits: Callable[[Request], int]

    def lets_in(self, request: Request, path: str) -> bool:
        """Whether a request may have what is at a path; answers nothing, counts nothing twice."""
        scope, admitted = ROUTES[path], self.who(request)
        if scope is None or admitted is None:
            return scope is None
        return scope in expand(admitted.scopes) and self.lacks_factor(admitted, scope) is None

    def refusal(self, request: Request, path: str) -> bytes | None:
        """Answer a request that may not have what is at a path; ``None`` if it may."""
        scope = ROUTES[path]
        if scope is None:
            return None
        admitted = self.who(request)
        if admitted is None:
            wait_ms = self.waits(request)
            return locked_out(request, wait_ms) if wait_ms else unauthorized(request)
        if scope not in expand(admitted.scopes):
            return _forbidden(request, f"missing scope: {scope}", "missing_scope")
        lacking = self.lacks_factor(admitted, scope)
        if lacking is None:
            return None
        next_step = str((lacking.details or {}).get("next", ""))
        return _forbidden(request, lacking.message, "mfa_required", next_step)


def _forbidden(request: Request, message: str, kind: str, next_step: str = "") -> bytes:
    error = {"message": message, "type": kind}
    if next_step:
        error["next"] = next_step
    return send_json(request, 403, {"error": error})
