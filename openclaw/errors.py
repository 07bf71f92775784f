"""Every exception of the gateway, with its wire code, whether a retry helps, and the next step."""

from collections.abc import Mapping
from typing import ClassVar

Details = Mapping[str, object]


class GatewayError(Exception):
    """Something that is answered to a client as an error object.

    :ivar message: words for the client; never holds a secret.
    :ivar details: finer meaning, ``details["code"]`` where the protocol names one.
    :ivar retry_after_ms: milliseconds after which a retry makes sense, if known.
    """

    code: ClassVar[str] = "UNAVAILABLE"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        details: Details | None = None,
        *,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.retry_after_ms = retry_after_ms


class InvalidRequest(GatewayError):
    """The request can never succeed as it was sent."""

    code = "INVALID_REQUEST"


class FrameError(InvalidRequest):
    """The text is not a request frame.

    :ivar request_id: the id to answer with, exactly as sent; ``"invalid"`` if there was none.
    :ivar is_json: false if the text was not JSON at all.
    """

    def __init__(self, message: str, request_id: object = "invalid", is_json: bool = True) -> None:
        super().__init__(f"invalid request frame: {message}")
        self.request_id = request_id
        self.is_json = is_json


class Forbidden(GatewayError):
    """The connection lacks the right to do this."""

    code = "FORBIDDEN"


class MissingScope(Forbidden):
    """A method needs a scope that the connection was not granted."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"missing scope: {scope}",
            {"code": "MISSING_SCOPE", "missingScope": scope, "requiredScopes": [scope]},
        )


class NotPaired(GatewayError):
    """The device is unknown, or not approved for what it asks."""

    code = "NOT_PAIRED"


class ApprovalNotFound(GatewayError):
    """There is no such question to a person, or not any longer."""

    code = "APPROVAL_NOT_FOUND"


class Unavailable(GatewayError):
    """The gateway cannot do it now."""


class Busy(Unavailable):
    """A bounded queue is full; the same request succeeds later."""

    retryable = True


class StoreError(Unavailable):
    """The journal could not make something durable."""

    retryable = True


class KeyMissing(StoreError):
    """The journal is sealed, and there is nothing to open it with; ends the start."""

    retryable = False
    exit_status = 78


class KeyWrong(StoreError):
    """The journal was sealed with another key; ends the start."""

    retryable = False


class ModelError(Unavailable):
    """A model provider refused, broke off or fell silent.

    :ivar kind: ``auth``, ``rate_limit``, ``timeout``, ``overloaded``, ``invalid``, ``network``,
        ``stream`` or ``unknown``.
    :ivar failover_reason: why another model might answer, in the protocol's words: ``auth``,
        ``billing``, ``rate_limit``, ``overloaded``, ``timeout``, ``model_not_found``, ``format``
        (none would) or ``unknown``.
    """

    _REASONS: ClassVar = {"invalid": "format", "network": "timeout", "stream": "unknown"}

    def __init__(
        self,
        message: str,
        *,
        kind: str = "unknown",
        provider: str = "",
        model: str = "",
        retry_after_ms: int | None = None,
        failover_reason: str = "",
    ) -> None:
        super().__init__(message, retry_after_ms=retry_after_ms)
        self.kind = kind
        self.provider = provider
        self.model = model
        self.failover_reason = failover_reason or self._REASONS.get(kind, kind)


class DeliveryError(GatewayError):
    """A chat platform did not take something, or nobody knows whether it did.

    :ivar kind: ``never`` or ``unknown``.
    """

    def __init__(self, message: str, *, kind: str) -> None:
        code = "DELIVERY_UNKNOWN" if kind == "unknown" else "DELIVERY_REFUSED"
        super().__init__(message, {"code": code})
        self.kind = kind


class ConnectRefused(GatewayError):
    """A handshake that ends with an error answer and a close.

    :ivar wire_code: the answer's ``error.code``.
    :ivar close_code: the WebSocket close code.
    :ivar reason: the close reason; the message unless the protocol adds something.
    """

    def __init__(
        self,
        message: str,
        details: Details | None = None,
        *,
        wire_code: str = "INVALID_REQUEST",
        close_code: int = 1008,
        reason: str | None = None,
        retryable: bool = False,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message, details, retry_after_ms=retry_after_ms)
        self.wire_code = wire_code
        self.close_code = close_code
        self.reason = message if reason is None else reason
        self.retry = retryable


class StartError(Exception):
    """The gateway cannot start.

    :ivar exit_status: the process's exit status.
    """

    exit_status: ClassVar[int] = 1


class ConfigError(StartError):
    """A configuration that cannot be used.

    :ivar path: JSON path of the offending value, such as ``gateway.port``; empty for the file.
    """

    exit_status = 78

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class PortInUse(StartError):
    """Somebody else listens on our port.

    :ivar owner: who, in words such as ``python3 (pid 42)``; empty if it cannot be told.
    """

    def __init__(self, port: int, owner: str = "") -> None:
        held = f"\nHeld by {owner}." if owner else ""
        super().__init__(f"Error: Port {port} is already in use{held}")
        self.port = port
        self.owner = owner
