"""What ended a connection, in words for people; decides nothing."""

from service_identity import VerificationError
from twisted.internet.error import ConnectionDone


def innermost(error: BaseException) -> BaseException:
    """Twisted wraps what happened in ``reasons``: the first of the first is the cause."""
    reasons = getattr(error, "reasons", None)
    while reasons:
        error = reasons[0].value
        reasons = getattr(error, "reasons", None)
    return error


def words(error: BaseException) -> str:
    """What an exception says, or its name; OpenSSL says it in a list of triples."""
    if isinstance(error, ConnectionDone):  # Its own words, "closed cleanly", sound like no fault.
        return "it was closed before the end"
    if isinstance(error, VerificationError):
        return "its certificate is for another name"
    said = error.args[0] if error.args else None
    if isinstance(said, list):
        return "; ".join(str(entry[-1]) for entry in said if entry) or "TLS failed"
    return str(error).strip().rstrip(".") or type(error).__name__
