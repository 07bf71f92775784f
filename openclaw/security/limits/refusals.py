"""What a client is told that asks for too much: one form for every limit on requests."""

from openclaw.errors import Busy

CODE = "RATE_LIMITED"


def rate_limited(what: str, limit: str, layer: str, wait_ms: int) -> Busy:
    """One request too many.

    :param what: the method, or what else was asked for.
    :param limit: the limit in words.
    :param layer: which limit it was: ``connection``, ``address``, ``gateway``, ``work`` or
        ``writes``.
    :param wait_ms: milliseconds after which the same request succeeds.
    """
    return Busy(
        f"rate limit exceeded for {what}; retry after {-(-wait_ms // 1000)}s",
        {"code": CODE, "method": what, "limit": limit, "layer": layer},
        retry_after_ms=wait_ms,
    )
