"""What goes wrong, in the words and with the status that clients of this API know."""

from openclaw.errors import Busy, GatewayError, InvalidRequest, ModelError, Unavailable
from openclaw.http.openai.shape import Shape
from openclaw.interfaces.conversations import RunRecord

INVALID = "invalid_request_error"

# What became of the model's provider. Clients repeat 409, 429 and all of 5xx by themselves.
_OF_KINDS = {
    "auth": (502, "upstream_error"),
    "invalid": (400, INVALID),
    "rate_limit": (429, "rate_limit_error"),
    "overloaded": (503, "upstream_error"),
    "timeout": (504, "timeout"),
    "interrupted": (503, "interrupted"),
}
_OTHERS = (502, "upstream_error")


class ErrorDetail(Shape, frozen=True, kw_only=True):
    """What went wrong.

    :ivar param: the field that is not as it should be.
    """

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(Shape, frozen=True, kw_only=True):
    """The body of every answer that is no success."""

    error: ErrorDetail


class Refused(Exception):
    """A request that is answered with an error.

    :ivar status: HTTP status.
    :ivar retry_after_ms: when the same request makes sense again; ``None`` if nobody knows.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = INVALID,
        param: str | None = None,
        code: str | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_ms = retry_after_ms
        self.body = ErrorBody(error=ErrorDetail(message=message, type=kind, param=param, code=code))


class HungUp(Exception):
    """The client is gone, and nobody waits for an answer."""


def refusal_of(error: GatewayError) -> Refused:
    """The answer to a failure of ours."""
    if isinstance(error, ModelError):
        status, kind = _OF_KINDS.get(error.kind, _OTHERS)
    elif isinstance(error, Busy):
        status, kind = 429, "rate_limit_error"
    elif isinstance(error, InvalidRequest):
        status, kind = 400, INVALID
    elif isinstance(error, Unavailable):
        status, kind = 503, "server_error"
    else:
        status, kind = 403, "forbidden"
    return Refused(error.message, status=status, kind=kind, retry_after_ms=error.retry_after_ms)


def refusal_of_record(record: RunRecord) -> Refused:
    """The answer for a run that has none of its own."""
    if record.stop_reason == "rpc":
        # None of the statuses that a client repeats: somebody wanted it to end.
        return Refused("the run was stopped", kind="aborted", code="run_aborted")
    status, kind = _OF_KINDS.get(record.error_kind, _OTHERS)
    return Refused(record.error or record.final.summary, status=status, kind=kind)
