"""Frames as a client reads and writes them; as strict as official clients, so that ours notice."""

from typing import Any, NoReturn

import msgspec
from msgspec import UNSET, UnsetType

from openclaw.client.errors import RequestFailed
from openclaw.protocol.base import encode
from openclaw.protocol.frames import ErrorBody


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag="res", tag_field="type"):
    """The gateway's answer to one request."""

    id: str
    ok: bool
    payload: Any = None
    error: ErrorBody | UnsetType = UNSET

    def fail(self, error: type[RequestFailed] = RequestFailed) -> NoReturn:
        """Raise what an answer with ``ok: false`` says."""
        body = self.error or ErrorBody(code="UNAVAILABLE", message="the gateway gave no reason")
        raise error(
            body.code,
            body.message,
            body.details or None,
            retryable=body.retryable is True,
            retry_after_ms=body.retry_after_ms or None,
            payload=self.payload,
        )


class Event(msgspec.Struct, frozen=True, kw_only=True, tag="event", tag_field="type"):
    """Something the gateway tells; targeted events carry no ``seq``."""

    event: str
    payload: Any = None
    seq: int | UnsetType = UNSET


_decoder = msgspec.json.Decoder(Answer | Event)


def decode_frame(text: bytes) -> Answer | Event:
    """Decode one frame from the gateway.

    :raises ValueError: it is not JSON, or not a frame that official clients would accept.
    """
    frame: Answer | Event = _decoder.decode(text)
    return frame


def is_accepted(payload: object) -> bool:
    """Whether an answer only says that the work was taken; another one follows."""
    return isinstance(payload, dict) and payload.get("status") == "accepted"


def encode_request(request_id: str, method: str, params: object) -> bytes:
    """One request frame; ``params`` of ``None`` are left out."""
    frame = {"type": "req", "id": request_id, "method": method}
    return encode(frame if params is None else {**frame, "params": params})
