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
)
from openclaw.http.gate import PAGE_ROUTES, Gate
from openclaw.http.openai.api import Api
from openclaw.http.pages import ChatPage, ControlPage
from openclaw.http.probes import Probes
from openclaw.http.webhooks import Webhooks

_READING = (b"GET", b"HEAD")
# Where programs look: they would take a page for an answer.
_FOR_PROGRAMS = ("v1", "tools", "openapi.json")
_FOREIGN_HOST = {
    "error": {
        "message": "This gateway does not know itself by the name in the Host header. Ask it by an "
        "IP address or localhost, or add the address of the page to "
        "gateway.controlUi.allowedOrigins.",
        "type": "host_not_allowed",
    }
}


@frozen(kw_only=True)
class Routes:
    """Everything that is served.

    :ivar control: ``None`` where no Control UI is configured.
    :ivar ui_config: what the Control UI reads at start, for authenticated callers.
    :ivar gate: who may have what.
    :ivar refuses: an answer for requests that must not be served at all, else ``None``.
    :ivar known_host: whether the caller uses a name that nobody else can point at this gateway.
    :ivar webhooks: ``None`` where no channel is configured.
    :ivar api: ``None`` where programs are not served.
    """

    probes: Probes
    chat: ChatPage
    control: ControlPage | None
    ui_config: dict[str, Any]
    gate: Gate
    refuses: Callable[[Request], tuple[int, str] | None]
    known_host: Callable[[Request], bool]
    webhooks: Webhooks | None = None
    api: Api | None = None


class Root(Resource):
    """Looks at the whole path at once; nothing here is a tree."""

    isLeaf = True

    def __init__(self, routes: Routes) -> None:
        super().__init__()
        self._routes = routes
        probes = routes.probes
        self._probes: dict[str, Callable[[Request], bytes]] = {
            "/health": probes.healthy,
            "/healthz": probes.live,
            "/ready": probes.readiness,
            "/readyz": probes.readiness,
            "/startupz": probes.started,
        }
        self._fixed = {**self._probes, "/control-ui-config.json": self._ui_config}
        if self._fixed.keys() != PAGE_ROUTES.keys():
            odd = sorted(self._fixed.keys() ^ PAGE_ROUTES.keys())
            raise ValueError(f"routes and their scopes differ: {', '.join(odd)}")

    def render(self, request: Request) -> bytes | int:
        """Answer one request."""
        refusal = self._routes.refuses(request)
        if refusal is not None:
            return send_json(request, refusal[0], refusal[1].encode())
        webhooks = self._routes.webhooks
        place = webhooks.place(request) if webhooks is not None else None
        if webhooks is not None and place is not None:
            # Its signature says whom it is from, so it may come by whatever name leads here.
            return webhooks.serve(request, place)
        segments = _segments(request.path)
        if segments is None:
            return not_found(request)
        path = _joined(segments)
        # Probes tell strangers nothing, and are asked by whatever name a network has for us. All
        # else could be read by a page whose own name was made to point here.
        if path not in self._probes and not self._routes.known_host(request):
            return send_json(request, 403, _FOREIGN_HOST)
        api = self._routes.api
        programs = api.place(path) if api is not None else None
        if api is not None and programs is not None:
            return api.serve(request, programs)
        fixed = self._fixed.get(path)
        if fixed is not None or self._is_page(segments):
            if request.method not in _READING:
                return not_allowed(request, "GET, HEAD")
            return fixed(request) if fixed is not None else self._page(request, segments)
        return not_found(request)

    def body_limit(self, request: Request) -> int:
        """How large the body of a request may be, of which the head is known; 0: not wanted."""
        routes = self._routes
        wanted = routes.webhooks.body_limit(request) if routes.webhooks is not None else 0
        if wanted:
            return wanted
        segments = _segments(request.path)
        if routes.api is None or segments is None:
            return 0
        return routes.api.body_limit(request, _joined(segments))

    def _is_page(self, segments: list[str]) -> bool:
        if segments[0] in _FOR_PROGRAMS:
            return False
        ours = segments == [""] or segments[0] == "chat"
        return ours or self._routes.control is not None

    def _page(self, request: Request, segments: list[str]) -> bytes:
        control, chat = self._routes.control, self._routes.chat
        if segments[0] == "chat" and len(segments) > 1:
            # The Control UI has pages below /chat/ too; only our own files there are ours.
            page = chat.find(segments[1:])
            if page is not None or control is None:
                return not_found(request) if page is None else chat.send(request, page)
        if control is None:
            return _redirect(request, "/chat/")
        return control.serve(request, segments if segments != [""] else ["index.html"])

    def _ui_config(self, request: Request) -> bytes:
        if self._routes.control is None:
            return not_found(request)
        refusal = self._routes.gate.refusal(request, "/control-ui-config.json")
        if refusal is not None:
            return refusal
        return send_json(request, 200, self._routes.ui_config)


def _segments(path: bytes) -> list[str] | None:
    """The decoded names of a path; ``None`` if it is not UTF-8."""
    try:
        return [unquote_to_bytes(part).decode() for part in path.split(b"/")[1:]] or [""]
    except UnicodeDecodeError:
        return None


def _joined(segments: list[str]) -> str:
    return "/" + "/".join(segments)


def _redirect(request: Request, to: str) -> bytes:
    return send(request, 302, "text/plain; charset=utf-8", b"", Location=to)
