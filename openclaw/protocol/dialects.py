"""The two older dialects, translated to native frames and back; native ones never pass here."""

from typing import Any

import msgspec

from openclaw.errors import FrameError
from openclaw.protocol.base import encode
from openclaw.protocol.frames import TOO_DEEP, Request
from openclaw.protocol.validation import explain

_REQUEST_KEYS = frozenset({"type", "id", "method", "params", "data", "target"})


def read_seed_request(text: bytes, conn_id: str) -> Request:
    """Read one request of an older dialect as the native request it means.

    ``data`` stands for ``params``; ``message.send`` and ``agent.run`` are other names; a missing
    idempotency key is made from the connection and the request id.

    :raises FrameError: it is no request frame, or ``params`` and ``data`` disagree.
    """
    try:
        frame = msgspec.json.decode(text)
    except msgspec.ValidationError as error:
        raise FrameError(explain(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise FrameError("not JSON", is_json=False) from None
    except RecursionError:
        raise FrameError(TOO_DEEP) from None
    request_id, method = _frame_parts(frame)
    params, data = frame.get("params"), frame.get("data")
    if params is not None and data is not None and params != data:
        raise FrameError("params and data disagree: send one of them", request_id)
    asked = params if params is not None else data
    asked = dict(asked) if isinstance(asked, dict) else {}
    method, asked = _rename(method, asked, frame.get("target"))
    if method in ("send", "agent", "chat.send"):
        asked.setdefault("idempotencyKey", f"{conn_id}:{request_id}")
    return Request(type="req", id=request_id, method=method, params=msgspec.Raw(encode(asked)))


def _frame_parts(frame: Any) -> tuple[str, str]:
    """The id and the method of a frame that is one."""
    if not isinstance(frame, dict):
        raise FrameError("must be object")
    request_id, method = frame.get("id"), frame.get("method")
    if not isinstance(request_id, str) or not request_id:
        raise FrameError("must have required property 'id'")
    if frame.get("type") != "req":
        raise FrameError("at /type: must be equal to constant", request_id)
    if not isinstance(method, str) or not method:
        raise FrameError("must have required property 'method'", request_id)
    if unknown := sorted(frame.keys() - _REQUEST_KEYS):
        raise FrameError(f"at root: unexpected property '{unknown[0]}'", request_id)
    return request_id, method


def _rename(method: str, params: dict[str, Any], target: Any) -> tuple[str, dict[str, Any]]:
    if method == "message.send":
        renamed = {"recipient": "to", "text": "message"}
        return "send", {renamed.get(name, name): value for name, value in params.items()}
    if method == "agent.run":
        if isinstance(target, str):
            return "node.invoke", {"nodeId": target, **params}
        return "agent", params
    return method, params


def seed_frame(text: bytes) -> bytes:
    """Add to a native answer or event what the older dialects expect beside it."""
    frame = msgspec.json.decode(text)
    if "payload" in frame:
        if frame["type"] == "event" and frame["event"] == "agent":
            frame["payload"] = _with_content(frame["payload"])
        frame["data"] = frame["payload"]
    if frame["type"] == "res" and frame["ok"]:
        frame["error"] = None
    return encode(frame)


def _with_content(payload: dict[str, Any]) -> dict[str, Any]:
    """Say a step of a run in two words, ``type`` and ``content``, beside stream and data."""
    data = payload.get("data") or {}
    stream = payload.get("stream")
    if stream == "assistant":
        return payload | {"type": "text", "content": data.get("delta", "")}
    return payload | {"type": "thinking", "content": str(data.get("phase", ""))}


def seed_hello(hello: bytes, request_id: str | None) -> bytes:
    """Turn the answer to ``connect`` into the older dialects' hello, a superset of both."""
    frame = msgspec.json.decode(hello)
    payload = frame["payload"]
    channels = payload["snapshot"]["health"].get("channels", {})
    payload["status"] = "hello-ok"
    payload["features"]["methods"] += ["agent.run", "message.send"]
    payload["health"] = {"gateway": "running", "channels": channels}
    payload["snapshot"]["state"] = {"uptimeMs": payload["snapshot"]["uptimeMs"]}
    if request_id is None:
        del frame["id"]
    frame["data"] = payload
    frame["error"] = None
    return encode(frame)
