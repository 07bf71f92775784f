"""The routes of the gateway's port, for requests that are no WebSocket upgrade."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from attrs import frozen
from twisted.web.http import Request
from twisted.web.resource import Resource

from openclaw.http.answers import (
    not_allowed,
    not_found,
    send,
    send_json,
    unauthorized,
)
from openclaw.http.pages import ChatPage, ControlPage
from openclaw.http.probes import Probes

_READING = (b"GET", b"HEAD")


@frozen(kw_only=True)
class Routes:
    """Everything that is served.

    :ivar control: ``None`` where no Control UI is configured.
    :ivar ui_config: what the Control UI reads at start, for authenticated callers.
    :ivar trusted: whether the caller is local or authenticated.
    :ivar authenticated: whether the caller shows a good bearer token.
    :ivar refuses: an answer for requests that must not be served at all, else ``None``.
    """

    probes: Probes
    chat: ChatPage
    control: ControlPage | None
    ui_config: dict[str, Any]
    authenticated: Callable[[Request], bool]
    refuses: Callable[[Request], tuple[int, str] | None]


class Root(Resource):
    """Looks at the whole path at once; nothing here is a tree."""

    isLeaf = True

    def __init__(self, routes: Routes) -> None:
        super().__init__()
        self._routes = routes
        probes = routes.probes
        self._fixed: dict[str, Callable[[Request], bytes]] = {
            "/health": probes.healthy,
            "/healthz": probes.live,
            "/ready": probes.readiness,
            "/readyz": probes.readiness,
            "/startupz": probes.started,
            "/control-ui-config.json": self._ui_config,
        }

    def render(self, request: Request) -> bytes:
        """Answer one request."""
        refusal = self._routes.refuses(request)
        if refusal is not None:
            return send_json(request, refusal[0], refusal[1].encode())
        segments = _segments(request.path)
        if segments is None:
            return not_found(request)
        path = "/" + "/".join(segments)
        fixed = self._fixed.get(path)
        if fixed is not None or self._is_page(segments):
            if request.method not in _READING:
                return not_allowed(request, "GET, HEAD")
            return fixed(request) if fixed is not None else self._page(request, segments)
        return not_found(request)

    def _is_page(self, segments: list[str]) -> bool:
        return segments[0] in ("", "chat") or self._routes.control is not None

    def _page(self, request: Request, segments: list[str]) -> bytes:
        control = self._routes.control
        if segments[0] == "chat" and (len(segments) > 1 or control is None):
            if len(segments) == 1:
                return _redirect(request, "/chat/")
            return self._routes.chat.serve(request, segments[1:])
        if control is None:
            return _redirect(request, "/chat/")
        return control.serve(request, segments if segments != [""] else ["index.html"])

    def _ui_config(self, request: Request) -> bytes:
        if self._routes.control is None:
            return not_found(request)
        if not self._routes.authenticated(request):
            return unauthorized(request)
        return send_json(request, 200, self._routes.ui_config)


def _segments(path: bytes) -> list[str] | None:
    """The decoded names of a path; ``None`` if it is not UTF-8."""
    try:
        return [unquote_to_bytes(part).decode() for part in path.split(b"/")[1:]] or [""]
    except UnicodeDecodeError:
        return None


def _redirect(request: Request, to: str) -> bytes:
    return send(request, 302, "text/plain; charset=utf-8", b"", Location=to)
