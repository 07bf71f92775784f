"""What a refusal of a provider means: the kind of error, and when to come back; no words."""

from email.utils import parsedate_to_datetime

KINDS = {
    401: "auth",
    402: "auth",
    403: "auth",
    408: "timeout",
    425: "rate_limit",
    429: "rate_limit",
    504: "timeout",
    524: "timeout",
}
"""Statuses with a meaning of their own; the rest follows from the hundreds."""

REASONS = {402: "billing", 404: "model_not_found"}
"""Reasons to ask another model that say more than the kind does."""

LONGEST_WAIT_MS = 24 * 3600 * 1000


def kind_of(status: int) -> str:
    """The kind of :class:`openclaw.errors.ModelError` for an HTTP status."""
    if status in KINDS:
        return KINDS[status]
    if status >= 500:
        return "overloaded"
    return "invalid" if status >= 300 else "unknown"


def reason_of(status: int) -> str:
    """The ``failover_reason`` for an HTTP status; empty if the kind says it all."""
    return REASONS.get(status, "")


def retry_after_ms(milliseconds: str, after: str, now: float) -> int | None:
    """Read the headers that say when to come back.

    :param milliseconds: ``retry-after-ms``, which some providers send beside the standard one.
    :param after: ``Retry-After``: seconds, or a date.
    :param now: Unix seconds.
    :return: milliseconds from now, at most a day; ``None`` if neither header makes sense.
    """
    for text, factor in ((milliseconds, 1), (after, 1000)):
        try:
            return _bounded(float(text) * factor)
        except (ValueError, OverflowError):
            continue
    try:
        return _bounded((parsedate_to_datetime(after).timestamp() - now) * 1000)
    except (ValueError, TypeError, OverflowError):
        return None


def _bounded(milliseconds: float) -> int:
    return max(0, min(round(milliseconds), LONGEST_WAIT_MS))
