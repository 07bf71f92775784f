"""Turns a client's failure into words that name the place, the cause and the next step."""

from openclaw.cli.discovery import Target
from openclaw.cli.problems import Problem
from openclaw.client.errors import (
    ClientError,
    ConnectionLost,
    ConnectRefusedByGateway,
    GatewayUnreachable,
    NoAnswer,
    RequestFailed,
    UnsafeAddress,
    UntrustedCertificate,
)

_WRONG_SECRET = frozenset({"AUTH_TOKEN_MISMATCH", "AUTH_PASSWORD_MISMATCH"})
_NO_SECRET = frozenset({"AUTH_TOKEN_MISSING", "AUTH_PASSWORD_MISSING", "DEVICE_IDENTITY_REQUIRED"})
_REFUSALS = {
    "AUTH_RATE_LIMITED": (
        "has seen too many wrong credentials from this address",
        "Wait a few minutes, then try again with the right token.",
    ),
    "PAIRING_REQUIRED": (
        "does not know this device yet",
        "On the gateway's machine, look at the request with: openclaw devices list",
    ),
    "CONTROL_UI_ORIGIN_NOT_ALLOWED": (
        "does not accept this origin",
        "Add it to gateway.controlUi.allowedOrigins in the gateway's configuration.",
    ),
    "PROTOCOL_MISMATCH": (
        "speaks another version of the protocol",
        "Bring gateway and command line to the same release: openclaw version",
    ),
}
_CLOSED = {
    1012: ("is restarting or stopping", "GATEWAY_RESTARTING"),
    1013: ("is still starting", "GATEWAY_STARTING"),
}


def explain(error: ClientError, target: Target) -> Problem:
    """Say what a failure means for whoever typed the command."""
    if isinstance(error, GatewayUnreachable):
        return _unreachable(error, target)
    if isinstance(error, ConnectRefusedByGateway):
        return _refused(error, target)
    if isinstance(error, RequestFailed):
        return Problem(error.message, _advice(error), code=error.code, details=error.details)
    if isinstance(error, ConnectionLost):
        return _lost(error, target)
    if isinstance(error, UntrustedCertificate):
        return _untrusted(error)
    if isinstance(error, UnsafeAddress):
        return Problem(f"Not connecting: {error}", code="UNSAFE_ADDRESS")
    if isinstance(error, NoAnswer):
        return Problem(
            f"The gateway at {target.address.url} does not answer: {error}.",
            "It may be busy: try --timeout 60s, and look at: openclaw logs",
            code="NO_ANSWER",
        )
    return Problem(f"{target.address.url}: {error}.", code="NOT_A_GATEWAY")


def _untrusted(error: UntrustedCertificate) -> Problem:
    details = {"fingerprint": error.seen} if error.seen else {}
    shown = f" It is sha256 {error.seen}." if error.seen else ""
    if error.pinned:
        return Problem(
            f"Not connecting: {error}.{shown} Nothing was sent.",
            "Somebody may be in between. If the gateway's certificate was changed, compare this "
            "fingerprint with what `openclaw status` shows on the gateway's own machine, then "
            "correct --tls-fingerprint or gateway.remote.tlsFingerprint.",
            code="TLS_FINGERPRINT_MISMATCH",
            details=details,
        )
    return Problem(
        f"Not connecting: {error}.{shown} Nothing was sent.",
        "If that is the fingerprint that `openclaw status` shows on the gateway's own machine, "
        "give it with --tls-fingerprint, or keep it in gateway.remote.tlsFingerprint.",
        code="TLS_UNTRUSTED",
        details=details,
    )


def _unreachable(error: GatewayUnreachable, target: Target) -> Problem:
    through = f" through ssh {target.ssh}" if target.ssh else ""
    looked = f"{target.address.url}{through} (from {target.source})"
    if not error.nobody_listens:
        return Problem(
            f"Cannot reach a gateway at {looked}: {error.why}.",
            "Check the address, and what listens there.",
            code="GATEWAY_UNREACHABLE",
        )
    if not target.on_this_machine:
        return Problem(
            f"No gateway listens at {looked}.",
            "Check the address, and that the gateway there listens on more than loopback.",
            code="GATEWAY_DOWN",
        )
    gone = f" The last one, pid {target.gone_pid}, has ended." if target.gone_pid else ""
    return Problem(
        f"The gateway is not running: nothing listens at {looked}.{gone}",
        "Start it with: openclaw gateway",
        code="GATEWAY_DOWN",
    )


def _lost(error: ConnectionLost, target: Target) -> Problem:
    url = target.address.url
    if error.code in _CLOSED:
        words, code = _CLOSED[error.code]
        step = "Try again in a moment, or look at: openclaw status"
        return Problem(f"The gateway at {url} {words}.", step, code=code)
    return Problem(
        f"The gateway at {url} ended the connection: {error}.",
        "Look at: openclaw logs",
        code="CONNECTION_LOST",
    )


def _refused(error: ConnectRefusedByGateway, target: Target) -> Problem:
    code = error.detail_code or error.code
    has_secret = bool(target.secret.token or target.secret.password)
    if code in _WRONG_SECRET:
        words, step = _wrong_secret(target)
    elif code in _NO_SECRET and not has_secret:
        words, step = _no_secret(target)
    else:
        words, step = _REFUSALS.get(code, (f"refused the connection: {error.message}", ""))
    return Problem(
        f"The gateway at {target.address.url} {words}.",
        step or error.next_step or _advice(error),
        code=code,
        details=error.details,
    )


def _wrong_secret(target: Target) -> tuple[str, str]:
    secret = target.secret
    kind = "password" if secret.password else "token"
    step = {
        "option": f"Check what you gave with --{kind}.",
        "environment": f"Correct {secret.source}, or unset it to use the {kind} of this machine.",
        "config": "The running gateway may have been started with another one: restart it, "
        "or pass the right one with --token.",
        "file": "The running gateway uses another one: was it started with --token, or from "
        "another state directory? Pass --token or --state-dir.",
    }.get(secret.kind, "Pass the right one with --token.")
    return f"refused the {kind} from {secret.source}", step


def _no_secret(target: Target) -> tuple[str, str]:
    if not target.on_this_machine:
        return (
            "wants a token, and none was given",
            "Pass --token or set OPENCLAW_GATEWAY_TOKEN; "
            "a token found on this machine is never sent to another one.",
        )
    return (
        "wants a token, and none was found: not in --token, OPENCLAW_GATEWAY_TOKEN, "
        f"{target.places.config_path} or {target.places.token_path}",
        "Pass --token, or name the gateway's state directory with --state-dir.",
    )


def _advice(error: RequestFailed) -> str:
    if isinstance(scope := error.details.get("missingScope"), str):
        return f"The connection was not granted {scope}."
    if error.retry_after_ms:
        return f"Try again in {max(1, round(error.retry_after_ms / 1000))} s."
    step = error.details.get("next")
    return step if isinstance(step, str) else ""
