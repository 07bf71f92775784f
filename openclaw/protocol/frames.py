"""Frames: text in, request out; answers and events to text. The socket is elsewhere."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from openclaw.errors import FrameError, GatewayError
from openclaw.protocol.base import UNSET, Raw, UnsetType, Wire, encode
from openclaw.protocol.validation import explain

Text = Annotated[str, Meta(min_length=1)]
TOO_DEEP = "nested too deeply"


class Request(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, gc=False
):
    """One request frame; ``params`` stays text until the method is known."""

    type: Literal["req"]
    id: Text
    method: Text
    params: Raw | UnsetType = UNSET
    traceparent: str | UnsetType = UNSET
    expected_profile_id: str | UnsetType = UNSET


class ErrorBody(Wire, frozen=True, kw_only=True):
    """The ``error`` of a refused request."""

    code: str
    message: str
    details: dict[str, Any] | UnsetType = UNSET
    retryable: bool | UnsetType = UNSET
    retry_after_ms: int | UnsetType = UNSET


class Response(Wire, frozen=True, kw_only=True):
    """A response frame; exactly one of payload and error, but for a failed final ``agent``."""

    type: Literal["res"] = "res"
    id: Any
    ok: bool
    payload: Any | UnsetType = UNSET
    error: ErrorBody | UnsetType = UNSET


class Event(Wire, frozen=True, kw_only=True):
    """An event frame; targeted events carry no ``seq``."""

    type: Literal["event"] = "event"
    event: str
    payload: Any | UnsetType = UNSET
    seq: int | UnsetType = UNSET


_NEEDED = ("type", "id", "method")
_KNOWN = frozenset({*_NEEDED, "params", "traceparent", "expectedProfileId"})
_request_decoder = msgspec.json.Decoder(Request)
_any_decoder = msgspec.json.Decoder()


def decode_request(text: bytes) -> Request:
    """Decode one request frame in one pass.

    :raises FrameError: not JSON, or not a request frame; says what and where.
    """
    try:
        return _request_decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _bad_frame(text, explain(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise FrameError("not JSON", is_json=False) from None
    except RecursionError:
        raise FrameError(TOO_DEEP) from None


def _bad_frame(text: bytes, explained: str) -> FrameError:
    """Name one fault of each kind, in the order and the words official clients know."""
    try:
        frame = _any_decoder.decode(text)
    except (msgspec.ValidationError, RecursionError):  # JSON, with a number or a depth beyond us.
        return FrameError(explained)
    except (msgspec.DecodeError, UnicodeDecodeError):  # Bad before its end was read.
        return FrameError("not JSON", is_json=False)
    if not isinstance(frame, dict):
        return FrameError(explained)
    missing = [name for name in _NEEDED if name not in frame]
    unknown = [name for name in frame if name not in _KNOWN]
    faults = [f"must have required property '{name}'" for name in missing[:1]]
    faults += [f"at root: unexpected property '{name}'" for name in unknown[:1]]
    if "type" in frame and frame["type"] != "req":
        faults.append("at /type: must be equal to constant")
    request_id = frame.get("id")
    usable = isinstance(request_id, str | int | float) and request_id != ""
    return FrameError("; ".join(faults) or explained, request_id if usable else "invalid")


def error_body(error: GatewayError) -> ErrorBody:
    """Put an exception into its wire shape."""
    return ErrorBody(
        code=error.code,
        message=error.message,
        details=dict(error.details) if error.details else UNSET,
        retryable=True if error.retryable else UNSET,
        retry_after_ms=UNSET if error.retry_after_ms is None else error.retry_after_ms,
    )


def encode_ok(request_id: str, payload: object) -> bytes:
    """A response that says yes; ``payload`` may already be JSON text (``Raw``)."""
    text = payload if type(payload) is Raw else encode(payload)
    return b'{"type":"res","id":%b,"ok":true,"payload":%b}' % (encode(request_id), text)


def encode_refused(request_id: object, body: ErrorBody, payload: object = UNSET) -> bytes:
    """A response that says no; a failed final ``agent`` carries its payload beside the error."""
    return encode(Response(id=request_id, ok=False, payload=payload, error=body))


class EventText:
    """One event, encoded once for every receiver; only ``seq`` differs between them."""

    __slots__ = ("_head", "_tail", "targeted")

    def __init__(self, event: str, payload: object, state_version: object = None) -> None:
        text = payload if type(payload) is Raw else encode(payload)
        head = b'{"type":"event","event":%b,"payload":%b' % (encode(event), text)
        self._tail = b"}"
        if state_version is not None:
            self._tail = b',"stateVersion":%b}' % encode(state_version)
        self._head = head
        self.targeted = head + self._tail

    def numbered(self, seq: int) -> bytes:
        """The frame for one connection."""
        return b'%b,"seq":%d%b' % (self._head, seq, self._tail)
