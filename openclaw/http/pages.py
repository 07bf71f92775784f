"""Pages for people: our web chat at ``/chat/``, the original's Control UI where configured."""

from pathlib import Path

from attrs import field, frozen
from twisted.web.http import Request

from openclaw.http.answers import not_found, send, send_text
from openclaw.http.files import FileRoot, Found

_CHAT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self' ws://{host} wss://{host}; manifest-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
_CONTROL_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' blob:;"
    " connect-src 'self' ws://{host} wss://{host}; worker-src 'self' blob:; object-src 'none';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SAFE_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-:[]")
_MISSING_PREFIXES = ("assets", "api", "v1", "hooks", "webhook", "__openclaw__", "tools")


def _policy(template: str, request: Request) -> str:
    """The content security policy; sockets may only go where the page came from."""
    host = (request.getHeader("host") or "").lower()
    return template.format(host=host if host and set(host) <= _SAFE_HOST else "localhost")


def _send_page(request: Request, found: Found, template: str) -> bytes:
    return send(
        request,
        200,
        found.content_type,
        found.content,
        Content_Security_Policy=_policy(template, request),
        Cross_Origin_Opener_Policy="same-origin",
        Cross_Origin_Resource_Policy="same-origin",
    )


@frozen
class ChatPage:
    """Our own web chat: static files beside this module."""

    files: FileRoot = field(factory=lambda: FileRoot(Path(__file__).with_name("chat")))

    def serve(self, request: Request, segments: list[str]) -> bytes:
        """Answer for a path below ``/chat/``."""
        found = self.files.read(segments if segments != [""] else ["index.html"])
        if found is None:
            return not_found(request)
        return _send_page(request, found, _CHAT_POLICY)


@frozen
class ControlPage:
    """The original's built Control UI, a single-page application.

    :ivar files: the configured directory.
    """

    files: FileRoot

    def serve(self, request: Request, segments: list[str]) -> bytes:
        """Answer for any path that nothing else serves; unknown pages are the application's own."""
        found = self.files.read(segments)
        if found is not None and segments != ["index.html"]:
            return _send_page(request, found, _CONTROL_POLICY)
        if segments[0] in _MISSING_PREFIXES:
            return send_text(request, 404, "Not Found")
        index = self.files.read(["index.html"])
        if index is None:
            return send_text(
                request, 404, "gateway.controlUi.root holds no index.html: point it at the built UI"
            )
        # The page may be asked for under any deep path; its links must not depend on which.
        content = index.content.replace(b'="./', b'="/')
        return _send_page(request, Found(content, index.content_type), _CONTROL_POLICY)
