"""What every HTTP answer has in common: JSON or text, and headers that keep browsers careful."""

from typing import Any

from twisted.web.http import Request

from openclaw.errors import Busy
from openclaw.protocol.base import encode

COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


def send(request: Request, status: int, content_type: str, body: bytes, **headers: str) -> bytes:
    """Set status and headers; return the body, for a resource's ``render``."""
    request.setResponseCode(status)
    for name, value in COMMON.items():
        request.setHeader(name, value)
    request.setHeader("Content-Type", content_type)
    for name, value in headers.items():
        request.setHeader(name.replace("_", "-"), value)
    request.setHeader("Content-Length", str(len(body)))
    return b"" if request.method == b"HEAD" else body


def send_json(request: Request, status: int, value: Any) -> bytes:
    """Answer with one JSON document."""
    body = value if isinstance(value, bytes) else encode(value)
    return send(request, status, "application/json; charset=utf-8", body + b"\n")


def send_text(request: Request, status: int, text: str, **headers: str) -> bytes:
    """Answer with one line of text."""
    return send(request, status, "text/plain; charset=utf-8", text.encode() + b"\n", **headers)


def not_found(request: Request) -> bytes:
    """404 in JSON, for programs."""
    error = {"error": {"message": "Not Found", "type": "not_found"}}
    return send_json(request, 404, error)


def not_allowed(request: Request, allowed: str) -> bytes:
    """405, saying what is allowed."""
    return send_text(request, 405, "Method Not Allowed", Allow=allowed)


def too_many(busy: Busy) -> str:
    """The body of a 429: what one limit or another has to say."""
    wait_ms = busy.retry_after_ms or 0
    error = {"message": busy.message, "type": "rate_limited", "retryAfterMs": wait_ms}
    return encode({"error": error}).decode()


def locked_out(request: Request, wait_ms: int) -> bytes:
    """429 for who failed to authenticate too often."""
    error = {
        "message": "Too many failed authentication attempts (retry later)",
        "type": "auth_rate_limited",
        "retryAfterMs": wait_ms,
    }
    request.setHeader("Retry-After", str(-(-wait_ms // 1000)))
    return send_json(request, 429, {"error": error})


def unauthorized(request: Request) -> bytes:
    """401 in JSON."""
    error = {"error": {"message": "Unauthorized", "type": "unauthorized"}}
    return send_json(request, 401, error)
