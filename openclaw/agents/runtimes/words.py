"""An upstream's own words, found in whatever it sent, and the kind of error they name."""

from typing import Any

import msgspec

from openclaw.agents.runtimes.refusal import kind_of

MAX_WORDS = 500
"""Characters of an upstream's words that are passed on."""

KINDS = {
    "overloaded_error": "overloaded",
    "api_error": "overloaded",
    "server_error": "overloaded",
    "internal_server_error": "overloaded",
    "rate_limit_error": "rate_limit",
    "rate_limit_exceeded": "rate_limit",
    "insufficient_quota": "rate_limit",
    "authentication_error": "auth",
    "permission_error": "auth",
    "invalid_api_key": "auth",
    "billing_error": "auth",
    "timeout_error": "timeout",
    "invalid_request_error": "invalid",
    "invalid_prompt": "invalid",
    "not_found_error": "invalid",
    "context_length_exceeded": "invalid",
}
"""Kinds of :class:`openclaw.errors.ModelError` for the ``type`` or ``code`` of an error."""

REASONS = {
    "insufficient_quota": "billing",
    "billing_error": "billing",
    "billing_hard_limit_reached": "billing",
    "model_not_found": "model_not_found",
    "not_found_error": "model_not_found",
}
"""Words that say more of the reason than the kind does."""

_anything = msgspec.json.Decoder()


def error_words(body: bytes) -> str:
    """Find an upstream's own words in the body of an error, or in an ``error`` member.

    :return: one line, or an empty text if there are none that a person could read.
    """
    try:
        found = _search(_anything.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = body.decode("utf-8", "replace").strip()
        # A page of HTML is for browsers, and says nothing about the model.
        found = "" if text.startswith("<") else text
    return " ".join(found.split())


def error_labels(body: bytes) -> tuple[str, ...]:
    """Find the machine's words, ``code`` and ``type``, in the body of an error."""
    value = _error(body)
    found = (value.get("code"), value.get("type"))
    return tuple(label for label in found if isinstance(label, str))


def kind_of_code(body: bytes) -> str:
    """The kind that the number of an error says; empty if it says none.

    Only numbers that blame the request or the key do: those from 500 on may be gone in a moment.
    """
    code = _error(body).get("code")
    return kind_of(code) if isinstance(code, int) and 400 <= code < 500 else ""


def kind_of_labels(labels: tuple[str, ...]) -> str:
    """The kind that the machine's words say; empty if they say none."""
    return next((KINDS[label] for label in labels if label in KINDS), "")


def is_bill(words: str) -> bool:
    """Whether an upstream says that its account is empty; Anthropic says so as a wrong request."""
    return "credit balance is too low" in words.casefold()


def reason_of_labels(labels: tuple[str, ...]) -> str:
    """The reason that the machine's words say; empty if the kind says it all."""
    return next((REASONS[label] for label in labels if label in REASONS), "")


def _error(body: bytes) -> dict[str, Any]:
    """The object that describes an error; empty if there is none."""
    try:
        value = _anything.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    if isinstance(value, dict) and isinstance(value.get("error"), dict):
        value = value["error"]
    return value if isinstance(value, dict) else {}


def _search(value: Any, depth: int = 4) -> str:
    """Look through the places where servers put their words, the likeliest first."""
    if isinstance(value, str):
        return value
    if depth == 0 or not value:
        return ""
    if isinstance(value, list):
        return _search(value[0], depth - 1)
    if not isinstance(value, dict):
        return ""
    for key in ("error", "message", "detail", "msg", "reason", "code", "type"):
        found = _search(value.get(key), depth - 1)
        if found:
            return found
    return ""
