"""Requests of Slack in HTTP mode: whose they are and what is in them; nothing is done about it.

See https://docs.slack.dev/authentication/verifying-requests-from-slack.
"""

import hmac
from hashlib import sha256
from typing import Literal
from urllib.parse import parse_qs

from attrs import frozen

from openclaw.channels.platforms.slack.api import Answer, decoded
from openclaw.interfaces.channels import WebhookAnswer, WebhookRequest

WINDOW_SECONDS = 300

Kind = Literal["events_api", "slash_commands", "interactive", "url_verification", "ssl_check"]


@frozen(kw_only=True)
class Told:
    """What a request says, in the words of Socket Mode's envelopes."""

    kind: Kind
    payload: Answer


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of ``X-Slack-Signature``, made over the raw body."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, sha256).hexdigest()


def is_signed(request: WebhookRequest, secret: str, now_ms: int) -> bool:
    """Whether a request comes from Slack, and is not an old one that somebody kept."""
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    given = request.headers.get("x-slack-signature", "")
    if not secret.strip() or not timestamp.isascii() or not timestamp.isdigit():
        return False
    if len(timestamp) > 12 or abs(now_ms // 1000 - int(timestamp)) > WINDOW_SECONDS:
        return False
    expected = signature(secret, timestamp, request.body)
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def understood(request: WebhookRequest) -> Told | WebhookAnswer:
    """Understand a request that is signed; an answer if there is nothing to understand."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _event(request.body)
    if kind == "application/x-www-form-urlencoded":
        return _form(request.body)
    return refusal(415, "expected application/json or application/x-www-form-urlencoded")


def _event(body: bytes) -> Told | WebhookAnswer:
    payload = decoded(body)
    if payload is None:
        return refusal(400, "expected a JSON object")
    if payload.get("type") == "url_verification":
        return Told(kind="url_verification", payload=payload)
    return Told(kind="events_api", payload=payload)


def _form(body: bytes) -> Told | WebhookAnswer:
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=200)
    except (UnicodeDecodeError, ValueError):
        return refusal(400, "expected a form")
    first = {name: values[0] for name, values in fields.items()}
    if "ssl_check" in first:
        return Told(kind="ssl_check", payload=dict(first))
    if "payload" in first:
        payload = decoded(first["payload"].encode())
        if payload is None:
            return refusal(400, "payload: expected a JSON object")
        return Told(kind="interactive", payload=payload)
    if "command" in first:
        return Told(kind="slash_commands", payload=dict(first))
    return refusal(400, "expected a command or a payload")


def refusal(status: int, why: str, **headers: str) -> WebhookAnswer:
    """An answer that says no."""
    return WebhookAnswer(status=status, body=why.encode(), headers=headers)
