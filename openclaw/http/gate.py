"""Which scope each HTTP route asks for, and what is answered to who lacks it; one small table."""

from collections.abc import Callable, Mapping

from attrs import frozen
from twisted.web.http import Request

from openclaw.errors import Forbidden
from openclaw.http.answers import locked_out, send_json, unauthorized
from openclaw.interfaces.security import Admitted
from openclaw.protocol.scopes import READ, expand

# Pages are not in it: they hold nothing but themselves, and ask over a WebSocket. What probes tell
# beyond their one word depends on who asks.
ROUTES: Mapping[str, str | None] = {
    "/health": None,
    "/healthz": None,
    "/ready": None,
    "/readyz": None,
    "/startupz": None,
    "/control-ui-config.json": READ,
}


@frozen
class Gate:
    """Lets requests through to what they may have.

    :ivar who: whom a request is from; ``None`` if it brings nothing good.
    :ivar waits: after a refusal, milliseconds until the client is heard again; 0: at once.
    :ivar lacks_factor: why the caller has to show a second factor for a scope; ``None`` if not.
    """

    who: Callable[[Request], Admitted | None]
    lacks_factor: Callable[[Admitted, str], Forbidden | None]
    waits: Callable[[Request], int]

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
