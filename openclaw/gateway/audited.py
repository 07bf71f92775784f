"""Notes what operators decide through methods; the methods themselves know nothing of it."""

from collections.abc import Coroutine, Mapping
from typing import Any

from twisted.internet.defer import Deferred

from openclaw.deferreds import deferred
from openclaw.errors import GatewayError
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.audit import Detail, IAudit

_GROUPS = frozenset(
    (
        *("device", "node", "pairing", "mfa", "encryption"),
        *("gateway", "config", "secrets", "exec", "plugin"),
    )
)
# Whole conversations leave the gateway, or are opened: so these are noted as well.
_ALSO = frozenset(("sessions.export", "sessions.unseal"))
_LOOKS = frozenset(("list", "status", "get", "describe", "schema", "lookup"))
# Params that say what a decision was about; a code or a token is never among them.
_TOLD = (
    "request_id",
    "device_id",
    "role",
    "scopes",
    "channel",
    "account",
    "sender_id",
    "path",
    "key",
)


def audited(handlers: Mapping[str, Handler], audit: IAudit) -> dict[str, Handler]:
    """Put a note beside every method that changes who may do what."""
    return {
        name: _noting(name, handler, audit) if is_audited(name) else handler
        for name, handler in handlers.items()
    }


def is_audited(name: str) -> bool:
    """Whether calls of a method are noted: it belongs to security, and does more than look."""
    parts = name.split(".")
    return name in _ALSO or (parts[0] in _GROUPS and parts[-1] not in _LOOKS)


def _noting(name: str, handler: Handler, audit: IAudit) -> Handler:
    def handle(client: Client, params: Any) -> Any:
        def done(outcome: str) -> None:
            told = {field: getattr(params, field, None) for field in _TOLD}
            detail: dict[str, Detail] = {
                field: value if isinstance(value, str) else tuple(value)
                for field, value in told.items()
                if isinstance(value, str | list | tuple) and value
            }
            subject = client.admitted.device_id or client.peer.address
            audit.note(name, subject, outcome=outcome, address=client.peer.address, **detail)

        try:
            result = handler(client, params)
        except Exception as error:
            done(_outcome(error))
            raise
        if isinstance(result, Deferred | Coroutine):
            return _wait(result, done)
        done("ok")
        return result

    return handle


@deferred
async def _wait(result: Any, done: Any) -> Any:
    try:
        value = await result
    except Exception as error:
        done(_outcome(error))
        raise
    done("ok")
    return value


def _outcome(error: Exception) -> str:
    """A refusal's code; of what else went wrong only that it did."""
    if not isinstance(error, GatewayError):
        return "failed"
    return str((error.details or {}).get("code") or error.code)
