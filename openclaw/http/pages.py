"""Pages for people: our web chat at ``/chat/``, the original's Control UI where configured."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from attrs import field, frozen
from twisted.web.http import Request

from openclaw.http.answers import send, send_text
from openclaw.http.files import FileRoot, Found

_CHAT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self' ws://{host} wss://{host}; manifest-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
_CONTROL_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'{hashes};"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:;"
    " media-src 'self' blob:; connect-src 'self' ws://{host} wss://{host} data:;"
    " worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc\s*=)[^>]*>(.*?)</script\s*>", re.S | re.I)
_SAFE_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-:[]")
_MISSING_PREFIXES = ("assets", "api", "v1", "hooks", "webhook", "__openclaw__", "tools")


def _policy(template: str, request: Request, hashes: str) -> str:
    """The content security policy; sockets may only go where the page came from."""
    host = (request.getHeader("host") or "").lower()
    safe = host if host and set(host) <= _SAFE_HOST else "localhost"
    return template.format(host=safe, hashes=hashes)


def script_hashes(page: bytes) -> str:
    """What lets the scripts that stand inside a page run, and no other, as CSP sources."""
    # A browser hashes a script as it reads it, and it reads every line end as one line feed.
    scripts = _INLINE_SCRIPT.findall(page.replace(b"\r\n", b"\n"))
    return "".join(f" 'sha256-{b64encode(sha256(one).digest()).decode()}'" for one in scripts)


def _send_page(request: Request, found: Found, template: str, hashes: str = "") -> bytes:
    return send(
        request,
        200,
        found.content_type,
        found.content,
        Content_Security_Policy=_policy(template, request, hashes),
        Cross_Origin_Opener_Policy="same-origin",
        Cross_Origin_Resource_Policy="same-origin",
    )


@frozen
class ChatPage:
    """Our own web chat: static files beside this module."""

    files: FileRoot = field(factory=lambda: FileRoot(Path(__file__).with_name("chat")))

    def find(self, segments: list[str]) -> Found | None:
        """The file for a path below ``/chat/``."""
        return self.files.read(segments if segments != [""] else ["index.html"])

    def send(self, request: Request, found: Found) -> bytes:
        """Answer with one of the page's files."""
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
        page = Found(content, index.content_type)
        return _send_page(request, page, _CONTROL_POLICY, script_hashes(content))
