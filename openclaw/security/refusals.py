"""Every way a handshake is refused, in the words official clients match; decides nothing."""

from collections.abc import Sequence
from typing import Literal

from openclaw.errors import ConnectRefused
from openclaw.protocol.connect import MINIMUM_PROBE_PROTOCOL, PROTOCOL

Audience = Literal["local-cli", "remote-cli", "browser", "other"]
Secret = Literal["token", "password"]
Upgrade = Literal["not-paired", "role-upgrade", "scope-upgrade", "metadata-upgrade"]

SIGNATURE_INVALID = "DEVICE_AUTH_SIGNATURE_INVALID"

_HINTS: dict[Secret, dict[Audience, str]] = {
    "token": {
        "local-cli": "use this gateway's gateway.auth.token or pair the device",
        "remote-cli": "set gateway.remote.token to match gateway.auth.token",
        "browser": "open the address that openclaw dashboard prints",
        "other": "provide gateway auth token",
    },
    "password": {
        "local-cli": "use this gateway's gateway.auth.password",
        "remote-cli": "set gateway.remote.password to match gateway.auth.password",
        "browser": "enter the gateway password in the page's settings",
        "other": "provide gateway auth password",
    },
}
_SECRET_NEXT: dict[Secret, str] = {
    "token": "{} the gateway's own token, from OPENCLAW_GATEWAY_TOKEN, gateway.auth.token or "
    "gateway/gateway-token in its state directory; for a browser run `openclaw dashboard`.",
    "password": "{} the password that the gateway was configured with in gateway.auth.password.",
}
# Reason: tail of the message, remediation hint, next step.
_PAIRING: dict[Upgrade, tuple[str, str, str]] = {
    "not-paired": (
        "device is not approved yet",
        "Approve this device from the pending pairing requests.",
        "On the gateway's machine run `openclaw devices list`, then approve this request.",
    ),
    "role-upgrade": (
        "device is asking for a higher role than currently approved",
        "Review the requested role upgrade, then approve the pending request.",
        "On the gateway's machine run `openclaw devices list` and approve the new role.",
    ),
    "scope-upgrade": (
        "device is asking for more scopes than currently approved",
        "Review the requested scopes, then approve the pending upgrade.",
        "On the gateway's machine run `openclaw devices list` and approve the wider scopes.",
    ),
    "metadata-upgrade": (
        "device identity changed and must be re-approved",
        "Review the refreshed device details, then approve the pending request.",
        "On the gateway's machine run `openclaw devices list` and check the changed device.",
    ),
}


def protocol_mismatch(lowest: int, highest: int) -> ConnectRefused:
    """The client's protocol range does not contain ours."""
    details = {
        "code": "PROTOCOL_MISMATCH",
        "clientMinProtocol": lowest,
        "clientMaxProtocol": highest,
        "expectedProtocol": PROTOCOL,
        "minimumProbeProtocol": MINIMUM_PROBE_PROTOCOL,
        "next": f"Update the older of client and gateway; this gateway speaks {PROTOCOL}.",
    }
    return ConnectRefused("protocol mismatch", details, close_code=1002)


def invalid_role() -> ConnectRefused:
    """Neither operator nor node."""
    return ConnectRefused("invalid role")


def origin_not_allowed(reason: str) -> ConnectRefused:
    """A page that is neither ours nor allow-listed."""
    hint = "open the Control UI from the gateway host or allow it in"
    details = {
        "code": "CONTROL_UI_ORIGIN_NOT_ALLOWED",
        "reason": reason,
        "next": "Run `openclaw dashboard` on the gateway's machine and open the address it prints.",
    }
    words = f"origin not allowed ({hint} gateway.controlUi.allowedOrigins)"
    return ConnectRefused(words, details)


def browser_device_required() -> ConnectRefused:
    """A browser or full-screen client without a device key."""
    details = {
        "code": "CONTROL_UI_DEVICE_IDENTITY_REQUIRED",
        "next": "Open the page over HTTPS or from localhost, where browsers can keep a device key.",
    }
    words = "control ui requires device identity (use HTTPS or localhost secure context)"
    return ConnectRefused(words, details)


def device_required() -> ConnectRefused:
    """No device where one is needed."""
    details = {
        "code": "DEVICE_IDENTITY_REQUIRED",
        "next": "Connect with a signed device key, or from the gateway's machine with its token.",
    }
    return ConnectRefused("device identity required", details, wire_code="NOT_PAIRED")


def _bad_proof(words: str, code: str, reason: str, next_step: str) -> ConnectRefused:
    return ConnectRefused(words, {"code": code, "reason": reason, "next": next_step})


def device_id_mismatch() -> ConnectRefused:
    """The id is not the hash of the key, or the key is none."""
    return _bad_proof(
        "device identity mismatch",
        "DEVICE_AUTH_DEVICE_ID_MISMATCH",
        "device-id-mismatch",
        "Delete this client's stored device key, so that it makes a new one, and connect again.",
    )


def signature_expired() -> ConnectRefused:
    """Signed too long ago, or in the future."""
    return _bad_proof(
        "device signature expired",
        "DEVICE_AUTH_SIGNATURE_EXPIRED",
        "device-signature-stale",
        "Set the clocks: this device's differs from the gateway's by more than two minutes.",
    )


def nonce_mismatch() -> ConnectRefused:
    """Signed for another connection's challenge."""
    return _bad_proof(
        "device nonce mismatch",
        "DEVICE_AUTH_NONCE_MISMATCH",
        "device-nonce-mismatch",
        "Sign the nonce of this connection's own challenge; connect again.",
    )


def signature_invalid() -> ConnectRefused:
    """The key did not sign these params."""
    return _bad_proof(
        "device signature invalid",
        SIGNATURE_INVALID,
        "device-signature",
        "Update the client; what it signed is not what it sent.",
    )


def unauthorized(
    words: str,
    code: str,
    reason: str,
    step: str,
    next_step: str,
    retry_with_device: bool = False,
) -> ConnectRefused:
    """A credential that is not good.

    :param step: what official clients do next.
    :param next_step: what people do next.
    """
    details = {
        "code": code,
        "authReason": reason,
        "canRetryWithDeviceToken": retry_with_device,
        "recommendedNextStep": step,
        "next": next_step,
    }
    return ConnectRefused(f"unauthorized: {words}", details)


def secret_mismatch(secret: Secret, audience: Audience, device_is_paired: bool) -> ConnectRefused:
    """A wrong token or password.

    :param device_is_paired: the proven device has a token of its own to come back with.
    """
    return unauthorized(
        f"gateway {secret} mismatch ({_HINTS[secret][audience]})",
        f"AUTH_{secret.upper()}_MISMATCH",
        f"{secret}_mismatch",
        "retry_with_device_token" if device_is_paired else "update_auth_credentials",
        _SECRET_NEXT[secret].format("Replace what this client sends by"),
        device_is_paired,
    )


def secret_missing(secret: Secret, audience: Audience) -> ConnectRefused:
    """A device, but no credential."""
    return unauthorized(
        f"gateway {secret} missing ({_HINTS[secret][audience]})",
        f"AUTH_{secret.upper()}_MISSING",
        f"{secret}_missing",
        "update_auth_configuration",
        _SECRET_NEXT[secret].format("Give this client"),
    )


def device_token_mismatch() -> ConnectRefused:
    """A device token that is wrong, void, another device's or another role's."""
    return unauthorized(
        "device token mismatch (rotate/reissue device token)",
        "AUTH_DEVICE_TOKEN_MISMATCH",
        "device_token_mismatch",
        "update_auth_credentials",
        "Forget the stored device token and connect once with the gateway's token or a fresh code.",
    )


def device_token_required() -> ConnectRefused:
    """A paired device that came with the shared secret, where only its own token counts."""
    return unauthorized(
        "device token required (this gateway wants paired devices to use their own)",
        "AUTH_TOKEN_MISMATCH",
        "device_token_required",
        "retry_with_device_token",
        "Connect with the device token of the last hello; if it is lost, an operator gives leave "
        "to fetch a new one with `openclaw devices rotate`.",
        retry_with_device=True,
    )


def code_invalid() -> ConnectRefused:
    """A one-time code that is wrong, used or too old."""
    return unauthorized(
        "bootstrap token invalid or expired (open a fresh sign-in link)",
        "AUTH_BOOTSTRAP_TOKEN_INVALID",
        "bootstrap_token_invalid",
        "update_auth_credentials",
        "Run `openclaw dashboard` for a fresh link; a code works once and for ten minutes.",
    )


def rate_limited(retry_after_ms: int) -> ConnectRefused:
    """Too many failures from this client.

    :param retry_after_ms: milliseconds until the next try is looked at.
    """
    error = unauthorized(
        "too many failed authentication attempts (retry later)",
        "AUTH_RATE_LIMITED",
        "rate_limited",
        "wait_then_retry",
        f"Wait {-(-retry_after_ms // 1000)} s, then try again with the right credential.",
    )
    return ConnectRefused(
        error.message, error.details, retryable=True, retry_after_ms=retry_after_ms
    )


def pairing_required(
    reason: Upgrade,
    request_id: str,
    device_id: str,
    role: str,
    scopes: Sequence[str],
    approved: tuple[Sequence[str], Sequence[str]] = ((), ()),
    keeps_trying: bool = False,
    code: tuple[str, int] = ("", 0),
) -> ConnectRefused:
    """The device needs somebody's approval.

    :param approved: roles and scopes it has already.
    :param keeps_trying: tell the client to come back by itself, as the terminal UI does.
    :param code: what the device shows to its owner, and when it stops being good (Unix ms).
    """
    tail, hint, next_step = _PAIRING[reason]
    details: dict[str, object] = {
        "code": "PAIRING_REQUIRED",
        "reason": reason,
        "requestId": request_id,
        "remediationHint": hint,
        "deviceId": device_id,
        "requestedRole": role,
        "next": next_step,
    }
    if code[0]:
        details |= {"pairingCode": code[0], "pairingCodeExpiresAtMs": code[1]}
    if keeps_trying:
        details |= {
            "recommendedNextStep": "wait_then_retry",
            "retryable": True,
            "pauseReconnect": False,
        }
    lists = ("requestedScopes", scopes), ("approvedRoles", approved[0])
    for name, values in (*lists, ("approvedScopes", approved[1])):
        if values:
            details[name] = list(values)
    words = f"pairing required: {tail}"
    return ConnectRefused(
        words,
        details,
        wire_code="NOT_PAIRED",
        reason=f"{words} (requestId: {request_id})",
    )


def too_many_asks() -> ConnectRefused:
    """More devices ask for approval than can be kept."""
    return ConnectRefused(
        "too many devices ask to be paired at once; retry shortly",
        {
            "code": "PAIRING_BUSY",
            "next": "Wait a moment and connect again; nothing was asked of the owner.",
        },
        wire_code="UNAVAILABLE",
        close_code=1013,
        retryable=True,
        retry_after_ms=1000,
    )


def not_stored() -> ConnectRefused:
    """The journal failed, so nothing was granted."""
    return ConnectRefused(
        "the gateway could not store this pairing; retry shortly",
        {
            "code": "PAIRING_NOT_STORED",
            "next": "Check `openclaw health` and the disk, then retry.",
        },
        wire_code="UNAVAILABLE",
        close_code=1013,
        retryable=True,
        retry_after_ms=1000,
    )
